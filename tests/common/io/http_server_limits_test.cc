#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/common/io/raw_connection.h"
#include "tests/common/io/server_fixture.h"

namespace chain429 {
namespace {

HttpResponse Fine(const HttpRequest&) { return TextResponse("fine"); }

// Sends one request and returns the status of what came before the connection ended.
int Outcome(const SocketAddress& address, const std::string& bytes) {
  RawConnection connection(address);
  connection.Send(bytes);
  return StatusOf(connection.ReadAll());
}

TEST(HttpServerLimits, RefusalsAreAnsweredAndClosed) {
  RunningServer server(Fine);
  const std::string host = "Host: a\r\n";
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\n" + host + host + "\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(),
                    "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\n" + host + "\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "TRACE / HTTP/1.1\r\n" + host + "\r\n"), 405);
  EXPECT_EQ(Outcome(server.address(), "CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n"), 501);
  EXPECT_EQ(Outcome(server.address(), "BREW / HTTP/1.1\r\n" + host + "\r\n"), 501);
  EXPECT_EQ(Outcome(server.address(), "get / HTTP/1.1\r\n" + host + "\r\n"), 501);
  EXPECT_EQ(Outcome(server.address(), "GET http://a/ HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "OPTIONS * HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET /% HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\n" + host + "Expect: the-best\r\n\r\n"), 417);
  EXPECT_EQ(Outcome(server.address(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(Outcome(server.address(), "\x16\x03\x01\x02"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET /" + std::string(9000, 'a')), 414);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\nX: " + std::string(70000, 'a')), 431);
  std::string many = "GET / HTTP/1.1\r\n" + host;
  for (int i = 0; i < 128; ++i) many += "x: y\r\n";
  EXPECT_EQ(Outcome(server.address(), many + "\r\n"), 431);
}

// The client sends no more and waits: an end that only a deadline brings would carry no answer.
TEST(HttpServerLimits, WhatCannotBecomeARequestIsRefusedAtOnce) {
  HttpServerOptions options;
  options.head_timeout = absl::Hours(1);
  RunningServer server(Fine, options);
  EXPECT_EQ(Outcome(server.address(), "GET /health\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/2.0\r\n"), 505);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\nX: y\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\nX : y\r\n"), 400);
}

TEST(HttpServerLimits, MethodThatIsNotAllowedNamesThoseThatAre) {
  RunningServer server(Fine);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_NE(connection.ReadAll().find("\r\nallow: GET, "), std::string::npos);
}

TEST(HttpServerLimits, NothingBehindARefusedRequestIsRead) {
  int calls = 0;  // touched on the server's loop only
  RunningServer server([&calls](const HttpRequest&) {
    ++calls;
    return TextResponse("fine");
  });
  const std::string smuggled = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const char* first : {"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n"}) {
    RawConnection connection(server.address());
    connection.Send(first + smuggled);
    const std::string all = connection.ReadAll();
    EXPECT_EQ(all.find("HTTP/1.1 "), all.rfind("HTTP/1.1 ")) << first;
    EXPECT_GE(StatusOf(all), 400) << first;
  }
  server.loop().Run([&] { EXPECT_EQ(calls, 0); });
}

TEST(HttpServerLimits, BadChunksAre400) {
  HttpServerOptions options;
  options.body_timeout = absl::Hours(1);
  RunningServer server(Fine, options);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"zz\r\n", "-1\r\nx\r\n", "1\nx\r\n0\r\n\r\n", "1\r\nxx0\r\n\r\n", "fffffffffffffffff\r\n",
                           "1\n", "1;a\n", "1\r\nx\n", "0\r\n\n", "0\r\nX: y\n"}) {
    EXPECT_EQ(Outcome(server.address(), head + body), 400) << body;
  }
}

TEST(HttpServerLimits, BodyOverTheLimitIs413WhetherClaimedOrSent) {
  HttpServerOptions options;
  options.max_body_bytes = 100;
  RunningServer server(Fine, options);
  EXPECT_EQ(Outcome(server.address(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(Outcome(server.address(), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
                                          std::string(101, 'x') + "\r\n0\r\n\r\n"),
            413);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')));
  EXPECT_EQ(StatusOf(connection.ReadResponse()), 200);
}

TEST(HttpServerLimits, HeadThatDoesNotEndIsClosed) {
  HttpServerOptions options;
  options.head_timeout = absl::Milliseconds(50);
  RunningServer server(Fine, options);
  RawConnection silent(server.address());
  RawConnection slow(server.address());
  slow.Send("GET / HT");
  EXPECT_NE(StatusOf(silent.ReadAll()), 200);
  EXPECT_NE(StatusOf(slow.ReadAll()), 200);
}

TEST(HttpServerLimits, BodyThatDoesNotComeIsClosed) {
  HttpServerOptions options;
  options.body_timeout = absl::Milliseconds(50);
  RunningServer server(Fine, options);
  RawConnection connection(server.address());
  connection.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_NE(StatusOf(connection.ReadAll()), 200);
}

TEST(HttpServerLimits, BodyThatTricklesInIsClosedAllTheSame) {
  HttpServerOptions options;
  options.body_timeout = absl::Milliseconds(50);
  RunningServer server(Fine, options);
  RawConnection connection(server.address());
  bool open = connection.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  for (int i = 0; i < 999'999 && open; ++i) open = connection.Send("a");
  EXPECT_FALSE(open) << "every byte that comes does not begin the time anew";
}

TEST(HttpServerLimits, IdleConnectionIsClosedInTheEnd) {
  HttpServerOptions options;
  options.idle_timeout = absl::Milliseconds(50);
  RunningServer server(Fine, options);
  RawConnection connection(server.address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_EQ(StatusOf(connection.ReadResponse()), 200);
  EXPECT_EQ(connection.ReadAll(), "");
}

// The other connection's end shows that the time for a body, set later, is over.
TEST(HttpServerLimits, HandlerMayTakeItsTime) {
  std::vector<HttpServer::Reply> waiting;  // touched on the server's loop only
  HttpServerOptions options;
  options.body_timeout = absl::Milliseconds(50);
  RunningServer server([&waiting](const HttpRequest&, HttpServer::Reply reply) { waiting.push_back(std::move(reply)); },
                       options);
  RawConnection patient(server.address());
  ASSERT_TRUE(patient.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"));
  bool at_handler = false;
  while (!at_handler) server.loop().Run([&] { at_handler = !waiting.empty(); });
  RawConnection other(server.address());
  ASSERT_TRUE(other.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"));
  EXPECT_EQ(other.ReadAll(), "");
  server.loop().Run([&] {
    for (auto& reply : waiting) reply(TextResponse("done"));
    waiting.clear();
  });
  EXPECT_NE(patient.ReadResponse().find("done"), std::string::npos);
}

TEST(HttpServerLimits, IdleConnectionMakesRoomForANewOne) {
  HttpServerOptions options;
  options.max_connections = 2;
  RunningServer server(Fine, options);
  RawConnection first(server.address());
  RawConnection second(server.address());
  for (RawConnection* connection : {&first, &second}) {
    connection->Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(StatusOf(connection->ReadResponse()), 200);
  }
  RawConnection third(server.address());
  third.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(StatusOf(third.ReadResponse()), 200);
  EXPECT_EQ(first.ReadAll(), "");
}

TEST(HttpServerLimits, BusyConnectionsAreNotEvicted) {
  std::vector<HttpServer::Reply> waiting;  // touched on the server's loop only
  HttpServerOptions options;
  options.max_connections = 1;
  RunningServer server([&waiting](const HttpRequest&, HttpServer::Reply reply) { waiting.push_back(std::move(reply)); },
                       options);
  RawConnection busy(server.address());
  busy.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  bool at_handler = false;
  while (!at_handler) server.loop().Run([&] { at_handler = !waiting.empty(); });
  RawConnection refused(server.address());
  EXPECT_EQ(refused.ReadAll(), "");
  server.loop().Run([&] {
    for (auto& waiter : waiting) waiter(TextResponse("done"));
    waiting.clear();
  });
  EXPECT_NE(busy.ReadResponse().find("done"), std::string::npos);
}

}  // namespace
}  // namespace chain429
