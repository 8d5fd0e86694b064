#include "common/io/http_router.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// 0: no match; else how specific it is, an exact path above any prefix.
size_t MatchRank(std::string_view pattern, std::string_view path) {
  if (pattern == path) return SIZE_MAX;
  if (!pattern.ends_with("/*")) return 0;
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return path.starts_with(prefix) ? prefix.size() : 0;
}

}  // namespace

void Router::Add(std::string method, std::string path, HttpServer::Handler handler) {
  AddAsync(
      std::move(method), std::move(path),
      [handler = std::move(handler)](HttpRequest request, const HttpServer::Reply& reply) { reply(handler(request)); });
}

void Router::AddAsync(std::string method, std::string path, HttpServer::AsyncHandler handler) {
  routes_.push_back({std::move(method), std::move(path), std::move(handler)});
}

void Router::Handle(HttpRequest request, HttpServer::Reply reply) const {
  size_t best = 0;
  for (const Route& route : routes_) best = std::max(best, MatchRank(route.path, request.path));
  if (best == 0) {
    reply(NotFound(request.path));
    return;
  }
  std::string allow;
  for (const Route& route : routes_) {
    if (MatchRank(route.path, request.path) != best) continue;
    if (route.method == request.method) {
      route.handler(std::move(request), std::move(reply));
      return;
    }
    absl::StrAppend(&allow, allow.empty() ? "" : ", ", route.method, route.method == "GET" ? ", HEAD" : "");
  }
  reply(MethodNotAllowed(request.method, allow));
}

}  // namespace chain429
