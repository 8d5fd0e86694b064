#include "common/io/http_server.h"

#include <stdexcept>
#include <thread>

#include "gtest/gtest.h"
#include "tests/common/io/raw_connection.h"
#include "tests/common/io/server_fixture.h"

namespace chain429 {
namespace {

HttpResponse Echo(const HttpRequest& request) {
  return TextResponse(request.method + " " + request.path + " " + request.body + " " +
                      std::string(request.Query("q").value_or("-")));
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection.Send("GET /a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    const std::string response = connection.ReadResponse();
    EXPECT_EQ(StatusOf(response), 200);
    EXPECT_NE(response.find("\r\n\r\nGET /a  1"), std::string::npos) << response;
    EXPECT_NE(response.find("connection: keep-alive"), std::string::npos);
  }
}

TEST(HttpServer, TakesBodiesOfBothFramings) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_NE(connection.ReadResponse().find("POST /a hello"), std::string::npos);
  ASSERT_TRUE(connection.Send(
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n"));
  EXPECT_NE(connection.ReadResponse().find("POST /a hello"), std::string::npos);
}

TEST(HttpServer, TakesBodiesInWhateverPiecesTheyCome) {
  RunningServer server([](const HttpRequest& request) { return TextResponse(request.body); });
  std::string body;
  for (int i = 0; body.size() < 100'000; ++i) body += std::to_string(i) + " ";
  std::string chunked;
  for (size_t at = 0; at < body.size(); at += 0x1001) {
    const std::string_view chunk = std::string_view(body).substr(at, 0x1001);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    chunked.append(size).append(chunk).append("\r\n");
  }
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string requests[] = {head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
                                  head + "Transfer-Encoding: chunked\r\n\r\n" + chunked + "0\r\n\r\n"};
  RawConnection connection(server.address());
  for (const std::string& request : requests) {
    for (const size_t piece : {size_t{997}, request.size()}) {
      for (size_t at = 0; at < request.size(); at += piece) {
        ASSERT_TRUE(connection.Send(std::string_view(request).substr(at, piece)));
      }
      const std::string response = connection.ReadResponse();
      EXPECT_EQ(StatusOf(response), 200);
      EXPECT_TRUE(response.ends_with("\r\n\r\n" + body)) << response.size();
    }
  }
}

TEST(HttpServer, TakesAHeadByteByByte) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  for (const char c : std::string_view("\r\nPOST /a?q=b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")) {
    ASSERT_TRUE(connection.Send(std::string_view(&c, 1)));
  }
  EXPECT_NE(connection.ReadResponse().find("POST /a hi b"), std::string::npos);
}

TEST(HttpServer, HandlersGetFieldsInSmallLettersAndThePeer) {
  RunningServer server([](const HttpRequest& request) {
    std::string all = request.peer;
    for (const HttpField& field : request.headers) all += "|" + field.name + "=" + field.value;
    return TextResponse(all);
  });
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHOST: a\r\nX-Odd: \t B \r\nx-odd:\r\n\r\n"));
  EXPECT_TRUE(connection.ReadResponse().ends_with("\r\n\r\n127.0.0.1|host=a|x-odd=B|x-odd="));
}

TEST(HttpServer, TrailersAddNothingToTheFields) {
  RunningServer server(
      [](const HttpRequest& request) { return TextResponse(std::string(request.Header("x-late").value_or("none"))); });
  RawConnection connection(server.address());
  ASSERT_TRUE(
      connection.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: y\r\n\r\n"));
  EXPECT_NE(connection.ReadResponse().find("\r\n\r\nnone"), std::string::npos);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  ASSERT_TRUE(
      connection.Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET "
                      "/3 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_NE(connection.ReadResponse().find("GET /1"), std::string::npos);
  EXPECT_NE(connection.ReadResponse().find("POST /2 x"), std::string::npos);
  EXPECT_NE(connection.ReadResponse().find("GET /3"), std::string::npos);
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const std::string response = connection.ReadAll();
  EXPECT_EQ(StatusOf(response), 200);
  EXPECT_NE(response.find("content-length: 9\r\n"), std::string::npos) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\n"));
}

TEST(HttpServer, Http10IsAnsweredAndClosed) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadAll()), 200);
}

TEST(HttpServer, SaysContinueBeforeTheBody) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 100);
  ASSERT_TRUE(connection.Send("hi"));
  EXPECT_NE(connection.ReadResponse().find("POST /a hi"), std::string::npos);
}

