#include "common/io/http_message.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(HttpMessage, ErrorsHaveOpenAisShape) {
  const HttpResponse response = ErrorResponse(404, "no \"x\"\nhere", "not_found");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            "{\"error\":{\"message\":\"no "
            "\\\"x\\\"\\nhere\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"not_found\"}}\n");
}

TEST(HttpMessage, ErrorsWithoutACodeSayNull) {
  EXPECT_NE(ErrorResponse(500, "x").body.find(R"("type":"server_error","param":null,"code":null)"), std::string::npos);
}

TEST(HttpMessage, MethodNotAllowedNamesWhatIs) {
  const HttpResponse response = MethodNotAllowed("POST", "GET, HEAD");
  EXPECT_EQ(response.status, 405);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].name, "allow");
  EXPECT_EQ(response.headers[0].value, "GET, HEAD");
}

TEST(HttpMessage, TellsPagesOfOtherOriginsFromPrograms) {
  HttpRequest request;
  request.headers = {{"host", "127.0.0.1:4291"}};
  EXPECT_FALSE(IsCrossSite(request));
  request.headers.push_back({"origin", "http://127.0.0.1:4291"});
  EXPECT_FALSE(IsCrossSite(request));
  request.headers.back().value = "http://evil.example";
  EXPECT_TRUE(IsCrossSite(request));
  request.headers.back().value = "null";
  EXPECT_TRUE(IsCrossSite(request));
  request.headers.back() = {"sec-fetch-site", "cross-site"};
  EXPECT_TRUE(IsCrossSite(request));
  request.headers.back().value = "same-origin";
  EXPECT_FALSE(IsCrossSite(request));
}

}  // namespace
}  // namespace chain429
