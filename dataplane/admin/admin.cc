#include "dataplane/admin/admin.h"

#include "absl/strings/str_cat.h"
#include "common/io/prometheus_text.h"
#include "dataplane/admin/config_dump.h"
#include "dataplane/admin/metrics.h"

namespace chain429 {
namespace {

HttpResponse NotReady(std::string_view reason, std::string_view message) {
  return JsonResponse(absl::StrCat(R"({"ready":false,"reason":")", absl::string_view(reason.data(), reason.size()),
                                   R"(","message":")", absl::string_view(message.data(), message.size()), "\"}\n"),
                      503);
}

HttpResponse Ready(const AdminSource& source) {
  const ProxyStatus status = source.status();
  if (status.draining) return NotReady("draining", "this proxy finishes its open requests and takes no more");
  const std::shared_ptr<const Snapshot> snapshot = source.snapshot();
  if (snapshot == nullptr) {
    return NotReady("no_snapshot", status.attached ? "the control plane has sent no configuration yet"
                                                   : "no configuration yet, and the control plane cannot be reached");
  }
  return JsonResponse(absl::StrCat(R"({"ready":true,"snapshot_version":)", snapshot->version.value(),
                                   R"(,"control_attached":)", status.attached ? "true" : "false", "}\n"));
}

HttpResponse Metrics(const AdminSource& source) {
  HttpResponse response = TextResponse(RenderMetrics(source));
  response.content_type = std::string(PrometheusText::kContentType);
  return response;
}

HttpResponse ConfigDump(const AdminSource& source) {
  const std::shared_ptr<const Snapshot> snapshot = source.snapshot();
  if (snapshot == nullptr)
    return ErrorResponse(503, "no configuration has come from the control plane yet", "no_snapshot");
  return JsonResponse(DumpConfig(*snapshot));
}

HttpResponse Drain(const AdminSource& source, const HttpRequest& request) {
  if (IsCrossSite(request)) return ErrorResponse(403, "refused: sent by a web page of another origin", "cross_site");
  source.drain();
  return JsonResponse(
      R"({"draining":true,"message":"/ready is down; open requests are finished, then the program exits 0"})"
      "\n",
      202);
}

}  // namespace

Router ProbeRoutes(const AdminSource& source) {
  Router router;
  router.Add("GET", "/live", [](const HttpRequest&) { return JsonResponse("{\"live\":true}\n"); });
  router.Add("GET", "/ready", [&source](const HttpRequest&) { return Ready(source); });
  router.Add("GET", "/metrics", [&source](const HttpRequest&) { return Metrics(source); });
  return router;
}

Router AdminRoutes(const AdminSource& source) {
  Router router = ProbeRoutes(source);
  router.Add("GET", "/config_dump", [&source](const HttpRequest&) { return ConfigDump(source); });
  router.Add("GET", "/pools", [&source](const HttpRequest&) { return JsonResponse(DumpPools(source.pools())); });
  router.Add("POST", "/drain", [&source](const HttpRequest& request) { return Drain(source, request); });
  if (source.log != nullptr) AddLogRoutes(router, "/log", *source.log);
  return router;
}

}  // namespace chain429
