#include "dataplane/upstream/dial.h"

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
    return Dial({io, resolver, deadlines, tls.get()}, pool.Intern(endpoint), clock.Read().mono + absl::Seconds(3));
  }
  static Resolved Addresses(std::vector<boost::asio::ip::tcp::endpoint> addresses) {
    Resolved resolved;
    resolved.addresses = std::move(addresses);
    return resolved;
  }
  void ExpectUsable(const std::optional<ConnectionPtr>& connection, Listener& listener) {
    ASSERT_TRUE(connection.has_value() && *connection != nullptr);
    Peer peer = listener.Accept();
    EXPECT_EQ(Finish(Write(*connection, "hello")), true);
    EXPECT_EQ(peer.Read(5), "hello");
  }
  Resolver resolver{io, deadlines, clock};
  UpstreamPool pool{deadlines, clock};
  std::unique_ptr<TlsClientContext> tls;
};

TEST_F(DialTest, ConnectsToAnAddress) {
  Listener listener;
  Dial dial = To("127.0.0.1", listener.endpoint().port());
  ExpectUsable(Finish(dial.Run()), listener);
  EXPECT_EQ(dial.error(), "");
  EXPECT_FALSE(dial.timed_out() || dial.armed());
}

TEST_F(DialTest, ConnectsToAName) {
  Listener listener;
  Dial dial = To("localhost", listener.endpoint().port());
  ExpectUsable(Finish(dial.Run()), listener);
}

TEST_F(DialTest, APortThatRefusesIsAnError) {
  Dial dial = To("127.0.0.1", RefusedEndpoint().port());
  EXPECT_EQ(Finish(dial.Run()), ConnectionPtr());
  EXPECT_NE(dial.error().find("refused"), std::string::npos) << dial.error();
  EXPECT_FALSE(dial.timed_out() || dial.armed());
}

TEST_F(DialTest, ANameThatCannotBeResolvedIsAnError) {
  Dial dial = To(std::string(70, 'x') + ".invalid", 80);
  EXPECT_EQ(Finish(dial.Run()), ConnectionPtr());
  EXPECT_NE(dial.error().find("cannot be resolved"), std::string::npos) << dial.error();
  EXPECT_FALSE(dial.timed_out());
}

TEST_F(DialTest, GoesOnToTheNextAddress) {
  Listener listener;
  Listener unused;
  Dial dial = To("many.test", 80);
  const auto connection =
      Finish(dial.Reach(Addresses({RefusedEndpoint(), RefusedEndpoint(), listener.endpoint(), unused.endpoint()})));
  ExpectUsable(connection, listener);
  EXPECT_EQ(dial.error(), "");
}

TEST_F(DialTest, TheLastAddressSaysWhyNoneServed) {
  Dial dial = To("many.test", 80);
  EXPECT_EQ(Finish(dial.Reach(Addresses({RefusedEndpoint(), RefusedEndpoint()}))), ConnectionPtr());
  EXPECT_NE(dial.error().find("refused"), std::string::npos) << dial.error();
}

TEST_F(DialTest, WithoutAnAddressThereIsNoConnection) {
  Dial dial = To("none.test", 80);
  EXPECT_EQ(Finish(dial.Reach(Addresses({}))), ConnectionPtr());
  EXPECT_NE(dial.error(), "");
}

TEST_F(DialTest, TheDeadlineEndsItAndNoFurtherAddressIsTried) {
  FullListener full;
  Listener listener;
  Dial dial = To("many.test", 80);
  std::optional<ConnectionPtr> connection;
  Start(dial.Reach(Addresses({full.endpoint(), listener.endpoint()})), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_TRUE(dial.timed_out());
  EXPECT_EQ(dial.error(), "connecting timed out");
}

TEST_F(DialTest, CancelEndsItWithoutBeingATimeout) {
  FullListener full;
  Listener listener;
  Dial dial = To("many.test", 80);
  std::optional<ConnectionPtr> connection;
  Start(dial.Reach(Addresses({full.endpoint(), listener.endpoint()})), &connection);
  RunReady();
  ASSERT_FALSE(connection.has_value());
  dial.Cancel();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_FALSE(dial.timed_out() || dial.armed());
  EXPECT_EQ(dial.error(), "connecting was given up");
}

TEST_F(DialTest, CancelledDuringTheLookUpItConnectsToNobody) {
  Listener listener;
  Dial dial = To("localhost", listener.endpoint().port());
  std::optional<ConnectionPtr> connection;
  Start(dial.Run(), &connection);
  ASSERT_FALSE(connection.has_value());
  dial.Cancel();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(*connection, nullptr);
  EXPECT_FALSE(dial.armed());
}

TEST_F(DialTest, AHandshakeIsPartOfIt) {
  TlsServer server("IP:127.0.0.1", [](TlsPeer& peer) { peer.Send("secret"); });
  server.TrustedBy(tls->get());
  Dial dial = To("127.0.0.1", server.endpoint().port(), true);
  const auto connection = Finish(dial.Run());
  ASSERT_TRUE(connection.has_value() && *connection != nullptr) << dial.error();
  while ((*connection)->input().size() < 6) ASSERT_EQ(Finish(Fill(*connection)), true);
  EXPECT_EQ((*connection)->input(), "secret");
}

TEST_F(DialTest, AServerThatCannotProveItsNameIsAnError) {
  TlsServer server("DNS:other.test", [](TlsPeer&) {});
  server.TrustedBy(tls->get());
  Dial dial = To("127.0.0.1", server.endpoint().port(), true);
  EXPECT_EQ(Finish(dial.Run()), ConnectionPtr());
  EXPECT_NE(dial.error().find("certificate refused"), std::string::npos) << dial.error();
}

TEST_F(DialTest, TheDeadlineCoversTheHandshake) {
  Listener silent;
  Dial dial = To("127.0.0.1", silent.endpoint().port(), true);
  std::optional<ConnectionPtr> connection;
  Start(dial.Run(), &connection);
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
