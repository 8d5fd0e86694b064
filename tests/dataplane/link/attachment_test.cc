// One try at one control plane: what is told of it, in which order, and that it ends whatever happens. The control
// plane is in the same process, without a socket.
#include "dataplane/link/attachment.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

namespace chain429 {
namespace {

// The control plane's side of both streams: it answers each message with its number.
class FakeFleet final : public v1::Fleet::Service {
 public:
  using PermitsStream = grpc::ServerReaderWriter<v1::PermitsDown, v1::PermitsUp>;
  using SyncStream = grpc::ServerReaderWriter<v1::SyncDown, v1::SyncUp>;

  grpc::Status Permits(grpc::ServerContext*, PermitsStream* stream) override {
    v1::PermitsUp up;
    while (stream->Read(&up)) {
      v1::PermitsDown down;
      down.set_epoch(up.cancels_size() > 0 ? up.cancels(0) : 1);
      if (!stream->Write(down)) break;
      if (up.has_hello() && !permits_ends.ok()) return permits_ends;
    }
    return grpc::Status::OK;
  }
  grpc::Status Sync(grpc::ServerContext*, SyncStream* stream) override {
    v1::SyncUp up;
    while (stream->Read(&up)) {
      v1::SyncDown down;
      down.set_epoch(1);
      if (!stream->Write(down)) break;
      if (up.has_hello() && !sync_ends.ok()) return sync_ends;
    }
    return grpc::Status::OK;
  }
  // Not OK: the stream ends so when its hello has come. To be set before it is opened.
  grpc::Status permits_ends;
  grpc::Status sync_ends;
};

class AttachmentTest : public testing::Test {
 protected:
  AttachmentTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&fleet);
    server = builder.BuildAndStart();
  }
  ~AttachmentTest() override {
    if (attachment != nullptr) {
      if (!gone) attachment->Abandon();
      RunUntil([this] { return gone; });
    }
    server->Shutdown();
  }

  void Open() { Open(server->InProcessChannel({})); }
  void Open(std::shared_ptr<grpc::Channel> channel) {
    attachment = std::make_unique<Attachment>(
        std::move(channel), "in process",
        Attachment::Handlers{.post =
                                 [this](std::function<void()> event) {
                                   const std::lock_guard lock(mutex);
                                   events.push_back(std::move(event));
                                   filled.notify_one();
                                 },
                             .permits = [this](const v1::PermitsDown& down) { permits.push_back(down.epoch()); },
                             .sync = [this](const v1::SyncDown&) { ++syncs; },
                             .attached = [this] { story.push_back("attached"); },
                             .lost =
                                 [this](const std::string& why) {
                                   story.push_back("lost");
                                   reason = why;
                                 },
                             .gone =
                                 [this](const Attachment* which) {
                                   EXPECT_EQ(which, attachment.get());
                                   story.push_back("gone");
                                   gone = true;
                                 }});
    v1::PermitsUp permits_hello;
    permits_hello.mutable_hello()->set_node("n");
    v1::SyncUp sync_hello;
    sync_hello.mutable_hello()->set_node("n");
    attachment->Begin(std::move(permits_hello), std::move(sync_hello));
  }
  // Does what gRPC's threads have posted, on this thread, as the link does.
  template <typename Done>
  void RunUntil(Done done) {
    while (!done()) {
      std::function<void()> event;
      {
        std::unique_lock lock(mutex);
        filled.wait(lock, [this] { return !events.empty(); });
        event = std::move(events.front());
        events.pop_front();
      }
      event();
    }
  }
  void RunUntilAttached() {
    RunUntil([this] { return attachment->can_write_permits() && attachment->can_write_sync(); });
  }
  static v1::PermitsUp Numbered(uint64_t number) {
    v1::PermitsUp up;
    up.add_cancels(number);
    return up;
  }

