#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "common/io/address.h"
#include "controlplane/ctl/up/traffic_story.h"

namespace chain429 {

// The demo's small steady traffic: a chat request every two seconds, every other one a stream. On a thread of its own.
class DemoTraffic {
 public:
  // `tell` gets a line now and then, on the traffic's thread.
  DemoTraffic(SocketAddress api, std::string chain, std::function<void(std::string)> tell);
  // Waits for the request under way.
  ~DemoTraffic();
  DemoTraffic(const DemoTraffic&) = delete;
  DemoTraffic& operator=(const DemoTraffic&) = delete;

  // Begins no further request; does not wait.
  void Stop();

 private:
  void Run();
  TrafficResult Ask(int64_t number) const;

  const SocketAddress api_;
  const std::string chain_;
  const std::function<void(std::string)> tell_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace chain429