TEST(HttpServer, SaysNoContinueWhereNoneIsAwaited) {
  RunningServer server(Echo);
  RawConnection connection(server.address());
  const std::string expecting = "Host: a\r\nExpect: 100-continue\r\n";
  ASSERT_TRUE(connection.Send("POST /a HTTP/1.1\r\n" + expecting + "Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 200);
  ASSERT_TRUE(connection.Send("POST /a HTTP/1.1\r\n" + expecting + "Content-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 200) << "the body is there already";
  ASSERT_TRUE(connection.Send("POST /a HTTP/1.1\r\n" + expecting + "Content-Length: 9999999\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 413) << "it would be refused anyway";
}

TEST(HttpServer, HandlerMayAnswerLaterFromAnotherThread) {
  RunningServer server([](const HttpRequest& request, HttpServer::Reply reply) {
    std::thread([path = request.path, reply = std::move(reply)] { reply(TextResponse("later " + path)); }).detach();
  });
  RawConnection connection(server.address());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(connection.Send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_NE(connection.ReadResponse().find("later /x"), std::string::npos);
  }
}

TEST(HttpServer, ReplyThatIsDroppedIs500) {
  RunningServer server([](const HttpRequest&, const HttpServer::Reply&) {});
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 500);
}

TEST(HttpServer, OnlyTheFirstReplyCounts) {
  RunningServer server([](const HttpRequest&, const HttpServer::Reply& reply) {
    reply(TextResponse("first"));
    reply(TextResponse("second"));
  });
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_NE(connection.ReadResponse().find("first"), std::string::npos);
  EXPECT_NE(connection.ReadResponse().find("first"), std::string::npos);
}

TEST(HttpServer, HandlerThatThrowsIs500AndTheServerGoesOn) {
  RunningServer server([](const HttpRequest& request) -> HttpResponse {
    if (request.path == "/throw") throw std::runtime_error("boom");
    return TextResponse("fine");
  });
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string response = connection.ReadResponse();
  EXPECT_EQ(StatusOf(response), 500);
  EXPECT_EQ(response.find("boom"), std::string::npos);
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_NE(connection.ReadResponse().find("fine"), std::string::npos);
}

TEST(HttpServer, ResponseFieldsCannotBreakTheLine) {
  RunningServer server([](const HttpRequest&) {
    HttpResponse response = TextResponse("x");
    response.headers.push_back({"x-echo", "a\r\nx-evil: b"});
    return response;
  });
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(connection.ReadResponse().find("\r\nx-evil"), std::string::npos);
}

TEST(HttpServer, ListensOnIpv6) {
  HttpServerOptions options;
  options.listen = {"::1", 0};
  RunningServer server(Echo, options);
  RawConnection connection(server.address());
  if (!connection.connected()) GTEST_SKIP() << "no IPv6 loopback here";
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 200);
}

TEST(HttpServer, UsedPortIsAnErrorThatNamesIt) {
  RunningServer first(Echo);
  Loop loop("second");
  HttpServerOptions options;
  options.listen = first.address();
  const auto second = HttpServer::Listen(loop.context(), options, Echo);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(std::string(second.status().message()).find(first.address().ToString()), std::string::npos);
}

TEST(HttpServer, StopAcceptingEndsIdleConnectionsAndRefusesNewOnes) {
  RunningServer server(Echo);
  RawConnection idle(server.address());
  ASSERT_TRUE(idle.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_EQ(StatusOf(idle.ReadResponse()), 200);
  server.loop().Run([&] { server.server().StopAccepting(); });
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_FALSE(RawConnection(server.address()).connected());
}

TEST(HttpServer, GoesAwayWithRequestsUnderWay) {
  HttpServer::Reply kept;
  auto server = std::make_unique<RunningServer>(
      [&kept](const HttpRequest&, HttpServer::Reply reply) { kept = std::move(reply); });
  RawConnection connection(server->address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\nG"));
  server->loop().Run([&] { server->server().StopAccepting(); });
  // Whether or not the request was read before, nothing is left of it, and a late answer has nowhere to go.
  server.reset();
  EXPECT_EQ(connection.ReadAll(), "");
}

}  // namespace
}  // namespace chain429
