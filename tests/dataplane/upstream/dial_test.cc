#include "dataplane/upstream/dial.h"

#include <future>
#include <memory>
#include <string>

#include "tests/dataplane/net/loopback.h"
#include "tests/dataplane/net/tls_server.h"

namespace chain429 {
namespace {

class DialTest : public LoopbackTest {
 protected:
  void SetUp() override {
    auto created = TlsClientContext::Create();
    ASSERT_TRUE(created.ok()) << created.status();
    tls = *std::move(created);
  }
  Dial To(std::string name, uint16_t port, bool with_tls = false) {
    Endpoint endpoint;
    endpoint.host = std::move(name);
    endpoint.port = port;
    endpoint.tls = with_tls;
    return Dial({io, resolver, deadlines, tls.get(), clock, counters}, pool.Intern(endpoint),
                clock.Read().mono + absl::Seconds(3));
  }
  uint64_t Failures(ConnectFailure why) const { return counters.failures[static_cast<size_t>(why)].value(); }
  void ExpectUsable(const std::optional<ConnectionPtr>& connection, Listener& listener) {
    ASSERT_TRUE(connection.has_value() && *connection != nullptr);
    Peer peer = listener.Accept();
    EXPECT_EQ(Finish(Write(*connection, "hello")), true);
    EXPECT_EQ(peer.Read(5), "hello");
  }
  NameLookUps look_ups;
  Resolver resolver{io, deadlines, clock, look_ups};
  UpstreamCounters counters;
  UpstreamPool pool{io, deadlines, clock, counters, {}};
  UpstreamSlot slot;
  std::unique_ptr<TlsClientContext> tls;
};

TEST_F(DialTest, ConnectsToAnAddress) {
  Listener listener;
  Dial dial = To("127.0.0.1", listener.endpoint().port());
  ExpectUsable(Finish(dial.Run(&slot)), listener);
  EXPECT_EQ(dial.error(), "");
  EXPECT_FALSE(dial.timed_out());
}

TEST_F(DialTest, ConnectsToAName) {
  Listener listener;
  Dial dial = To("localhost", listener.endpoint().port());
  ExpectUsable(Finish(dial.Run(&slot)), listener);
}

TEST_F(DialTest, APortThatRefusesIsAnError) {
  Dial dial = To("127.0.0.1", RefusedEndpoint().port());
  EXPECT_EQ(Finish(dial.Run(&slot)), ConnectionPtr());
  EXPECT_NE(dial.error().find("refused"), std::string::npos) << dial.error();
  EXPECT_FALSE(dial.timed_out());
  EXPECT_EQ(Failures(ConnectFailure::kTcp), 1u);
}

TEST_F(DialTest, ANameThatCannotBeResolvedIsAnError) {
  Dial dial = To(std::string(70, 'x') + ".invalid", 80);
  EXPECT_EQ(Finish(dial.Run(&slot)), ConnectionPtr());
  EXPECT_NE(dial.error().find("cannot be resolved"), std::string::npos) << dial.error();
  EXPECT_EQ(Failures(ConnectFailure::kName), 1u);
  EXPECT_FALSE(dial.timed_out());
}

TEST_F(DialTest, GoesOnToTheNextAddress) {
  Listener listener;
  Listener unused;
  Dial dial = To("many.test", 80);
  const auto connection =
      Finish(dial.Reach({RefusedEndpoint(), RefusedEndpoint(), listener.endpoint(), unused.endpoint()}));
  ExpectUsable(connection, listener);
  EXPECT_EQ(dial.error(), "");
}

TEST_F(DialTest, TheLastAddressSaysWhyNoneServed) {
  Dial dial = To("many.test", 80);
  EXPECT_EQ(Finish(dial.Reach({RefusedEndpoint(), RefusedEndpoint()})), ConnectionPtr());
  EXPECT_NE(dial.error().find("refused"), std::string::npos) << dial.error();
}

TEST_F(DialTest, WithoutAnAddressThereIsNoConnection) {
  Dial dial = To("none.test", 80);
  EXPECT_EQ(Finish(dial.Reach({})), ConnectionPtr());
  EXPECT_NE(dial.error(), "");
}

TEST_F(DialTest, TheDeadlineEndsIt) {
  FullListener full;
  Dial dial = To("many.test", 80);
  std::optional<ConnectionPtr> connection;
  Start(dial.Reach({full.endpoint()}), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_TRUE(dial.timed_out());
  EXPECT_EQ(dial.error(), "connecting timed out");
  EXPECT_EQ(Failures(ConnectFailure::kTimeout), 1u);
}

TEST_F(DialTest, CancelEndsItWithoutBeingATimeout) {
  FullListener full;
  Listener listener;
  Dial dial = To("many.test", 80);
  std::optional<ConnectionPtr> connection;
  Start(dial.Reach({full.endpoint(), listener.endpoint()}), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  dial.Cancel();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_FALSE(dial.timed_out());
  EXPECT_EQ(dial.error(), "connecting was given up");
}

TEST_F(DialTest, WaitsForItsTurnWhereTheHostHasAllItMayHave) {
  Listener listener;
  UpstreamPool small(io, deadlines, clock, counters, {.max_per_host = 1, .proxies = {}});
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = listener.endpoint().port();
  UpstreamHost* const host = small.Intern(endpoint);
  UpstreamSlot first = small.TakeSlot(host);
  ASSERT_TRUE(first);
  Dial dial({io, resolver, deadlines, tls.get(), clock, counters}, host, clock.Read().mono + absl::Seconds(3));
  std::optional<ConnectionPtr> connection;
  Start(dial.Run(&slot), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(counters.waiting.value(), 1u);
  first.Free();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  ExpectUsable(connection, listener);
  EXPECT_TRUE(slot);
  EXPECT_FALSE(dial.reused());
  EXPECT_EQ(counters.waiting.value(), 0u);

  Dial late({io, resolver, deadlines, tls.get(), clock, counters}, host, clock.Read().mono + absl::Seconds(3));
  UpstreamSlot none;
  std::optional<ConnectionPtr> nothing;
  Start(late.Run(&none), &nothing);
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return nothing.has_value(); }));
  EXPECT_EQ(*nothing, nullptr);
  EXPECT_FALSE(none);
  EXPECT_TRUE(late.timed_out());
  EXPECT_EQ(late.error(), "all 1 connections to this provider were in use for too long");
  EXPECT_EQ(Failures(ConnectFailure::kLimit), 1u);
  slot.Free();
}

TEST_F(DialTest, CancelEndsEachOfItsStages) {
  Listener listener;
  FullListener full;
  std::promise<void> held;
  NameLookUps hanging([answer = held.get_future().share()](const std::string&) {
    answer.wait();
    return NameAnswer{{}, "no"};
  });
  Resolver slow(io, deadlines, clock, hanging);
  UpstreamPool small(io, deadlines, clock, counters, {.max_per_host = 1, .proxies = {}});
  const struct {
    std::string what;
    std::string host;
    uint16_t port;
    bool taken;
  } cases[] = {{"waiting for a connection", "127.0.0.1", listener.endpoint().port(), true},
               {"looking up the name", "slow.test", 80, false},
               {"connecting", "127.0.0.1", full.endpoint().port(), false},
               {"in the handshake", "127.0.0.1", listener.endpoint().port(), false}};
  for (const auto& c : cases) {
    Endpoint endpoint;
    endpoint.host = c.host;
    endpoint.port = c.port;
    endpoint.tls = true;
    UpstreamSlot taken;
    if (c.taken) taken = small.TakeSlot(small.Intern(endpoint));
    Dial dial({io, slow, deadlines, tls.get(), clock, counters}, small.Intern(endpoint),
              clock.Read().mono + absl::Seconds(3));
    UpstreamSlot own;
    std::optional<ConnectionPtr> connection;
    Start(dial.Run(&own), &connection);
    RunReady();
    ASSERT_FALSE(connection.has_value()) << c.what;
    dial.Cancel();
    EXPECT_FALSE(connection.has_value()) << c.what << ": not from within Cancel";
    RunReady();
    ASSERT_TRUE(connection.has_value()) << c.what;
    EXPECT_EQ(*connection, nullptr) << c.what;
    EXPECT_FALSE(dial.timed_out()) << c.what;
  }
  for (const Counter& failures : counters.failures) EXPECT_EQ(failures.value(), 0u);
  held.set_value();
}

TEST_F(DialTest, AHandshakeIsPartOfIt) {
  TlsServer server("IP:127.0.0.1", [](TlsPeer& peer) { peer.Send("secret"); });
  server.TrustedBy(tls->get());
  Dial dial = To("127.0.0.1", server.endpoint().port(), true);
  const auto connection = Finish(dial.Run(&slot));
  ASSERT_TRUE(connection.has_value() && *connection != nullptr) << dial.error();
  while ((*connection)->input().size() < 6) ASSERT_EQ(Finish(Fill(*connection)), true);
  EXPECT_EQ((*connection)->input(), "secret");
}

TEST_F(DialTest, AServerThatCannotProveItsNameIsAnError) {
  TlsServer server("DNS:other.test", [](TlsPeer&) {});
  server.TrustedBy(tls->get());
  Dial dial = To("127.0.0.1", server.endpoint().port(), true);
  EXPECT_EQ(Finish(dial.Run(&slot)), ConnectionPtr());
  EXPECT_NE(dial.error().find("certificate refused"), std::string::npos) << dial.error();
  EXPECT_EQ(Failures(ConnectFailure::kTls), 1u);
}

TEST_F(DialTest, TheDeadlineCoversTheHandshake) {
  Listener silent;
  Dial dial = To("127.0.0.1", silent.endpoint().port(), true);
  std::optional<ConnectionPtr> connection;
  Start(dial.Run(&slot), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_TRUE(dial.timed_out());
}

}  // namespace
}  // namespace chain429
