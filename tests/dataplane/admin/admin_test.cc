#include "dataplane/admin/admin.h"

#include "gtest/gtest.h"
#include "tests/dataplane/admin/fake_source.h"

namespace chain429 {
namespace {

HttpResponse Ask(const Router& router, const std::string& method, const std::string& path,
                 std::vector<HttpField> headers = {}) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.headers = std::move(headers);
  HttpResponse out;
  out.status = 0;
  router.Handle(request, [&out](HttpResponse response) { out = std::move(response); });
  return out;
}

TEST(Admin, IsLiveFromTheStart) {
  FakeSource fake;
  EXPECT_EQ(Ask(AdminRoutes(fake.source), "GET", "/live").status, 200);
}

TEST(Admin, ReadyFromTheFirstSnapshotUntilDrainingAlsoWhileTheControlPlaneIsAway) {
  FakeSource fake;
  const Router router = AdminRoutes(fake.source);
  HttpResponse response = Ask(router, "GET", "/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find(R"("reason":"no_snapshot")"), std::string::npos);
  fake.snapshot = SmallSnapshot();
  fake.status.attached = true;
  EXPECT_EQ(Ask(router, "GET", "/ready").status, 200);
  fake.status.attached = false;
  EXPECT_EQ(Ask(router, "GET", "/ready").status, 200);
  fake.status.draining = true;
  response = Ask(router, "GET", "/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find(R"("reason":"draining")"), std::string::npos);
  EXPECT_EQ(Ask(router, "GET", "/live").status, 200);
}

TEST(Admin, DrainIsAPostOfOurOwn) {
  FakeSource fake;
  const Router router = AdminRoutes(fake.source);
  EXPECT_EQ(Ask(router, "GET", "/drain").status, 405);
  EXPECT_EQ(Ask(router, "POST", "/drain", {{"host", "127.0.0.1:4291"}, {"origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(fake.drains, 0);
  EXPECT_EQ(Ask(router, "POST", "/drain").status, 202);
  EXPECT_EQ(fake.drains, 1);
}

TEST(Admin, ConfigDumpBeforeTheFirstSnapshotIs503) {
  FakeSource fake;
  EXPECT_EQ(Ask(AdminRoutes(fake.source), "GET", "/config_dump").status, 503);
}

TEST(Admin, ProbesAloneShowNoConfigurationAndTakeNoOrders) {
  FakeSource fake;
  fake.snapshot = SmallSnapshot();
  const Router router = ProbeRoutes(fake.source);
  for (const char* path : {"/live", "/ready", "/metrics"}) EXPECT_EQ(Ask(router, "GET", path).status, 200) << path;
  for (const char* path : {"/config_dump", "/pools", "/drain"}) {
    EXPECT_EQ(Ask(router, "GET", path).status, 404) << path;
    EXPECT_EQ(Ask(router, "POST", path).status, 404) << path;
  }
}

TEST(Admin, MetricsHavePrometheusContentType) {
  FakeSource fake;
  EXPECT_EQ(Ask(AdminRoutes(fake.source), "GET", "/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace chain429
