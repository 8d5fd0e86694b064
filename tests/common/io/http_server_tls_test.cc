#include <csignal>
#include <string>

#include "common/io/http_client.h"
#include "common/io/http_server.h"
#include "common/io/tls_server.h"
#include "gtest/gtest.h"
#include "tests/common/io/raw_connection.h"
#include "tests/common/io/server_fixture.h"
#include "tests/support/test_certificate.h"

namespace chain429 {
namespace {

class HttpServerTls : public testing::Test {
 protected:
  HttpServerTls() {
    std::signal(SIGPIPE, SIG_IGN);
    auto created = TlsServerContext::Create(TestCertificate());
    EXPECT_TRUE(created.ok()) << created.status();
    tls = *std::move(created);
  }
  HttpServerOptions Options() const {
    HttpServerOptions options;
    options.tls = tls.get();
    return options;
  }
  static HttpCall Call(const SocketAddress& address, std::string body = "") {
    HttpCall call;
    call.address = address;
    call.tls = true;
    call.method = body.empty() ? "GET" : "POST";
    call.body = std::move(body);
    return call;
  }
  std::unique_ptr<TlsServerContext> tls;
};

TEST_F(HttpServerTls, AnswersOverTls) {
  RunningServer server([](const HttpRequest& request) { return TextResponse(request.method + request.body); },
                       Options());
  const auto answer = CallHttp(Call(server.address(), "hello"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POSThello");
}

TEST_F(HttpServerTls, LargeBodiesGoBothWays) {
  HttpServerOptions options = Options();
  options.max_body_bytes = size_t{8} << 20;
  RunningServer server([](const HttpRequest& request) { return TextResponse(request.body + request.body); }, options);
  const std::string body(3'000'000, 'x');
  const auto answer = CallHttp(Call(server.address(), body));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body.size(), 2 * body.size());
}

TEST_F(HttpServerTls, ARefusalReachesTheClientAlthoughItsBodyIsUnread) {
  RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, Options());
  const auto answer = CallHttp(Call(server.address(), std::string(1'500'000, 'x')));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 413);
}

TEST_F(HttpServerTls, PlainHttpIsToldToUseTls) {
  RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, Options());
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string response = connection.ReadAll();
  EXPECT_EQ(StatusOf(response), 400);
  EXPECT_NE(response.find("https://"), std::string::npos) << response;
}

TEST_F(HttpServerTls, WhatIsNeitherIsClosed) {
  RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, Options());
  RawConnection connection(server.address());
  connection.Send(std::string(200, '\xfe'));
  EXPECT_EQ(StatusOf(connection.ReadAll()), 0);
  EXPECT_TRUE(CallHttp(Call(server.address())).ok());
}

TEST_F(HttpServerTls, AHandshakeHasTheTimeOfAHead) {
  HttpServerOptions options = Options();
  options.head_timeout = absl::Milliseconds(50);
  RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, options);
  RawConnection connection(server.address());
  connection.Send("\x16\x03\x01");
  EXPECT_EQ(connection.ReadAll(), "");
}

TEST_F(HttpServerTls, ANewCertificateIsForNewConnections) {
  RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, Options());
  ASSERT_TRUE(CallHttp(Call(server.address())).ok());
  ASSERT_TRUE(tls->Replace(TestCertificate()).ok());
  EXPECT_TRUE(CallHttp(Call(server.address())).ok());
  EXPECT_FALSE(tls->Replace({"nonsense", "nonsense", ""}).ok());
  EXPECT_TRUE(CallHttp(Call(server.address())).ok()) << "the last good one goes on";
}

TEST_F(HttpServerTls, TheServerMayEndWhileAHandshakeIsUnderWay) {
  auto connection = std::make_unique<RawConnection>(SocketAddress{"127.0.0.1", 1});
  {
    RunningServer server([](const HttpRequest&) { return TextResponse("fine"); }, Options());
    connection = std::make_unique<RawConnection>(server.address());
    connection->Send("\x16\x03\x01");
    ASSERT_TRUE(CallHttp(Call(server.address())).ok()) << "by now the first is accepted";
  }
  EXPECT_EQ(connection->ReadAll(), "");
}

}  // namespace
}  // namespace chain429
