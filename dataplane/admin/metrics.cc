#include "dataplane/admin/metrics.h"

#include <array>
#include <map>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/io/process_metrics.h"
#include "common/io/prometheus_text.h"
#include "common/model/limit_state.h"

namespace chain429 {
namespace {

// A worker's histogram, or several summed.
struct HistogramSum {
  std::array<uint64_t, LatencyHistogram::kBuckets> counts{};
  uint64_t sum_micros = 0;

  void Add(const LatencyHistogram& histogram) {
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += histogram.bucket(i);
    sum_micros += histogram.sum_micros();
  }
  bool empty() const { return sum_micros == 0 && counts == std::array<uint64_t, LatencyHistogram::kBuckets>{}; }
};

struct TargetSum {
  std::array<uint64_t, kOutcomes> outcomes{};
  uint64_t provider_429s = 0;
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  HistogramSum first_content;
};

using TargetSums = std::map<std::string, TargetSum>;  // by name, so that scrapes have one order

TargetSums SumTargets(std::span<const WorkerCounters* const> workers) {
  TargetSums sums;
  for (const WorkerCounters* worker : workers) {
    for (const TargetTable::Entry* entry = worker->targets.first(); entry != nullptr; entry = entry->next) {
      TargetSum& sum = sums[entry->name];
      for (size_t i = 0; i < kOutcomes; ++i) sum.outcomes[i] += entry->counters.outcomes[i].value();
      sum.provider_429s += entry->counters.provider_429s.value();
      sum.prompt_tokens += entry->counters.prompt_tokens.value();
      sum.completion_tokens += entry->counters.completion_tokens.value();
      sum.first_content.Add(entry->counters.first_content);
    }
  }
  return sums;
}

template <typename Get>
uint64_t Sum(std::span<const WorkerCounters* const> workers, Get get) {
  uint64_t sum = 0;
  for (const WorkerCounters* worker : workers) sum += get(*worker).value();
  return sum;
}

constexpr std::array<std::string_view, 6> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

void RenderChains(PrometheusText& out, std::span<const WorkerCounters* const> workers) {
  std::map<std::string, std::array<uint64_t, kClasses.size()>> sums;
  HistogramSum duration;
  for (const WorkerCounters* worker : workers) {
    duration.Add(worker->request_duration);
    for (const auto* entry = worker->chains.first(); entry != nullptr; entry = entry->next) {
      auto& sum = sums[entry->name];
      for (size_t i = 0; i < kClasses.size(); ++i) sum[i] += entry->counters.requests[i].value();
    }
  }
  out.Family("chain429_chain_requests_total", "counter",
             "Requests that came to a chain by status class, as in chain429_requests_total; chain \"-\": models called "
             "directly.");
  for (const auto& [name, sum] : sums) {
    for (size_t i = 0; i < kClasses.size(); ++i) {
      if (sum[i] > 0) out.Sample({{"chain", name}, {"status", kClasses[i]}}, sum[i]);
    }
  }
  out.Family("chain429_request_duration_seconds", "histogram",
             "From a request's head to the end of its answer, of requests that came to a chain.");
  out.Histogram({}, kLatencyBoundsMicros, duration.counts, duration.sum_micros);
}

void RenderRequests(PrometheusText& out, std::span<const WorkerCounters* const> workers) {
  out.Family("chain429_requests_total", "counter",
             "Answers to clients by status class; none: the client left before any.");
  for (size_t i = 0; i < kClasses.size(); ++i) {
    out.Sample({{"status", kClasses[i]}},
               Sum(workers, [i](const WorkerCounters& w) -> auto& { return w.requests[i]; }));
  }
  out.Single("chain429_requests_open", "gauge", "Requests under way.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.requests_open; }));
  out.Single("chain429_streams_open", "gauge", "Streams under way.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.streams_open; }));
  out.Single("chain429_streams_broken_total", "counter", "Streams that broke after their first content.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.streams_broken; }));
  out.Single("chain429_clients_gone_total", "counter", "Clients that left before the end of their answer.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.clients_gone; }));
  out.Single("chain429_client_connections", "gauge", "Connections of clients open now.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.client_connections; }));
  out.Single("chain429_connections_refused_total", "counter", "Connections refused because there were too many.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.connections_refused; }));
  out.Single("chain429_connections_moved_total", "counter", "Connections handed to a worker that had fewer.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.connections_moved; }));
  out.Single("chain429_accept_failures_total", "counter", "Times the system had no descriptor left for a connection.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.accept_failures; }));
  out.Single("chain429_tls_handshakes_failed_total", "counter", "Clients with whom TLS could not be agreed.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.tls_handshakes_failed; }));
  HistogramSum first_content;
  for (const WorkerCounters* worker : workers) first_content.Add(worker->first_content);
  out.Family("chain429_first_content_seconds", "histogram",
             "From a request read to its first content, over all its attempts.");
  out.Histogram({}, kLatencyBoundsMicros, first_content.counts, first_content.sum_micros);
}

bool IsSkip(Outcome outcome) {
  return outcome == Outcome::kSkippedCooldown || outcome == Outcome::kSkippedQuota ||
         outcome == Outcome::kSkippedUnfit || outcome == Outcome::kSkippedHealth;
}

void RenderOutcomes(PrometheusText& out, const TargetSums& targets, bool skips) {
  for (const auto& [name, sum] : targets) {
    for (size_t i = 0; i < kOutcomes; ++i) {
      const auto outcome = static_cast<Outcome>(i);
      if (IsSkip(outcome) != skips || sum.outcomes[i] == 0) continue;
      out.Sample({{"target", name}, {"outcome", OutcomeName(outcome)}}, sum.outcomes[i]);
    }
  }
}

void RenderTargets(PrometheusText& out, const TargetSums& targets) {
  out.Family("chain429_attempts_total", "counter", "Calls to providers by target and outcome.");
  RenderOutcomes(out, targets, /*skips=*/false);
  out.Family("chain429_calls_avoided_total", "counter", "Calls not made, because the target would have refused them.");
  RenderOutcomes(out, targets, /*skips=*/true);
  out.Family("chain429_provider_429s_total", "counter", "Calls that a provider answered with 429.");
  for (const auto& [name, sum] : targets) out.Sample({{"target", name}}, sum.provider_429s);
  out.Family("chain429_tokens_total", "counter", "Tokens as providers reported them.");
  for (const auto& [name, sum] : targets) {
    out.Sample({{"target", name}, {"kind", "prompt"}}, sum.prompt_tokens);
    out.Sample({{"target", name}, {"kind", "completion"}}, sum.completion_tokens);
  }
  out.Family("chain429_target_first_content_seconds", "histogram", "From an attempt's start to its first content.");
  for (const auto& [name, sum] : targets) {
    if (!sum.first_content.empty())
      out.Histogram({{"target", name}}, kLatencyBoundsMicros, sum.first_content.counts, sum.first_content.sum_micros);
  }
}

void RenderPermits(PrometheusText& out, std::span<const WorkerCounters* const> workers) {
  static constexpr std::array<std::string_view, kPermitKinds> kKinds = {"free", "spare", "asked", "share"};
  out.Family("chain429_permits_total", "counter", "Rights to an attempt by how they came about.");
  for (size_t i = 0; i < kKinds.size(); ++i) {
    out.Sample({{"kind", kKinds[i]}}, Sum(workers, [i](const WorkerCounters& w) -> auto& { return w.permits[i]; }));
  }
  out.Single("chain429_permits_denied_total", "counter", "Acquires that fitted no candidate.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.permits_denied; }));
  out.Single("chain429_permits_timed_out_total", "counter", "Acquires without an answer in time.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.permits_timed_out; }));
  HistogramSum acquire;
  for (const WorkerCounters* worker : workers) acquire.Add(worker->acquire_latency);
  out.Family("chain429_acquire_seconds", "histogram", "From asking the control plane for a permit to its answer.");
  out.Histogram({}, kLatencyBoundsMicros, acquire.counts, acquire.sum_micros);
}

void RenderUpstream(PrometheusText& out, std::span<const WorkerCounters* const> workers) {
  const uint64_t open = Sum(workers, [](const WorkerCounters& w) -> auto& { return w.upstream.open; });
  const uint64_t idle = Sum(workers, [](const WorkerCounters& w) -> auto& { return w.upstream.idle; });
  out.Family("chain429_upstream_connections", "gauge", "Connections to providers, those being made among the busy.");
  // The two are read at different moments: never show a difference below zero.
  out.Sample({{"state", "busy"}}, open > idle ? open - idle : 0);
  out.Sample({{"state", "idle"}}, idle);
  out.Single("chain429_upstream_waiting", "gauge",
             "Attempts that wait because their host's connections are all in use.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.upstream.waiting; }));
  out.Single("chain429_upstream_connects_total", "counter", "Connections made to providers.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.upstream.connects; }));
  out.Family("chain429_upstream_connect_failures_total", "counter", "Connections that could not be made, by reason.");
  for (size_t i = 0; i < kConnectFailureNames.size(); ++i) {
    out.Sample({{"reason", kConnectFailureNames[i]}},
               Sum(workers, [i](const WorkerCounters& w) -> auto& { return w.upstream.failures[i]; }));
  }
  out.Family("chain429_upstream_tls_handshakes_total", "counter", "TLS handshakes with providers.");
  for (size_t i = 0; i < 2; ++i) {
    out.Sample({{"resumed", i == 1 ? "true" : "false"}},
               Sum(workers, [i](const WorkerCounters& w) -> auto& { return w.upstream.tls_handshakes[i]; }));
  }
  out.Single("chain429_upstream_retries_total", "counter",
             "Kept-alive connections that turned out dead, retried on a new one.",
             Sum(workers, [](const WorkerCounters& w) -> auto& { return w.upstream.retries; }));
}

void RenderProxy(PrometheusText& out, const AdminSource& source) {
  const ProxyStatus status = source.status();
  const std::shared_ptr<const Snapshot> snapshot = source.snapshot();
  out.Family("chain429_build_info", "gauge", "1, with the version as a label.");
  out.Sample({{"version", status.software_version}, {"node", status.node}}, uint64_t{1});
  out.Single("chain429_uptime_seconds", "gauge", "Since the start of the process.",
             absl::ToDoubleSeconds(status.uptime));
  out.Single("chain429_control_attached", "gauge", "1 while the control plane answers.", uint64_t{status.attached});
  out.Single("chain429_draining", "gauge", "1 while draining.", uint64_t{status.draining});
  out.Single("chain429_snapshot_version", "gauge", "Version of the snapshot served; 0 before the first.",
             snapshot == nullptr ? uint64_t{0} : snapshot->version.value());
  if (snapshot != nullptr) {
    out.Single("chain429_snapshot_age_seconds", "gauge", "Since that snapshot was applied.",
               absl::ToDoubleSeconds(status.snapshot_age));
  }
  out.Single("chain429_snapshots_refused_total", "counter", "Snapshots that this proxy refused.",
             status.snapshots_refused);
  if (source.log == nullptr) return;
  out.Single("chain429_log_lines_total", "counter", "Lines of the log that were written.",
             source.log->writer().written());
  out.Single("chain429_log_lines_dropped_total", "counter", "Lines of the log that nothing took in time.",
             source.log->writer().dropped());
}

void RenderPools(PrometheusText& out, const std::vector<PoolView>& pools) {
  out.Family("chain429_pool_closed_seconds", "gauge", "How long a closed pool stays so; only of closed ones.");
  for (const PoolView& pool : pools) {
    // Of a pool without a name the snapshot knows nothing more; several would be one and the same sample.
    if (pool.state.closure == Closure::kNone || pool.key.empty()) continue;
    out.Sample({{"pool", pool.key}, {"reason", ClosureName(pool.state.closure)}},
               absl::ToDoubleSeconds(pool.state.closed_for));
  }
  out.Family("chain429_pool_remaining", "gauge",
             "What a pool still allows, as last told by the control plane; only where a limit is known.");
  for (const PoolView& pool : pools) {
    if (pool.key.empty()) continue;
    const auto amount = [](int64_t n) { return static_cast<uint64_t>(n); };
    for (const Unit unit : {Unit::kRequests, Unit::kTokens}) {
      if (const int64_t left = SmallestRemaining(pool.state.limits, unit); left >= 0)
        out.Sample({{"pool", pool.key}, {"unit", UnitName(unit)}}, amount(left));
    }
  }
}

}  // namespace

std::string RenderMetrics(const AdminSource& source) {
  PrometheusText out;
  RenderProxy(out, source);
  RenderRequests(out, source.workers);
  RenderChains(out, source.workers);
  RenderTargets(out, SumTargets(source.workers));
  RenderPermits(out, source.workers);
  RenderUpstream(out, source.workers);
  RenderPools(out, source.pools());
  AppendProcessMetrics(out);
  return out.Take();
}

}  // namespace chain429
