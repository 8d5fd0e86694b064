#include <gtest/gtest.h>

#include <string>

#include "common/http/head.h"

namespace chain429 {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 429 Too Many Requests\r\n"
    "content-type: application/json\r\n"
    "Retry-After: 3\r\n"
    "Connection: close\r\n"
    "Content-Length: 2\r\n"
    "\r\n";

ParseState StateOf(std::string_view bytes) {
  ResponseHead head;
  return ParseResponseHead(bytes, head).state;
}

TEST(ResponseHead, IsTakenApart) {
  ResponseHead head;
  const std::string bytes = std::string(kAnswer) + "{}";
  const ParseResult result = ParseResponseHead(bytes, head);
  ASSERT_EQ(result.state, ParseState::kDone);
  EXPECT_EQ(result.consumed, kAnswer.size());
  EXPECT_EQ(head.status, 429);
  EXPECT_EQ(head.reason, "Too Many Requests");
  EXPECT_EQ(head.Find("retry-after"), "3");
  EXPECT_EQ(head.content_length, 2u);
  EXPECT_FALSE(head.KeepsAlive());
}

TEST(ResponseHead, IsIncompleteUntilItsLastByte) {
  for (size_t size = 0; size < kAnswer.size(); ++size) {
    ASSERT_EQ(StateOf(kAnswer.substr(0, size)), ParseState::kIncomplete) << size;
  }
}

TEST(ResponseHead, TheReasonMayBeMissing) {
  const struct {
    std::string_view line;
    int status;
    std::string_view reason;
  } cases[] = {{"HTTP/1.1 200", 200, ""},
               {"HTTP/1.1 200 ", 200, ""},
               {"HTTP/1.0 200 OK", 200, "OK"},
               {"HTTP/1.1 100 Continue", 100, "Continue"},
               {"HTTP/1.1 599 x  y\t", 599, "x  y\t"},
               {"HTTP/1.1 503 \xC3\xA9", 503, "\xC3\xA9"}};
  for (const auto& c : cases) {
    ResponseHead head;
    const std::string bytes = std::string(c.line) + "\r\n\r\n";
    ASSERT_EQ(ParseResponseHead(bytes, head).state, ParseState::kDone) << c.line;
    EXPECT_EQ(head.status, c.status);
    EXPECT_EQ(head.reason, c.reason);
  }
}

TEST(ResponseHead, NothingOfAnEarlierOneRemains) {
  ResponseHead head;
  ASSERT_EQ(ParseResponseHead(kAnswer, head).state, ParseState::kDone);
  ASSERT_EQ(ParseResponseHead("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", head).state, ParseState::kDone);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.reason, "");
  EXPECT_TRUE(head.chunked);
  EXPECT_FALSE(head.content_length.has_value());
  EXPECT_TRUE(head.KeepsAlive());
}

TEST(ResponseHead, BrokenOnesAreRefused) {
  const std::string cases[] = {
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "http/1.1 200 OK\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "<html>",
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
      " HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 Odd\r\n\r\n",
      "HTTP/1.1 600 Odd\r\n\r\n",
      "HTTP/1.1 -20 Odd\r\n\r\n",
      "HTTP/1.1 +20 Odd\r\n\r\n",
      "HTTP/1.1 2x0 OK\r\n\r\n",
      "HTTP/1.1 OK\r\n\r\n",
      "HTTP/1.1\r\n\r\n",
      "HTTP/1.1 200OK\r\n\r\n",
      "HTTP/1.1 200\tOK\r\n\r\n",
      "HTTP/1.1 200 O\rK\r\n\r\n",
      std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20),
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.1 200 OK\r\nx: y\n\r\n",
      "HTTP/1.1 200 OK\r\nx: y\r\n folded\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx : y\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'y'),
      "HTTP/1.1 200 " + std::string(70'000, 'y'),
  };
  for (const std::string& bytes : cases) EXPECT_EQ(StateOf(bytes), ParseState::kBad) << bytes.substr(0, 60);
}

TEST(ResponseHead, GarbageIsNoticedAtItsFirstByte) {
  for (const std::string_view bytes : {"X", "HTTQ", "HTTP/2", "\n", "{"})
    EXPECT_EQ(StateOf(bytes), ParseState::kBad) << bytes;
}

TEST(ResponseHead, EndlessFieldsAreRefused) {
  std::string bytes = "HTTP/1.1 200 OK\r\n";
  for (size_t i = 0; i <= kFieldsLimit; ++i) bytes += "x: y\r\n";
  EXPECT_EQ(StateOf(bytes), ParseState::kBad);
}

TEST(HopByHop, FieldsStayOnTheirConnection) {
  for (const std::string_view name : {"Connection", "keep-alive", "TE", "Trailer", "Upgrade", "Proxy-Connection",
                                      "Transfer-Encoding", "Proxy-Authenticate", "proxy-authorization"}) {
    EXPECT_TRUE(IsHopByHop(name)) << name;
  }
  for (const std::string_view name : {"content-type", "te2", "upgrades", "x-connection", "authorization", "", "date"}) {
    EXPECT_FALSE(IsHopByHop(name)) << name;
  }
}

TEST(HopByHop, ConnectionNamesFurtherOnes) {
  EXPECT_TRUE(ListedInConnection("close, X-Secret", "x-secret"));
  EXPECT_TRUE(ListedInConnection(" x-secret\t,a", "X-Secret"));
  EXPECT_FALSE(ListedInConnection("x-secrets, x secret", "x-secret"));
  EXPECT_FALSE(ListedInConnection("", "x-secret"));
  EXPECT_FALSE(ListedInConnection(",,", "x-secret"));
}

}  // namespace
}  // namespace chain429
