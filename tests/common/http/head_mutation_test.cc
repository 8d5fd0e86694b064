#include <gtest/gtest.h>

#include <string>

#include "common/http/head.h"
#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

constexpr std::string_view kPieces[] = {"\r\n",
                                        "\r",
                                        "\n",
                                        "\r\n\r\n",
                                        ":",
                                        " ",
                                        "\t",
                                        "\0",
                                        ",",
                                        "Content-Length: 5\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Host: a\r\n",
                                        "Connection: close\r\n",
                                        "HTTP/1.1",
                                        "http://a/",
                                        "*",
                                        "\xFF",
                                        "Expect: 100-continue\r\n"};

// The first prefix that is not incomplete decides, and later bytes do not change it: with a done head they are its
// body.
template <typename Head, typename Parse>
void CheckMutations(std::string_view valid, uint64_t seed, Parse parse) {
  Random random(seed);
  int done = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string text = Mutate(std::string(valid), kPieces, random);
    const ExactBytes bytes(text);
    Head head;
    const ParseResult whole = parse(bytes.view(), head);
    done += whole.state == ParseState::kDone ? 1 : 0;
    if (whole.state == ParseState::kDone) {
      ASSERT_LE(whole.consumed, text.size());
      ASSERT_FALSE(head.chunked && head.content_length.has_value()) << text;
      for (const HeaderField& field : head.fields) {
        ASSERT_EQ(field.name.find_first_of(" \t\r\n:"), std::string_view::npos) << text;
        ASSERT_EQ(field.value.find_first_of(std::string_view("\r\n\0", 3)), std::string_view::npos) << text;
      }
    }
    Head part_head;
    ParseResult first;
    for (size_t size = 0; size <= text.size() && first.state == ParseState::kIncomplete; ++size) {
      const ExactBytes part(std::string_view(text).substr(0, size));
      first = parse(part.view(), part_head);
    }
    ASSERT_EQ(first.state, whole.state) << text;
    if (whole.state == ParseState::kDone) {
      ASSERT_EQ(first.consumed, whole.consumed) << text;
    } else if (whole.state == ParseState::kBad) {
      ASSERT_EQ(first.status, whole.status) << text << first.reason << whole.reason;
    }
  }
  EXPECT_GT(done, 100);
}

TEST(HeadMutation, RequestsAreJudgedTheSameHoweverTheyCome) {
  CheckMutations<RequestHead>(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nConnection: keep-alive\r\nx-a: "
      "b\r\n\r\n{\"model\":1}",
      1, [](std::string_view bytes, RequestHead& head) { return ParseRequestHead(bytes, head); });
}

TEST(HeadMutation, ResponsesAreJudgedTheSameHoweverTheyCome) {
  CheckMutations<ResponseHead>(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\nx-a: b\r\n\r\n5\r\nhello", 2,
      [](std::string_view bytes, ResponseHead& head) { return ParseResponseHead(bytes, head); });
}

}  // namespace
}  // namespace chain429
