#include "controlplane/ctl/up/traffic.h"

#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/io/http_server.h"
#include "common/io/loop.h"

namespace chain429 {
namespace {

TEST(DemoTraffic, AsksForTheChainTellsWhoAnswersAndSumsUpWhenItIsStopped) {
  Loop loop("api");
  std::unique_ptr<HttpServer> api;
  std::promise<HttpRequest> asked;
  loop.Run([&] {
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    auto listening =
        HttpServer::Listen(loop.context(), options, HttpServer::Handler([&](const HttpRequest& request) {
                             asked.set_value(request);
                             HttpResponse response = JsonResponse("{}");
                             response.headers = {{"x-429chain-target", "groq/m"}, {"x-429chain-trail", "groq/m;o=ok"}};
                             return response;
                           }));
    ASSERT_TRUE(listening.ok()) << listening.status();
    api = *std::move(listening);
  });
  std::vector<std::string> told;
  std::promise<void> first;
  {
    DemoTraffic traffic(api->address(), "demo", [&](const std::string& line) {
      told.push_back(line);
      if (told.size() == 1) first.set_value();
    });
    first.get_future().wait();
  }
  EXPECT_EQ(told, (std::vector<std::string>{"groq/m answers now", "1 requests, 1 answered, 0 calls avoided"}));
  const HttpRequest request = asked.get_future().get();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1/chat/completions");
  const auto body = nlohmann::json::parse(request.body);
  EXPECT_EQ(body.at("model"), "demo");
  EXPECT_EQ(body.at("messages").at(0).at("role"), "user");
  loop.Run([&] { api.reset(); });
}

}  // namespace
}  // namespace chain429
