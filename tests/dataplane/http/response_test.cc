#include "dataplane/http/response.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chain429 {
namespace {

TEST(Response, ErrorsHaveAllMembersOfOpenAisShape) {
  EXPECT_EQ(ErrorBody("No.", "invalid_request_error", {}, {}),
            R"({"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(ErrorBody("No.", "rate_limit_error", "model", "chain_exhausted", R"(,"attempts":[])"),
            R"({"error":{"message":"No.","type":"rate_limit_error","param":"model")"
            R"(,"code":"chain_exhausted","attempts":[]}})");
}

TEST(Response, ErrorsAreJsonWhateverTheyQuote) {
  const std::string odd = std::string("a\"b\\c\n\r\t\0\x1F", 11) + "é😀";
  const auto parsed = nlohmann::json::parse(ErrorBody(odd, odd, odd, odd), nullptr, false);
  ASSERT_FALSE(parsed.is_discarded());
  for (const char* member : {"message", "type", "param", "code"}) EXPECT_EQ(parsed["error"][member], odd);
  EXPECT_FALSE(nlohmann::json::parse(ErrorBody("\xFF\xC3", "t", {}, {}), nullptr, false).is_discarded());
}

TEST(Response, StatusLines) {
  const struct {
    int status;
    std::string_view reason;
    std::string_view line;
  } cases[] = {{200, "", "HTTP/1.1 200 OK\r\n"},
               {429, "", "HTTP/1.1 429 Too Many Requests\r\n"},
               {413, "", "HTTP/1.1 413 Content Too Large\r\n"},
               {418, "I'm a teapot", "HTTP/1.1 418 I'm a teapot\r\n"}};
  for (const auto& c : cases) {
    std::string out;
    AppendStatusLine(out, c.status, c.reason);
    EXPECT_EQ(out, c.line);
  }
}

TEST(Response, EveryStatusHasSomeReason) {
  for (int status = 100; status < 600; ++status) {
    std::string out;
    AppendStatusLine(out, status);
    EXPECT_GT(out.size(), std::string_view("HTTP/1.1 200 \r\n").size()) << status;
  }
}

TEST(Response, Fields) {
  std::string out;
  AppendField(out, "x-a", "b c");
  AppendNumberField(out, "content-length", UINT64_MAX);
  EXPECT_EQ(out, "x-a: b c\r\ncontent-length: 18446744073709551615\r\n");
}

TEST(Response, TypesOfErrorsByStatus) {
  const struct {
    int status;
    std::string_view type;
  } cases[] = {{400, "invalid_request_error"},
               {401, "authentication_error"},
               {403, "permission_error"},
               {404, "invalid_request_error"},
               {413, "invalid_request_error"},
               {429, "rate_limit_error"},
               {500, "api_error"},
               {502, "api_error"},
               {504, "api_error"}};
  for (const auto& c : cases) EXPECT_EQ(ErrorType(c.status), c.type) << c.status;
}

}  // namespace
}  // namespace chain429
