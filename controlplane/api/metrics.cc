// The control plane's metrics.
#include <algorithm>
#include <set>

#include "common/io/prometheus_text.h"
#include "controlplane/api/admin_service.h"

namespace chain429 {
namespace {

constexpr size_t kMostPlaces = 20;

// A refusal has a line for each fault, which begins with file, line and column.
std::set<std::string_view> PlacesOf(std::string_view refusal) {
  std::set<std::string_view> places;
  while (!refusal.empty() && places.size() < kMostPlaces) {
    const std::string_view line = refusal.substr(0, refusal.find('\n'));
    if (const size_t end = line.find(": "); end != std::string_view::npos) places.insert(line.substr(0, end));
    refusal.remove_prefix(std::min(refusal.size(), line.size() + 1));
  }
  return places;
}

}  // namespace

std::string AdminService::Metrics() {
  PrometheusText text;
  uint64_t version = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t texts_refused = 0;
  std::string refusal;
  parts_.config_loop->Run([&] {
    version = parts_.config->config() == nullptr ? 0 : parts_.config->snapshot()->version.value();
    accepted = parts_.config->accepted();
    refused = parts_.config->refused();
    texts_refused = parts_.config->texts_refused();
    refusal = parts_.config->last_error();
  });
  BrokerCounters broker;
  uint64_t attached = 0;
  uint64_t open_permits = 0;
  std::vector<PoolView> pools;
  parts_.fleet->Run([&](const Now& now) {
    broker = parts_.registry->broker().counters();
    attached = parts_.registry->attached();
    open_permits = parts_.registry->broker().open_permits();
    pools = parts_.registry->broker().View("", now);
  });
  text.Single("chain429_control_proxies", "gauge", "Proxies attached.", attached);
  text.Single("chain429_control_snapshot_version", "gauge",
              "Version of the snapshot that is served; 0: no configuration yet.", version);
  text.Single("chain429_control_config_loads_total", "counter", "Configurations accepted.", accepted);
  text.Single("chain429_control_config_refusals_total", "counter", "Configuration files refused.", refused);
  text.Single("chain429_control_config_apply_refusals_total", "counter",
              "Configurations refused that were to be applied by hand.", texts_refused);
  text.Single("chain429_control_config_last_reload_failed", "gauge",
              "1 while the configuration's file is refused and something older serves.", uint64_t{!refusal.empty()});
  text.Family("chain429_control_config_refusal_info", "gauge",
              "Where the faults of the refused configuration are: file:line:column.");
  for (const std::string_view place : PlacesOf(refusal)) text.Sample({{"at", place}}, uint64_t{1});
  text.Single("chain429_control_permits_granted_total", "counter", "Attempts granted, spares included.",
              broker.granted);
  text.Single("chain429_control_permits_free_total", "counter", "Answers that needed no permit.", broker.granted_free);
  text.Single("chain429_control_permits_denied_total", "counter", "Acquires of which no candidate fitted.",
              broker.denied);
  text.Single("chain429_control_permits_returned_total", "counter", "Attempts that went back unused.", broker.returned);
  text.Single("chain429_control_permits_open", "gauge", "Permits granted and not settled.", open_permits);
  text.Single("chain429_control_attempts_settled_total", "counter", "Attempts settled.", broker.settled);
  text.Single("chain429_control_provider_429s_total", "counter", "429s that providers sent.", broker.refused);
  text.Single("chain429_control_closures_total", "counter", "Times a pool was closed.", broker.closures);
  text.Family("chain429_control_pool_closed", "gauge", "1 while the pool takes no requests.");
  for (const PoolView& pool : pools) text.Sample({{"pool", pool.key}}, uint64_t{pool.closure != Closure::kNone});
  return text.Take();
}

}  // namespace chain429
