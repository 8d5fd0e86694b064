#include "dataplane/net/tls_sessions.h"

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/net/tls.h"
#include "tests/dataplane/net/tls_server.h"

namespace chain429 {
namespace {

class TlsSessionsTest : public LoopbackTest {
 protected:
  void SetUp() override { TrustNobody(); }
  void TrustNobody() {
    auto created = TlsClientContext::Create();
    ASSERT_TRUE(created.ok()) << created.status();
    context = *std::move(created);
  }
  // Connects, reads what the server has to say, and tells whether a session was resumed.
  bool Resumes(TlsServer& server, TlsSessions* sessions) {
    const ConnectionPtr connection = NewConnection();
    EXPECT_EQ(Finish(connection->Connect(server.endpoint())), "");
    EXPECT_EQ(Finish(connection->StartTls(context.get(), "provider.test", sessions)), "");
    while (Finish(Fill(connection)) == true) {
    }
    EXPECT_EQ(connection->input(), "hello");
    const bool resumed = connection->tls_resumed();
    connection->Abort();
    return resumed;
  }
  static void Greet(TlsPeer& peer) {
    peer.Send("hello");
    peer.Goodbye();
  }
  std::unique_ptr<TlsClientContext> context;
};

TEST_F(TlsSessionsTest, AFurtherConnectionResumesWhatAnEarlierWasOffered) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TrustNobody();
    TlsServer server("DNS:provider.test", Greet, 4, version);
    server.TrustedBy(context->get());
    TlsSessions sessions;
    EXPECT_FALSE(Resumes(server, &sessions)) << version;
    EXPECT_GT(sessions.size(), 0u) << version;
    EXPECT_TRUE(Resumes(server, &sessions)) << version;
    EXPECT_TRUE(Resumes(server, &sessions)) << version;
    TlsSessions of_another_host;
    EXPECT_FALSE(Resumes(server, &of_another_host)) << version;
  }
}

// All begin before the first has been offered anything, so that each is offered two.
TEST_F(TlsSessionsTest, KeepsABoundedNumber) {
  constexpr size_t kConnections = TlsSessions::kMax;
  TlsServer server("DNS:provider.test", Greet, kConnections, TLS1_3_VERSION);
  server.TrustedBy(context->get());
  TlsSessions sessions;
  std::array<ConnectionPtr, kConnections> connections;
  std::array<std::optional<std::string>, kConnections> errors;
  for (ConnectionPtr& connection : connections) {
    connection = NewConnection();
    EXPECT_EQ(Finish(connection->Connect(server.endpoint())), "");
  }
  for (size_t i = 0; i < kConnections; ++i)
    Start(connections[i]->StartTls(context.get(), "provider.test", &sessions), &errors[i]);
  for (size_t i = 0; i < kConnections; ++i) {
    ASSERT_TRUE(RunUntil([&] { return errors[i].has_value(); }));
    EXPECT_EQ(*errors[i], "");
    while (Finish(Fill(connections[i])) == true) {
    }
    EXPECT_FALSE(connections[i]->tls_resumed());
  }
  EXPECT_EQ(sessions.size(), TlsSessions::kMax);
}

TEST_F(TlsSessionsTest, WithoutAPlaceNothingIsResumed) {
  TlsServer server("DNS:provider.test", Greet, 2);
  server.TrustedBy(context->get());
  EXPECT_FALSE(Resumes(server, nullptr));
  EXPECT_FALSE(Resumes(server, nullptr));
}

// The server has a new certificate, for somebody else: its old sessions are of no use to it, so it shows it.
TEST_F(TlsSessionsTest, ASessionThatTheServerDoesNotKnowIsAWholeHandshake) {
  TlsSessions sessions;
  {
    TlsServer server("DNS:provider.test", Greet);
    server.TrustedBy(context->get());
    EXPECT_FALSE(Resumes(server, &sessions));
  }
  ASSERT_GT(sessions.size(), 0u);
  TlsServer other("DNS:other.test", Greet);
  other.TrustedBy(context->get());
  const ConnectionPtr connection = NewConnection();
  EXPECT_EQ(Finish(connection->Connect(other.endpoint())), "");
  const std::string error = Finish(connection->StartTls(context.get(), "provider.test", &sessions)).value_or("");
  EXPECT_NE(error.find("certificate refused"), std::string::npos) << error;
  connection->Abort();
}

}  // namespace
}  // namespace chain429
