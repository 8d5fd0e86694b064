#include "dataplane/request/stream_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chain429 {
namespace {

using Json = nlohmann::json;

TEST(StreamText, FieldsBecomeOneComment) {
  EXPECT_EQ(FieldsComment("x-429chain-chain: c\r\nx-429chain-attempts: 2\r\n"),
            ": x-429chain-chain: c\n: x-429chain-attempts: 2\n\n");
  EXPECT_EQ(FieldsComment("a: b"), ": a: b\n\n");
}

TEST(StreamText, JsonIsPutOnOneLine) {
  EXPECT_EQ(JsonEvent("{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(JsonEvent("\r\n{\n  \"a\": \"x\\ny\"\r\n}\n"), "data: {   \"a\": \"x\\ny\"  }\n\n");
}

TEST(StreamText, ARefusalThatHasAnErrorIsGivenAsItIs) {
  AnswerScanner scanner;
  for (const std::string body : {R"({"error":{"message":"no","code":"x"}})", R"({"error":"no such model"})",
                                 "{\n \"detail\": 1,\n \"error\" : {}\n}"}) {
    EXPECT_EQ(RefusalJson(scanner, 400, body, "no"), body);
  }
}

TEST(StreamText, AnyOtherRefusalIsQuotedInAnErrorOfOurs) {
  const struct {
    std::string body;
    std::string message;
    std::string wanted;
  } cases[] = {
      {R"({"detail":"too few"})", "too few", "The provider refused the request with 422: too few"},
      {R"({"object":"error","message":"bad"})", "bad", "The provider refused the request with 422: bad"},
      {R"({"error":null,"detail":"d"})", "",
       R"(The provider refused the request with 422: {"error":null,"detail":"d"})"},
      {R"({"error":{"message":"cut)", "", R"(The provider refused the request with 422: {"error":{"message":"cut)"},
      {" <p>no</p>\n", "", "The provider refused the request with 422: <p>no</p>"},
      {"", "", "The provider refused the request with 422."},
      {std::string(1000, 'x'), "", "The provider refused the request with 422: " + std::string(297, 'x') + "…"},
  };
  AnswerScanner scanner;
  for (const auto& row : cases) {
    const Json error = Json::parse(RefusalJson(scanner, 422, row.body, row.message))["error"];
    EXPECT_EQ(error["message"], row.wanted);
    EXPECT_EQ(error["type"], "invalid_request_error");
    EXPECT_TRUE(error["param"].is_null());
    EXPECT_TRUE(error["code"].is_null());
  }
}

TEST(StreamText, WhatIsNoUtf8IsMadeHarmless) {
  AnswerScanner scanner;
  const std::string json = RefusalJson(scanner, 400, "{\"error\":{\"message\":\"\xFF\"}}", "");
  EXPECT_TRUE(Json::accept(json)) << json;
}

}  // namespace
}  // namespace chain429
