#include "common/io/http_head.h"

#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

std::string Get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
std::string Line(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }

int StatusFor(const std::string& head) {
  const auto refusal = CheckHead(head);
  return refusal ? refusal->status : 0;
}

TEST(HttpHead, TakesPlainHeads) {
  EXPECT_EQ(StatusFor(Get("")), 0);
  EXPECT_EQ(StatusFor(Get("Content-Length: 12\r\nExpect: 100-Continue\r\n")), 0);
  EXPECT_EQ(StatusFor(Get("transfer-encoding: Chunked\r\n")), 0);
  EXPECT_EQ(StatusFor(Get("X-Empty:\r\nX-Tabbed: a\tb\r\nX-Latin: \xE9\r\n")), 0);
  EXPECT_EQ(StatusFor(Line("GET http://a/b HTTP/1.1")), 0);
  EXPECT_EQ(StatusFor("GET / HTTP/1.0\r\n\r\n"), 0);
}

TEST(HttpHead, RefusesAmbiguousFraming) {
  EXPECT_EQ(StatusFor(Get("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("Content-Length: 1\r\nContent-Length: 2\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("Content-Length: 1\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), 400);
  for (const char* value : {"", "+1", "-1", "0x10", "1,1", "1 1", "1e3", "99999999999999999999"}) {
    EXPECT_EQ(StatusFor(Get(std::string("Content-Length: ") + value + "\r\n")), 400) << value;
  }
  for (const char* value : {"gzip", "chunked, identity", "identity", "xchunked", "chunked\x0b"}) {
    EXPECT_NE(StatusFor(Get(std::string("Transfer-Encoding: ") + value + "\r\n")), 0) << value;
  }
  EXPECT_EQ(StatusFor("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HttpHead, RefusesFieldsThatTwoReadersCouldReadDifferently) {
  EXPECT_EQ(StatusFor(Get("X: a\r\n folded\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("X : a\r\n")), 400);
  EXPECT_EQ(StatusFor(Get(" X: a\r\n")), 400);
  EXPECT_EQ(StatusFor(Get(": a\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("no colon\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("X: a\rb\r\n")), 400);
  EXPECT_EQ(StatusFor(Get("X: a\nY: b\r\n")), 400);
  EXPECT_EQ(StatusFor(Get(std::string("X: a\0b\r\n", 8))), 400);
  EXPECT_EQ(StatusFor(Get("X\x80: a\r\n")), 400);
}

TEST(HttpHead, WantsExactlyOneHost) {
  EXPECT_EQ(StatusFor("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusFor("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(StatusFor("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(StatusFor("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(StatusFor("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
}

TEST(HttpHead, RefusesMethodsVersionsAndTargetsByTheirStatus) {
  EXPECT_EQ(StatusFor(Line("TRACE / HTTP/1.1")), 405);
  EXPECT_EQ(StatusFor(Line("CONNECT a:443 HTTP/1.1")), 405);
  EXPECT_EQ(StatusFor(Line("BREW / HTTP/1.1")), 501);
  EXPECT_EQ(StatusFor(Line("get / HTTP/1.1")), 501);
  EXPECT_EQ(StatusFor(Line("G(T / HTTP/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET / HTTP/2.0")), 505);
  EXPECT_EQ(StatusFor(Line("GET / http/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET /")), 400);
  EXPECT_EQ(StatusFor(Line("GET  / HTTP/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET /a b HTTP/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET a HTTP/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET http://other/ HTTP/1.1")), 400);
  EXPECT_EQ(StatusFor(Line("GET /" + std::string(8191, 'a') + " HTTP/1.1")), 0);
  EXPECT_EQ(StatusFor(Line("GET /" + std::string(8192, 'a') + " HTTP/1.1")), 414);
}

TEST(HttpHead, RefusesTheHttp2Preface) { EXPECT_EQ(StatusFor("PRI * HTTP/2.0\r\n\r\n"), 505); }

TEST(HttpHead, CountsFields) {
  std::string fields;
  for (int i = 0; i < 127; ++i) fields += "x: y\r\n";
  EXPECT_EQ(StatusFor(Get(fields)), 0);
  EXPECT_EQ(StatusFor(Get(fields + "x: y\r\n")), 431);
}

TEST(HttpHead, RefusesPartialHeadsEarly) {
  EXPECT_FALSE(CheckPartialHead("", 0));
  EXPECT_FALSE(CheckPartialHead("GET / HT", 0));
  EXPECT_EQ(CheckPartialHead("\x16\x03\x01", 0)->status, 400);
  EXPECT_EQ(CheckPartialHead("\r\n", 0)->status, 400);
  EXPECT_EQ(CheckPartialHead("GET / HTTP/1.1\nHost: a\n\n", 0)->status, 400);
  EXPECT_EQ(CheckPartialHead("GET /" + std::string(9000, 'a'), 0)->status, 414);
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(kMaxHeadBytes, 'a');
  EXPECT_EQ(CheckPartialHead(endless, endless.size() - 1)->status, 431);
}

TEST(HttpHead, LooksOnlyAtWhatIsNew) {
  EXPECT_FALSE(CheckPartialHead("GET / HTTP/1.1\r\nA: b\n", 21));
  EXPECT_TRUE(CheckPartialHead("GET / HTTP/1.1\r\nA: b\n", 20));
}

TEST(HttpHead, DecodesTargets) {
  const auto target = DecodeTarget("/a%20b/c+d?x=1&y=a%26b+c&z&=e&&x=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/c+d");
  const std::vector<std::pair<std::string, std::string>> query = {{"x", "1"}, {"y", "a&b c"}, {"z", ""}, {"", "e"}, {"x", "2"}};
  EXPECT_EQ(target->query, query);
  EXPECT_EQ(DecodeTarget("http://a/b?c=d")->path, "/b");
  EXPECT_EQ(DecodeTarget("http://a")->path, "/");
}

TEST(HttpHead, RefusesBadEscapes) {
  for (const char* target : {"/%", "/%1", "/%zz", "/%00", "/%0d%0a", "/?a=%", "/?%7f"}) EXPECT_FALSE(DecodeTarget(target)) << target;
}

}  // namespace
}  // namespace chain429
