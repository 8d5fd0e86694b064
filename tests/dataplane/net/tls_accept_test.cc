#include <openssl/ssl.h>

#include <csignal>
#include <string>
#include <thread>

#include "common/io/tls_server.h"
#include "tests/dataplane/net/loopback.h"
#include "tests/support/test_certificate.h"

namespace chain429 {
namespace {

// The blocking client's end of a TLS connection.
class TlsClient {
 public:
  explicit TlsClient(int fd) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_fd(ssl_, fd);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool Connect() { return SSL_connect(ssl_) == 1; }
  void Send(std::string_view bytes) { SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); }
  std::string Read(size_t size) {
    std::string bytes(size, '\0');
    const int got = SSL_read(ssl_, bytes.data(), static_cast<int>(size));
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  // The other end has said in TLS that nothing more comes.
  bool Farewell() {
    char byte = 0;
    return SSL_get_error(ssl_, SSL_read(ssl_, &byte, 1)) == SSL_ERROR_ZERO_RETURN;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

class TlsAccept : public LoopbackTest {
 protected:
  TlsAccept() {
    std::signal(SIGPIPE, SIG_IGN);
    auto created = TlsServerContext::Create(TestCertificate());
    EXPECT_TRUE(created.ok()) << created.status();
    context = *std::move(created);
  }
  Task<TlsStart> Accepting(const ConnectionPtr& connection) {
    return connection->AcceptTls(context->NewSession(connection->socket().native_handle()));
  }
  Listener listener;
  std::unique_ptr<TlsServerContext> context;
};

TEST_F(TlsAccept, CarriesBytesBothWaysAndSaysFarewell) {
  auto [connection, peer] = Connected(listener);
  std::string answer;
  bool farewell = false;
  std::thread client([&, fd = peer.fd()] {
    TlsClient tls(fd);
    if (!tls.Connect()) return;
    tls.Send("question");
    answer = tls.Read(100);
    farewell = tls.Farewell();
  });
  EXPECT_EQ(Finish(Accepting(connection)), TlsStart::kDone);
  EXPECT_EQ(Finish(Fill(connection)), true);
  EXPECT_EQ(connection->input(), "question");
  EXPECT_EQ(Finish(Write(connection, "answer")), true);
  connection->ShutdownSend();
  client.join();
  EXPECT_EQ(answer, "answer");
  EXPECT_TRUE(farewell) << "an answer that ends with the connection is whole only then";
}

TEST_F(TlsAccept, AClientThatSpeaksHttpCanBeAnsweredInPlainText) {
  auto [connection, peer] = Connected(listener);
  peer.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(Finish(Accepting(connection)), TlsStart::kPlainHttp);
  EXPECT_EQ(Finish(Write(connection, "HTTP/1.1 400 Bad Request\r\n")), true);
  EXPECT_EQ(peer.Read(12), "HTTP/1.1 400");
}

TEST_F(TlsAccept, WhatIsNoTlsFails) {
  for (const std::string_view bytes : {"\xff\xff\xff\xff\xff\xff\xff\xff", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    auto [connection, peer] = Connected(listener);
    peer.Send(bytes);
    EXPECT_EQ(Finish(Accepting(connection)), TlsStart::kFailed) << bytes;
  }
}

TEST_F(TlsAccept, AClientThatLeavesFails) {
  auto [connection, peer] = Connected(listener);
  peer.Send("\x16\x03\x01");
  peer.Close();
  EXPECT_EQ(Finish(Accepting(connection)), TlsStart::kFailed);
}

TEST_F(TlsAccept, AbortEndsTheHandshake) {
  auto [connection, peer] = Connected(listener);
  std::optional<TlsStart> start;
  Start(Accepting(connection), &start);
  RunReady();
  ASSERT_FALSE(start.has_value());
  connection->Abort();
  ASSERT_TRUE(RunUntil([&] { return start.has_value(); }));
  EXPECT_EQ(start, TlsStart::kFailed);
}

}  // namespace
}  // namespace chain429
