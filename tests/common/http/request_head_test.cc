#include <gtest/gtest.h>

#include <string>

#include "common/http/head.h"

namespace chain429 {
namespace {

constexpr std::string_view kPost =
    "POST /v1/chat/completions?a=b%20c HTTP/1.1\r\n"
    "Host: gateway.local:4290\r\n"
    "authorization: Bearer key\r\n"
    "Content-Length: 17\r\n"
    "X-Odd!#$%&'*+-.^_`|~: \t a \t b\xC3\xA9 \t\r\n"
    "Empty:\r\n"
    "\r\n";

ParseResult Parse(std::string_view bytes, RequestHead& head) { return ParseRequestHead(bytes, head); }
ParseResult Parse(std::string_view bytes) {
  RequestHead head;
  return ParseRequestHead(bytes, head);
}
std::string WithFields(std::string_view fields) {
  return std::string("POST / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n");
}

TEST(RequestHead, IsTakenApart) {
  RequestHead head;
  const std::string bytes = std::string(kPost) + "{\"model\"";
  const ParseResult result = Parse(bytes, head);
  ASSERT_EQ(result.state, ParseState::kDone);
  EXPECT_EQ(result.consumed, kPost.size());
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/chat/completions?a=b%20c");
  EXPECT_EQ(head.host, "gateway.local:4290");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.content_length, 17u);
  EXPECT_FALSE(head.chunked);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_TRUE(head.KeepsAlive());
  ASSERT_EQ(head.fields.size(), 5u);
  EXPECT_EQ(head.fields[1].name, "authorization");
  EXPECT_EQ(head.fields[3].name, "X-Odd!#$%&'*+-.^_`|~");
  EXPECT_EQ(head.fields[3].value, "a \t b\xC3\xA9") << "blanks around a value do not belong to it";
  EXPECT_EQ(head.fields[4].value, "");
}

TEST(RequestHead, FieldsAreFoundInAnyCase) {
  RequestHead head;
  ASSERT_EQ(Parse(kPost, head).state, ParseState::kDone);
  EXPECT_EQ(head.Find("authorization"), "Bearer key");
  EXPECT_EQ(head.Find("content-length"), "17");
  EXPECT_EQ(head.Find("absent"), "");
}

TEST(RequestHead, IsIncompleteUntilItsLastByte) {
  RequestHead head;
  for (size_t size = 0; size < kPost.size(); ++size) {
    ASSERT_EQ(Parse(kPost.substr(0, size), head).state, ParseState::kIncomplete) << size;
  }
  EXPECT_EQ(Parse(kPost, head).state, ParseState::kDone);
}

TEST(RequestHead, NothingOfAnEarlierOneRemains) {
  RequestHead head;
  ASSERT_EQ(
      Parse("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close, x\r\nContent-Length: 1\r\n\r\n", head).state,
      ParseState::kDone);
  ASSERT_EQ(
      Parse("POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", head).state,
      ParseState::kDone);
  EXPECT_FALSE(head.content_length.has_value());
  EXPECT_TRUE(head.chunked);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_TRUE(head.connection.empty());
  EXPECT_FALSE(head.close || head.keep_alive);
  ASSERT_EQ(Parse("GET / HTTP/1.1\r\nHost: c\r\n\r\n", head).state, ParseState::kDone);
  EXPECT_FALSE(head.chunked || head.expect_continue);
  EXPECT_EQ(head.fields.size(), 1u);
}

TEST(RequestHead, OneEmptyLineBeforeItIsForgiven) {
  RequestHead head;
  const std::string bytes = std::string("\r\n") + std::string(kPost);
  EXPECT_EQ(Parse(bytes, head).consumed, bytes.size());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(Parse(std::string_view(bytes).substr(0, size), head).state, ParseState::kIncomplete) << size;
  }
  EXPECT_EQ(Parse("\r\n" + bytes, head).state, ParseState::kBad);
}

TEST(RequestHead, ConnectionSaysWhetherItLives) {
  const struct {
    std::string_view version;
    std::string_view connection;
    bool keeps_alive;
  } cases[] = {{"1.1", "", true},       {"1.1", "close", false},           {"1.1", "x , CLOSE", false},
               {"1.1", "closed", true}, {"1.1", "upgrade", true},          {"1.1", "keep-alive", true},
               {"1.0", "", false},      {"1.0", "Keep-Alive", true},       {"1.0", "x", false},
               {"1.1", ",,,", true},    {"1.0", "keep-alive,close", false}};
  for (const auto& c : cases) {
    RequestHead head;
    const std::string bytes = std::string("GET / HTTP/")
                                  .append(c.version)
                                  .append("\r\nHost: a\r\nConnection: ")
                                  .append(c.connection)
                                  .append("\r\n\r\n");
    ASSERT_EQ(Parse(bytes, head).state, ParseState::kDone);
    EXPECT_EQ(head.KeepsAlive(), c.keeps_alive) << bytes;
    EXPECT_EQ(head.connection, c.connection);
  }
}