  FakeFleet fleet;
  std::unique_ptr<grpc::Server> server;
  std::mutex mutex;
  std::condition_variable filled;
  std::deque<std::function<void()>> events;
  std::unique_ptr<Attachment> attachment;
  std::vector<std::string> story;
  std::vector<uint64_t> permits;
  int syncs = 0;
  std::string reason;
  bool gone = false;
};

TEST_F(AttachmentTest, IsAttachedOnceBothHellosAreOnTheirWay) {
  Open();
  EXPECT_FALSE(attachment->can_write_permits());
  EXPECT_FALSE(attachment->can_write_sync());
  RunUntilAttached();
  RunUntil([this] { return !permits.empty() && syncs > 0; });
  EXPECT_EQ(story, (std::vector<std::string>{"attached"}));
  EXPECT_EQ(attachment->address(), "in process");
}

TEST_F(AttachmentTest, WritesOneMessageAtATimeAndKeepsTheOrder) {
  Open();
  RunUntilAttached();
  for (uint64_t number = 101; number <= 120; ++number) {
    attachment->Write(Numbered(number));
    EXPECT_FALSE(attachment->can_write_permits());
    EXPECT_TRUE(attachment->can_write_sync());
    RunUntil([this] { return attachment->can_write_permits(); });
  }
  RunUntil([this] { return permits.size() == 21; });
  std::vector<uint64_t> expected = {1};
  for (uint64_t number = 101; number <= 120; ++number) expected.push_back(number);
  EXPECT_EQ(permits, expected);
}

TEST_F(AttachmentTest, HalfClosedItEndsWhenTheControlPlaneHasHeardAll) {
  Open();
  RunUntilAttached();
  attachment->Write(Numbered(101));
  RunUntil([this] { return attachment->can_write_permits(); });
  attachment->HalfClose();
  EXPECT_FALSE(attachment->can_write_permits());
  EXPECT_FALSE(attachment->can_write_sync());
  RunUntil([this] { return gone; });
  EXPECT_EQ(permits.back(), 101u);
  EXPECT_EQ(story, (std::vector<std::string>{"attached", "lost", "gone"}));
}

class OneStreamEndsTest : public AttachmentTest, public testing::WithParamInterface<bool> {};

TEST_P(OneStreamEndsTest, TakesTheOtherWithIt) {
  (GetParam() ? fleet.permits_ends : fleet.sync_ends) =
      grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many proxies");
  Open();
  RunUntil([this] { return gone; });
  ASSERT_GE(story.size(), 2u);
  EXPECT_EQ(story[story.size() - 2], "lost");
  EXPECT_EQ(story.back(), "gone");
  EXPECT_EQ(std::count(story.begin(), story.end(), "lost"), 1);
  EXPECT_EQ(std::count(story.begin(), story.end(), "gone"), 1);
  EXPECT_NE(reason.find("too many proxies"), std::string::npos) << reason;
}

INSTANTIATE_TEST_SUITE_P(Streams, OneStreamEndsTest, testing::Bool());

TEST_F(AttachmentTest, AbandonedItTellsNothingButItsEnd) {
  Open();
  RunUntilAttached();
  attachment->Write(Numbered(101));
  attachment->Abandon();
  const size_t heard = permits.size();
  RunUntil([this] { return gone; });
  EXPECT_EQ(permits.size(), heard);
  EXPECT_EQ(story, (std::vector<std::string>{"attached", "gone"}));
}

TEST_F(AttachmentTest, AbandonedBeforeItWasAttachedItEndsToo) {
  Open();
  attachment->Abandon();
  RunUntil([this] { return gone; });
  EXPECT_EQ(story, (std::vector<std::string>{"gone"}));
}

TEST_F(AttachmentTest, AControlPlaneThatIsNotThereIsLostWithAReason) {
  Open(grpc::CreateChannel("unix:/nowhere/to/be/found", grpc::InsecureChannelCredentials()));
  RunUntil([this] { return gone; });
  EXPECT_EQ(story, (std::vector<std::string>{"lost", "gone"}));
  EXPECT_FALSE(reason.empty());
}

}  // namespace
}  // namespace chain429
