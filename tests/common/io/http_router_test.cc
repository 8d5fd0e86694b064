#include "common/io/http_router.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

HttpResponse Ask(const Router& router, const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  HttpResponse out;
  out.status = 0;
  router.Handle(request, [&out](HttpResponse response) { out = std::move(response); });
  return out;
}

HttpServer::Handler Says(std::string text) {
  return [text](const HttpRequest&) { return TextResponse(text); };
}

TEST(Router, FindsByPathAndMethod) {
  Router router;
  router.Add("GET", "/a", Says("get"));
  router.Add("POST", "/a", Says("post"));
  EXPECT_EQ(Ask(router, "GET", "/a").body, "get");
  EXPECT_EQ(Ask(router, "POST", "/a").body, "post");
}

TEST(Router, UnknownPathIs404) {
  Router router;
  router.Add("GET", "/a", Says("a"));
  EXPECT_EQ(Ask(router, "GET", "/b").status, 404);
  EXPECT_EQ(Ask(router, "GET", "/a/").status, 404);
  EXPECT_EQ(Ask(router, "GET", "/").status, 404);
}

TEST(Router, OtherMethodOfAKnownPathIs405WithAllow) {
  Router router;
  router.Add("GET", "/a", Says("a"));
  router.Add("PUT", "/a", Says("a"));
  const HttpResponse response = Ask(router, "DELETE", "/a");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.at(0).value, "GET, HEAD, PUT");
}

TEST(Router, ExactPathGoesBeforeTheLongestPrefix) {
  Router router;
  router.Add("GET", "/*", Says("root"));
  router.Add("GET", "/a/*", Says("below a"));
  router.Add("GET", "/a/b", Says("exact"));
  EXPECT_EQ(Ask(router, "GET", "/a/b").body, "exact");
  EXPECT_EQ(Ask(router, "GET", "/a/c/d").body, "below a");
  EXPECT_EQ(Ask(router, "GET", "/x").body, "root");
}

}  // namespace
}  // namespace chain429