TEST(RequestHead, HttpOneZeroNeedsNoHost) {
  RequestHead head;
  ASSERT_EQ(Parse("GET /health HTTP/1.0\r\n\r\n", head).state, ParseState::kDone);
  EXPECT_EQ(head.minor_version, 0);
  ASSERT_EQ(Parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", head).state, ParseState::kDone);
  EXPECT_FALSE(head.expect_continue) << "HTTP/1.0 has no interim answers";
}

TEST(RequestHead, StarBelongsToOptions) {
  RequestHead head;
  EXPECT_EQ(Parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", head).state, ParseState::kDone);
  EXPECT_EQ(Parse("GET * HTTP/1.1\r\nHost: a\r\n\r\n", head).state, ParseState::kBad);
}

TEST(RequestHead, OnlyTheMethodsOfHttpAreKnown) {
  for (const std::string_view method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}) {
    EXPECT_TRUE(IsKnownMethod(method)) << method;
  }
  for (const std::string_view method : {"", "get", "GETS", "GE", "BREW", "PRI", "PROPFIND"}) {
    EXPECT_FALSE(IsKnownMethod(method)) << method;
  }
}

TEST(RequestHead, ContentLengthMayFillSixtyFourBits) {
  RequestHead head;
  ASSERT_EQ(Parse(WithFields("Content-Length: 18446744073709551615\r\n"), head).state, ParseState::kDone);
  EXPECT_EQ(head.content_length, UINT64_MAX);
  ASSERT_EQ(Parse(WithFields("content-length: 000\r\n"), head).state, ParseState::kDone);
  EXPECT_EQ(head.content_length, 0u);
}

TEST(RequestHead, HasUpToOneHundredAndTwentyEightFields) {
  std::string fields;
  for (size_t i = 1; i < kFieldsLimit; ++i) fields += "x: y\r\n";
  RequestHead head;
  ASSERT_EQ(Parse(WithFields(fields), head).state, ParseState::kDone);
  EXPECT_EQ(head.fields.size(), kFieldsLimit);
  EXPECT_EQ(Parse(WithFields(fields + "x: y\r\n")).status, 431);
}

TEST(RequestHead, HasUpToSixtyFourKibibytes) {
  const std::string frame = WithFields("x: \r\n");
  const std::string longest = WithFields("x: " + std::string(kHeadBytesLimit - frame.size(), 'y') + "\r\n");
  ASSERT_EQ(longest.size(), kHeadBytesLimit);
  RequestHead head;
  EXPECT_EQ(Parse(longest, head).state, ParseState::kDone);
  EXPECT_EQ(Parse(longest + std::string(100'000, 'b'), head).consumed, kHeadBytesLimit) << "a body does not count";
  const std::string longer = WithFields("x: " + std::string(kHeadBytesLimit - frame.size() + 1, 'y') + "\r\n");
  EXPECT_EQ(Parse(longer).status, 431);
  EXPECT_EQ(Parse(WithFields("x: " + std::string(kHeadBytesLimit, 'y'))).status, 431) << "whether or not its end came";
}

TEST(RequestHead, ATargetHasUpToEightKibibytes) {
  const auto with_target = [](size_t size) {
    return "POST /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  RequestHead head;
  EXPECT_EQ(Parse(with_target(kTargetBytesLimit), head).state, ParseState::kDone);
  for (const size_t size :
       {kTargetBytesLimit + 1, kTargetBytesLimit + 60, size_t{20'000}, size_t{70'000}, size_t{200'000}}) {
    EXPECT_EQ(Parse(with_target(size)).status, 414) << size;
  }
}

// Whoever sends no more after it would otherwise be waited for.
TEST(RequestHead, ALineWithoutAVersionIsRefusedAtItsEnd) {
  for (const std::string_view line : {"GET /health\r\n", "GET /a b\r\n", "GET / FTP/1.1\r\n"}) {
    EXPECT_EQ(Parse(line.substr(0, line.size() - 1)).state, ParseState::kIncomplete) << line;
    EXPECT_EQ(Parse(line).state, ParseState::kBad) << line;
    EXPECT_EQ(Parse(line).status, 400) << line;
  }
}

// A refusal does not depend on how the bytes were cut: some prefix is refused as the whole is, and none otherwise.
TEST(RequestHead, IsRefusedTheSameWayHoweverItsBytesCome) {
  const std::string cases[] = {
      "GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /" + std::string(9'000, 'a') + " HTTP/2.0\r\n\r\n",
      "GET /" + std::string(9'000, 'a') + "\nHost: a\r\n\r\n",
      WithFields("x: " + std::string(70'000, 'y') + "\n"),
      WithFields("x: " + std::string(40'000, 'y') + "\r\ny: " + std::string(40'000, 'y') + "\0"),
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
  };
  for (const std::string& bytes : cases) {
    const ParseResult whole = Parse(bytes);
    ASSERT_EQ(whole.state, ParseState::kBad) << bytes.substr(0, 40);
    bool refused = false;
    const size_t step = bytes.size() > 10'000 ? 97 : 1;
    for (size_t size = 0; size < bytes.size() && !refused; size += step) {
      const ParseResult part = Parse(std::string_view(bytes).substr(0, size));
      refused = part.state == ParseState::kBad;
      ASSERT_NE(part.state, ParseState::kDone);
      if (refused) {
        EXPECT_EQ(part.status, whole.status) << bytes.substr(0, 40) << " at " << size;
      }
    }
  }
}

}  // namespace
}  // namespace chain429
