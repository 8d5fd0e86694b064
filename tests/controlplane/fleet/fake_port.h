#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "controlplane/fleet/down_port.h"

namespace chain429 {

// A proxy's end of a stream. It takes each message at once, or, while `slow`, keeps one under way until Finish.
template <typename Message>
class FakePort final : public DownPort<Message> {
 public:
  bool Ready() override {
    if (!ended.empty()) return false;
    if (under_way_) waited_for_ = true;
    return !under_way_;
  }
  void Write(Message message) override {
    EXPECT_FALSE(under_way_) << "a second message on its way";
    EXPECT_TRUE(ended.empty()) << "a message on a stream that was ended";
    under_way_ = slow;
    messages.push_back(std::move(message));
  }
  void End(const char* reason) override { ended = reason; }
  bool trusted() const override { return is_trusted; }

  // What was under way has arrived. True: somebody waits to write more.
  bool Finish() {
    under_way_ = false;
    return std::exchange(waited_for_, false);
  }
  // What has arrived since the last call.
  std::vector<Message> Take() { return std::exchange(messages, {}); }

  bool slow = false;
  bool is_trusted = true;
  std::vector<Message> messages;
  std::string ended;  // the reason

 private:
  bool under_way_ = false;
  bool waited_for_ = false;
};

}  // namespace chain429
