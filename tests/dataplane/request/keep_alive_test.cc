#include "dataplane/request/keep_alive.h"

#include <sys/socket.h>

#include <string>

#include "dataplane/http/answer_scan.h"
#include "dataplane/http/body_scan.h"
#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

class NoClerk final : public MailClerk {
 public:
  void OnDeskChanged() override {}
};

// A worker of which only the loop, the clock and the counters matter, and a client at the other end of a connection.
class KeepAliveTest : public LoopbackTest {
 protected:
  static constexpr absl::Duration kEvery = absl::Seconds(10);
  static constexpr std::string_view kChunk = "e\r\n: keep-alive\n\n\r\n";

  void SetUp() override {
    auto [ours, theirs] = Connected(listener);
    connection = std::move(ours);
    peer.emplace(std::move(theirs));
    client.emplace(worker, *connection);
    Begin(1);
  }
  void Begin(int minor_version) {
    RequestHead head;
    head.method = "POST";
    head.target = "/v1/chat/completions";
    head.minor_version = minor_version;
    client->Begin(head);
    keep_alive.reset();
    keep_alive.emplace(worker, *client, "coding", kEvery, clock.Read().mono);
  }
  void Pass(absl::Duration time) {
    clock.Turn(time);
    LookAtDeadlines();
  }
  // What has come by now.
  std::string Received() {
    std::string bytes(size_t{1} << 20, '\0');
    const ssize_t got = recv(peer->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }

  NameLookUps look_ups;
  Resolver resolver{io, deadlines, clock, look_ups};
  WorkerCounters counters;
  Logger logger{clock, "proxy", LogLevel::kError, LogFormat::kText};
  UpstreamPool upstreams{io, deadlines, clock, counters.upstream, {}};
  PermitDesk desk{0};
  NoClerk clerk;
  BodyScanner body_scanner;
  AnswerScanner answer_scanner;
  WorkerContext worker{{io, resolver, deadlines, nullptr, clock, counters.upstream},
                       clock,
                       logger,
                       upstreams,
                       desk,
                       clerk,
                       counters,
                       body_scanner,
                       answer_scanner,
                       {}};
  Listener listener;
  ConnectionPtr connection;
  std::optional<Peer> peer;
  std::optional<Responder> client;
  std::optional<KeepAlive> keep_alive;
};

TEST_F(KeepAliveTest, NothingGoesOutBeforeItsTime) {
  Pass(kEvery - absl::Seconds(1));
  EXPECT_EQ(Received(), "");
  EXPECT_FALSE(client->started());
  EXPECT_FALSE(keep_alive->TakeOver());
}

TEST_F(KeepAliveTest, TheHeadGoesOutWithAComment) {
  Pass(kEvery);
  EXPECT_EQ(Received(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            "x-429chain-chain: coding\r\nx-request-id: " +
                client->request_id() + "\r\ntransfer-encoding: chunked\r\n\r\n" + std::string(kChunk));
  EXPECT_EQ(client->facts().status, 200);
  EXPECT_EQ(client->head(), "");
}

TEST_F(KeepAliveTest, CommentsFollowAtTheSamePace) {
  Pass(kEvery);
  Received();
  Pass(kEvery - absl::Seconds(1));
  EXPECT_EQ(Received(), "");
  Pass(absl::Seconds(1));
  EXPECT_EQ(Received(), kChunk);
  Pass(kEvery);
  EXPECT_EQ(Received(), kChunk);
  EXPECT_EQ(counters.requests[2].value(), 1U) << "one answer";
  EXPECT_EQ(client->facts().bytes_out, 3 * std::string_view(": keep-alive\n\n").size());
}

TEST_F(KeepAliveTest, AfterTakeOverNothingIsWritten) {
  Pass(kEvery);
  Received();
  EXPECT_TRUE(keep_alive->TakeOver());
  Pass(10 * kEvery);
  EXPECT_EQ(Received(), "");
}

TEST_F(KeepAliveTest, AClientThatDoesNotReadHasOneCommentWaiting) {
  const std::string filling(size_t{1} << 20, 'x');
  size_t before = 0;
  for (std::optional<size_t> some = 1; *some > 0; before += *some) {
    some = connection->WriteSome(filling);
    ASSERT_TRUE(some.has_value());
  }
  Pass(kEvery);
  const std::string waiting(client->head());
  EXPECT_TRUE(waiting.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(waiting.ends_with(std::string("\r\n\r\n").append(kChunk)));
  for (int i = 0; i < 5; ++i) Pass(kEvery);
  EXPECT_EQ(client->head(), waiting);
  EXPECT_EQ(peer->Read(before).size(), before);
  Pass(kEvery);
  EXPECT_EQ(client->head(), "");
  EXPECT_EQ(peer->Read(waiting.size()), waiting);
}

TEST_F(KeepAliveTest, WithoutChunksForHttp10) {
  Begin(0);
  Pass(kEvery);
  const std::string got = Received();
  EXPECT_EQ(got.find("transfer-encoding"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("connection: close\r\n\r\n: keep-alive\n\n")) << got;
}

TEST_F(KeepAliveTest, AConnectionThatFailsIsAClientThatHasGone) {
  connection->Abort();
  Pass(kEvery);
  EXPECT_TRUE(client->gone());
  EXPECT_FALSE(keep_alive->armed());
}

}  // namespace
}  // namespace chain429
