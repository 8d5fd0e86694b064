#include "common/io/http_client.h"

#include "gtest/gtest.h"
#include "tests/common/io/server_fixture.h"

namespace chain429 {
namespace {

TEST(HttpClient, PostsAndReadsTheAnswer) {
  RunningServer server([](const HttpRequest& request) {
    HttpResponse response = TextResponse(
        request.method + request.path + std::string(request.Header("x-a").value_or("")) + request.body, 201);
    response.headers.push_back({"X-B", "c"});
    return response;
  });
  HttpCall call;
  call.address = server.address();
  call.method = "POST";
  call.target = "/p?q=1";
  call.headers = {{"x-a", "b"}};
  call.body = "body";
  const auto response = CallHttp(call);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "POST/pbbody");
  EXPECT_EQ(response->content_type, "text/plain; charset=utf-8");
  bool found = false;
  for (const HttpField& field : response->headers) found = found || (field.name == "x-b" && field.value == "c");
  EXPECT_TRUE(found);
}

TEST(HttpClient, NobodyThereIsUnavailable) {
  SocketAddress gone;
  {
    RunningServer server([](const HttpRequest&) { return TextResponse(""); });
    gone = server.address();
  }
  HttpCall call;
  call.address = gone;
  EXPECT_EQ(CallHttp(call).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HttpClient, NoAnswerInTimeIsDeadlineExceeded) {
  std::vector<HttpServer::Reply> kept;
  RunningServer server([&kept](HttpRequest, HttpServer::Reply reply) { kept.push_back(std::move(reply)); });
  HttpCall call;
  call.address = server.address();
  call.timeout = absl::Milliseconds(30);
  EXPECT_EQ(CallHttp(call).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(HttpClient, AnswerOverTheLimitIsAnError) {
  RunningServer server([](const HttpRequest&) { return TextResponse(std::string(1000, 'x')); });
  HttpCall call;
  call.address = server.address();
  call.max_body_bytes = 999;
  EXPECT_EQ(CallHttp(call).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace chain429
