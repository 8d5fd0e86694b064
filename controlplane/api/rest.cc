#include "controlplane/api/rest.h"

#include "common/base/version.h"
#include "common/io/prometheus_text.h"
#include "controlplane/api/message_json.h"

namespace chain429 {

Router ProbeRoutes(AdminService& service) {
  Router router;
  router.Add("GET", "/live", [](const HttpRequest&) { return JsonResponse(R"({"status":"live"})"); });
  // It serves from its start on, be it with an empty configuration that 429ctl will fill.
  router.Add("GET", "/ready", [](const HttpRequest&) { return JsonResponse(R"({"status":"ready"})"); });
  router.Add("GET", "/metrics", [&service](const HttpRequest&) {
    HttpResponse response;
    response.content_type = PrometheusText::kContentType;
    response.body = service.Metrics();
    return response;
  });
  return router;
}

Router RestRoutes(AdminService& service) {
  Router router = ProbeRoutes(service);
  router.Add("GET", "/", [](const HttpRequest&) {
    return TextResponse(std::string("429chain-control ") + kSoftwareVersion +
                        "\n\n/live /ready /metrics\n/api/v1/status\n/api/v1/pools\n/api/v1/proxies\n\nOn the command "
                        "line: 429ctl status, 429ctl pools, 429ctl proxies\n");
  });
  router.Add("GET", "/api/v1/status",
             [&service](const HttpRequest&) { return JsonResponse(MessageJson(service.GetStatus())); });
  router.Add("GET", "/api/v1/pools", [&service](const HttpRequest& request) {
    return JsonResponse(MessageJson(service.ListPools(std::string(request.Query("prefix").value_or("")))));
  });
  router.Add("GET", "/api/v1/proxies",
             [&service](const HttpRequest&) { return JsonResponse(MessageJson(service.ListProxies())); });
  return router;
}

}  // namespace chain429
