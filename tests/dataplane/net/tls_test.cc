#include "dataplane/net/tls.h"

#include <string>

#include "tests/dataplane/net/tls_server.h"

namespace chain429 {
namespace {

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 13 + i / 5000) & 0xFF);
  return bytes;
}

class TlsTest : public LoopbackTest {
 protected:
  void SetUp() override { TrustNobody(); }
  // Back to the system's authorities.
  void TrustNobody() {
    auto created = TlsClientContext::Create();
    ASSERT_TRUE(created.ok()) << created.status();
    context = *std::move(created);
  }
  ConnectionPtr ConnectTo(boost::asio::ip::tcp::endpoint endpoint) {
    ConnectionPtr connection = NewConnection();
    EXPECT_EQ(Finish(connection->Connect(endpoint)), "");
    return connection;
  }
  // The handshake's error; empty: none.
  std::string Shake(const ConnectionPtr& connection, const std::string& host) {
    return Finish(connection->StartTls(context.get(), host)).value_or("did not end");
  }
  static Task<bool> WriteParts(ConnectionPtr connection, std::string head, std::string body) {
    auto writing = connection->Write(head, body);
    const bool good = co_await writing;
    co_return good;
  }
  std::unique_ptr<TlsClientContext> context;
};

TEST_F(TlsTest, CarriesBytesBothWays) {
  const std::string request = Pattern(300'000);
  const std::string answer = Pattern(500'000);
  std::string received;
  std::string alpn;
  TlsServer server("DNS:provider.test", [&](TlsPeer& peer) {
    alpn = peer.Alpn();
    received = peer.Read(5 + request.size());
    peer.Send(answer);
    peer.Goodbye();
  });
  server.TrustedBy(context->get());
  const ConnectionPtr connection = ConnectTo(server.endpoint());
  ASSERT_EQ(Shake(connection, "provider.test"), "");
  EXPECT_EQ(Finish(WriteParts(connection, "HEAD ", request)), true);
  while (Finish(Fill(connection)) == true) {
  }
  EXPECT_TRUE(connection->input() == answer);
  EXPECT_EQ(connection->end(), IoEnd::kEof);
  server.Join();
  EXPECT_TRUE(received == "HEAD " + request);
  EXPECT_EQ(alpn, "http/1.1");
}

TEST_F(TlsTest, AnEndWithoutGoodbyeIsAnEnd) {
  TlsServer server("DNS:provider.test", [](TlsPeer& peer) { peer.Send("all"); });
  server.TrustedBy(context->get());
  const ConnectionPtr connection = ConnectTo(server.endpoint());
  ASSERT_EQ(Shake(connection, "provider.test"), "");
  while (Finish(Fill(connection)) == true) {
  }
  EXPECT_EQ(connection->input(), "all");
  EXPECT_EQ(connection->end(), IoEnd::kEof) << "HTTP's framing tells whether an answer is whole";
}

TEST_F(TlsTest, ACertificateThatNobodyVouchesForIsRefused) {
  bool served = false;
  TlsServer server("DNS:provider.test", [&](TlsPeer& peer) { served = !peer.Read(1).empty(); });
  const ConnectionPtr connection = ConnectTo(server.endpoint());
  const std::string error = Shake(connection, "provider.test");
  EXPECT_NE(error.find("certificate refused: self"), std::string::npos) << error;
  connection->Abort();
  server.Join();
  EXPECT_FALSE(served);
}

TEST_F(TlsTest, ACertificateOfAnotherHostIsRefused) {
  const struct {
    std::string certified;
    std::string host;
    std::string error;
  } cases[] = {{"DNS:provider.test", "other.test", "ostname mismatch"},
               {"DNS:provider.test", "sub.provider.test", "ostname mismatch"},
               {"DNS:127.0.0.1", "127.0.0.1", "IP address mismatch"},
               {"IP:127.0.0.2", "127.0.0.1", "IP address mismatch"},
               {"DNS:provider.test", "provider.test", ""},
               {"DNS:*.provider.test", "sub.provider.test", ""},
               {"IP:127.0.0.1", "127.0.0.1", ""}};
  for (const auto& c : cases) {
    TrustNobody();
    TlsServer server(c.certified, [](TlsPeer&) {});
    server.TrustedBy(context->get());
    const ConnectionPtr connection = ConnectTo(server.endpoint());
    const std::string error = Shake(connection, c.host);
    if (c.error.empty()) {
      EXPECT_EQ(error, "") << c.certified;
    } else {
      EXPECT_NE(error.find(c.error), std::string::npos) << c.certified << ": " << error;
    }
    connection->Abort();
  }
}

TEST_F(TlsTest, AServerThatSpeaksNoTlsIsAnError) {
  Listener listener;
  auto [connection, peer] = Connected(listener);
  peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_NE(Shake(connection, "provider.test"), "");
}

TEST_F(TlsTest, AServerThatClosesIsAnError) {
  Listener listener;
  auto [connection, peer] = Connected(listener);
  peer.Close();
  EXPECT_NE(Shake(connection, "provider.test"), "");
}

TEST_F(TlsTest, AbortEndsTheHandshake) {
  Listener listener;
  auto [connection, peer] = Connected(listener);
  std::optional<std::string> error;
  Start(connection->StartTls(context.get(), "provider.test"), &error);
  RunReady();
  ASSERT_FALSE(error.has_value()) << *error;
  connection->Abort();
  ASSERT_TRUE(RunUntil([&] { return error.has_value(); }));
  EXPECT_EQ(error, "the TLS handshake was given up");
}

TEST_F(TlsTest, AbortEndsAWaitingFill) {
  TlsServer server("DNS:provider.test", [](TlsPeer& peer) { peer.Read(1); });
  server.TrustedBy(context->get());
  const ConnectionPtr connection = ConnectTo(server.endpoint());
  ASSERT_EQ(Shake(connection, "provider.test"), "");
  std::optional<bool> filled;
  Start(Fill(connection), &filled);
  RunReady();
  ASSERT_FALSE(filled.has_value());
  connection->Abort();
  ASSERT_TRUE(RunUntil([&] { return filled.has_value(); }));
  EXPECT_EQ(filled, false);
}

}  // namespace
}  // namespace chain429
