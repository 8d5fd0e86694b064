// The control plane's metrics.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "common/base/text.h"
#include "common/base/version.h"
#include "common/io/process_metrics.h"
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

// Pools that no configuration names are left out: nobody could tell them apart.
void RenderPools(PrometheusText& text, const std::vector<PoolView>& pools) {
  text.Family("chain429_control_pool_closed", "gauge", "1 while the pool takes no requests.");
  for (const PoolView& pool : pools) {
    if (!pool.key.empty()) text.Sample({{"pool", pool.key}}, uint64_t{pool.closure != Closure::kNone});
  }
  text.Family("chain429_control_pool_closed_seconds", "gauge", "How long a closed pool stays so; only of closed ones.");
  for (const PoolView& pool : pools) {
    if (!pool.key.empty() && pool.closure != Closure::kNone)
      text.Sample({{"pool", pool.key}, {"reason", ClosureName(pool.closure)}}, absl::ToDoubleSeconds(pool.closed_for));
  }
  struct Room {
    Unit unit = Unit::kRequests;
    uint64_t amount = 0;
    uint64_t remaining = 0;
  };
  // Of several limits of one kind the tighter one counts.
  std::map<std::array<std::string, 3>, Room> rooms;
  for (const PoolView& pool : pools) {
    if (pool.key.empty()) continue;
    for (const LimitView& limit : pool.limits) {
      const bool windowed = limit.limit.unit != Unit::kConcurrency;
      const absl::Duration length = limit.limit.window.length;
      const std::string window = !windowed ? "none" : length == kMonth ? "month" : chain429::FormatDuration(length);
      const auto positive = [](int64_t n) { return static_cast<uint64_t>(std::max<int64_t>(0, n)); };
      const Room room{limit.limit.unit, positive(limit.limit.amount), positive(limit.limit.at_once() - limit.used)};
      const auto [at, is_new] = rooms.try_emplace({pool.key, std::string(UnitName(limit.limit.unit)), window}, room);
      if (!is_new && room.remaining < at->second.remaining) at->second = room;
    }
  }
  const auto sample = [&](const std::array<std::string, 3>& name, Unit unit, uint64_t amount) {
    const std::initializer_list<MetricLabel> labels = {{"pool", name[0]}, {"unit", name[1]}, {"window", name[2]}};
    if (unit == Unit::kCredits) {
      text.Sample(labels, static_cast<double>(amount) / static_cast<double>(kMicrosPerCredit));
    } else {
      text.Sample(labels, amount);
    }
  };
  text.Family("chain429_control_pool_limit", "gauge", "What a pool allows in a window.");
  for (const auto& [name, room] : rooms) sample(name, room.unit, room.amount);
  text.Family("chain429_control_pool_remaining", "gauge", "What of it is left now, reservations taken off.");
  for (const auto& [name, room] : rooms) sample(name, room.unit, room.remaining);
}

void RenderOwn(PrometheusText& text, const ControlCounters* counters, const LogControl* log) {
  if (counters != nullptr) {
    text.Single("chain429_control_store_writes_total", "counter", "Writes to the store.",
                counters->store_writes.load());
    text.Single("chain429_control_store_failures_total", "counter", "Writes to the store that failed.",
                counters->store_failures.load());
    text.Single("chain429_control_config_last_success_timestamp_seconds", "gauge",
                "When a configuration was taken last, since 1970; 0: never.",
                static_cast<double>(counters->config_taken_at_millis.load()) / 1e3);
  }
  if (log != nullptr) {
    text.Single("chain429_control_log_lines_total", "counter", "Lines of the log that were written.",
                log->writer().written());
    text.Single("chain429_control_log_lines_dropped_total", "counter", "Lines of the log that nothing took in time.",
                log->writer().dropped());
  }
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
  RegistryCounters fleet;
  TurnTimes turns;
  uint64_t epoch = 0;
  parts_.fleet->Run([&](const Now& now) {
    broker = parts_.registry->broker().counters();
    attached = parts_.registry->attached();
    open_permits = parts_.registry->broker().open_permits();
    pools = parts_.registry->broker().View("", now);
    fleet = parts_.registry->counters();
    turns = parts_.fleet->turn_times();
    epoch = parts_.registry->broker().epoch().value();
  });
  text.Family("chain429_control_build_info", "gauge", "1, with the version as a label.");
  text.Sample({{"version", kSoftwareVersion}}, uint64_t{1});
  text.Single("chain429_control_uptime_seconds", "gauge", "Since the start of the process.",
              absl::ToDoubleSeconds(parts_.clock->Read().mono - started_));
  text.Single("chain429_control_epoch", "gauge", "Fencing epoch of this leader.", epoch);
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
  text.Family(
      "chain429_control_permit_latency_seconds", "histogram",
      "From the arrival of a message of a proxy to the end of the turn that answers it; of each turn, its oldest.");
  text.Histogram({}, TurnTimes::kBoundsMicros, turns.counts, turns.sum_micros);
  text.Single("chain429_control_proxies_attached_total", "counter", "Times that a proxy attached.", fleet.attached);
  text.Single("chain429_control_snapshots_sent_total", "counter", "Snapshots sent to proxies.", fleet.snapshots_sent);
  text.Single("chain429_control_snapshots_acknowledged_total", "counter", "Snapshots that proxies took.",
              fleet.acknowledged);
  text.Single("chain429_control_snapshots_refused_total", "counter", "Snapshots that proxies refused.", fleet.refused);
  RenderPools(text, pools);
  RenderOwn(text, parts_.counters, parts_.log);
  AppendProcessMetrics(text);
  return text.Take();
}

}  // namespace chain429
