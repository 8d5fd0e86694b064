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
  EXPECT_EQ(Outcome(server.address(), "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\n" + host + "\n"), 400);
  EXPECT_EQ(Outcome(server.address(), "TRACE / HTTP/1.1\r\n" + host + "\r\n"), 405);
  EXPECT_EQ(Outcome(server.address(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(Outcome(server.address(), "\x16\x03\x01\x02"), 400);
  EXPECT_EQ(Outcome(server.address(), "GET /" + std::string(9000, 'a')), 414);
  EXPECT_EQ(Outcome(server.address(), "GET / HTTP/1.1\r\nX: " + std::string(70000, 'a')), 431);
  std::string many = "GET / HTTP/1.1\r\n" + host;
  for (int i = 0; i < 128; ++i) many += "x: y\r\n";
  EXPECT_EQ(Outcome(server.address(), many + "\r\n"), 431);
}

TEST(HttpServerLimits, BadChunksAre400) {
  RunningServer server(Fine);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"zz\r\n", "-1\r\nx\r\n", "1\nx\r\n0\r\n\r\n", "1\r\nxx0\r\n\r\n", "fffffffffffffffff\r\n"}) {
    EXPECT_EQ(Outcome(server.address(), head + body), 400) << body;
  }
}

TEST(HttpServerLimits, BodyOverTheLimitIs413WhetherClaimedOrSent) {
  HttpServerOptions options;
  options.max_body_bytes = 100;
  RunningServer server(Fine, options);
  EXPECT_EQ(Outcome(server.address(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(Outcome(server.address(), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n"), 413);
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
  RunningServer server([&waiting](HttpRequest, HttpServer::Reply reply) {
    waiting.push_back(std::move(reply));
  }, options);
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
