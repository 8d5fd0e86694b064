#include "controlplane/api/rest.h"

#include <nlohmann/json.hpp>

#include "tests/controlplane/api/admin_fixture.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

class RestTest : public AdminTest {
 protected:
  HttpResponse Get(const std::string& path, std::vector<std::pair<std::string, std::string>> query = {},
                   const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    HttpResponse got;
    int answers = 0;
    routes_.Handle(std::move(request), [&](HttpResponse response) {
      got = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return got;
  }

  Router routes_ = RestRoutes(service_);
};

TEST_F(RestTest, ProbesAnswerBeforeThereIsAnyConfiguration) {
  for (const std::string path : {"/live", "/ready"}) {
    const HttpResponse response = Get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_TRUE(Json::accept(response.body)) << response.body;
  }
}

TEST_F(RestTest, TheRootSaysWhatThereIs) {
  const HttpResponse response = Get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type.find("text/plain"), 0u);
  for (const std::string path : {"/live", "/ready", "/metrics", "/api/v1/status", "/api/v1/pools", "/api/v1/proxies"}) {
    EXPECT_NE(response.body.find(path), std::string::npos) << path;
    EXPECT_EQ(Get(path).status, 200) << path;
  }
}

TEST_F(RestTest, MetricsAreInPrometheusFormat) {
  const HttpResponse response = Get("/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.body.find("# TYPE chain429_control_proxies gauge"), std::string::npos);
}

TEST_F(RestTest, TheStatusIsTheServicesAsJson) {
  Apply(GoodText());
  const HttpResponse response = Get("/api/v1/status");
  EXPECT_EQ(response.content_type, "application/json");
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json.at("snapshot_version"), 101);
  EXPECT_EQ(json.at("epoch"), 9);
  EXPECT_EQ(json.at("chains").at(0).at("name"), "coding");
  EXPECT_EQ(json.at("chains").at(0).at("targets"), Json({"keyed/big", "mine/small"}));
  EXPECT_EQ(json.at("last_reload_error"), "");
}

TEST_F(RestTest, PoolsCanBeAskedForByTheBeginningOfTheirName) {
  Apply(GoodText());
  EXPECT_GE(Json::parse(Get("/api/v1/pools").body).at("pools").size(), 4u);
  const Json some = Json::parse(Get("/api/v1/pools", {{"prefix", "keyed/main"}}).body).at("pools");
  ASSERT_GE(some.size(), 1u);
  for (const Json& pool : some) EXPECT_EQ(pool.at("key").get<std::string>().find("keyed/main"), 0u);
  EXPECT_EQ(some.at(0).at("closure"), "none");
  EXPECT_EQ(some.at(0).at("id"), std::to_string(StableId("keyed/main"))) << "no JSON number holds it";
  EXPECT_EQ(some.at(0).at("limits").at(0).at("limit").at("unit"), "requests");
  EXPECT_EQ(some.at(0).at("limits").at(0).at("limit").at("amount"), 30);
  EXPECT_EQ(Json::parse(Get("/api/v1/pools", {{"prefix", "no"}}).body).at("pools"), Json::array());
}

TEST_F(RestTest, ProxiesAreListed) {
  AttachProxy("a");
  const Json proxies = Json::parse(Get("/api/v1/proxies").body).at("proxies");
  ASSERT_EQ(proxies.size(), 1u);
  EXPECT_EQ(proxies.at(0).at("node"), "node-a");
  EXPECT_EQ(proxies.at(0).at("attached"), true);
}

TEST_F(RestTest, AnUnknownPathIs404AndAnotherMethod405WithAllow) {
  for (const std::string path :
       {"/api/v1", "/api/v1/status/", "/api/v1/statusx", "/api/v2/status", "/v1/models", "/READY"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
    const HttpResponse response = Get("/api/v1/status", {}, method);
    EXPECT_EQ(response.status, 405) << method;
    ASSERT_EQ(response.headers.size(), 1u);
    EXPECT_EQ(response.headers[0].name, "allow");
    EXPECT_NE(response.headers[0].value.find("GET"), std::string::npos);
  }
}

TEST_F(RestTest, NoAnswerHoldsAKey) {
  Apply(GoodText());
  for (const std::string path : {"/", "/metrics", "/api/v1/status", "/api/v1/pools", "/api/v1/proxies"}) {
    EXPECT_EQ(Get(path).body.find(kKey), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace chain429
