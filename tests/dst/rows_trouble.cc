// Rows 4, 6, 7 and 10: late words, wrong clocks, bad networks, long streams.
#include <algorithm>
#include <map>

#include "tests/dst/findings.h"
#include "tests/dst/oracle.h"
#include "tests/dst/rows.h"

namespace chain429::dst {
namespace {

// At the end nothing is left of what headers seemed to say of somebody else's use.
int64_t OutsideUse(Stage& stage) {
  int64_t outside = 0;
  if (stage.fleet().control() == nullptr) return -1;
  for (const PoolView& pool : stage.fleet().control()->broker().View({}, stage.fleet().control()->Read())) {
    for (const LimitView& view : pool.limits) outside += view.outside;
  }
  return outside;
}

}  // namespace

Outcome LateHeads(const RunOptions& options) {
  FleetOptions fleet = TwentyProxies();
  fleet.upstreams[0].manner = Manner::kOpenAi;
  fleet.upstreams[0].late_heads = absl::Seconds(10);
  fleet.upstreams[0].stale_heads = 0.2;
  fleet.repeated_reports = 0.1;
  Stage stage(StageOf(options), fleet);
  stage.Add<NoOverrun>(stage.world());
  // The provider's word is never taken for more than is left.
  stage.Add<LedgerCovers>(stage.world(), stage.fleet());
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 45, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(2));
  const Optimum best = BestOf(workload.wishes(), fleet.upstreams[0], stage.start());
  return Conclude(stage, {AtMost("429s of the provider", stage.counts().refused(), 0),
                          AtMost("outside use believed in at rest", OutsideUse(stage), 0),
                          Told("of the oracle's requests", stage.counts().of("p").taken, best.requests)});
}

// Requests that were written after their permit's time.
class LateSends final : public Observer {
 public:
  void OnGranted(const Proxy& proxy, const Permit& permit) override {
    granted_[permit.id] = {proxy.world().now(), permit.ttl};
  }
  void OnWritten(const Proxy& proxy, const Call& call) override {
    const auto it = granted_.find(call.permit);
    if (it == granted_.end()) return;
    const auto& [at, ttl] = it->second;
    if (call.written_at - at <= ttl + kGrace) return;
    ++late_;
    most_ = std::max(most_, ++of_[{proxy.boot_id(), stops_[proxy.boot_id()]}]);
  }
  void Stopped(const Proxy& proxy) { ++stops_[proxy.boot_id()]; }
  int64_t late() const { return late_; }
  int64_t most_of_one() const { return most_; }

 private:
  static constexpr absl::Duration kGrace = absl::Seconds(1);
  std::map<PermitId, std::pair<MonoTime, absl::Duration>> granted_;
  std::map<std::string, int64_t> stops_;
  std::map<std::pair<std::string, int64_t>, int64_t> of_;
  int64_t late_ = 0;
  int64_t most_ = 0;
};

Outcome StoppedProxies(const RunOptions& options) {
  FleetOptions fleet;
  fleet.config = OneProvider("limits: {rpm: 240}");
  fleet.upstreams = {{.name = "p", .limits = {Requests(240)}}};
  fleet.proxies = 4;
  // So that several permits are held, their requests not yet written, when the process stands still.
  fleet.slow_connects = 1;
  Stage stage(StageOf(options), fleet);
  LateSends& late = stage.Add<LateSends>();
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 300, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  Random random = stage.world().Fork();
  int64_t stops = 0;
  for (absl::Duration at = absl::Minutes(1); at + absl::Minutes(1) < options.length; at += absl::Seconds(20)) {
    stage.world().At(MonoTime() + at, [&] {
      const size_t index = random.Below(stage.fleet().size());
      if (stage.fleet().proxy(index).stopped()) return;
      ++stops;
      late.Stopped(stage.fleet().proxy(index));
      stage.fleet().StopProxy(index, absl::Seconds(30));
    });
  }
  stage.Run(options.length);
  stage.Rest(absl::Minutes(3));
  return Conclude(stage, {AtMost("late sends of one worker after one stop", late.most_of_one(), 1),
                          AtMost("429s beyond the late sends", stage.counts().refused() - late.late(), 0),
                          Told("late sends per stop", late.late(), stops)});
}

namespace {

// An hour off and 500 ppm fast or slow, in turn.
std::vector<ClockError> WrongClocks() {
  return {{absl::Hours(1), 500e-6}, {absl::Hours(-1), -500e-6}, {absl::Hours(1), -500e-6}, {absl::Hours(-1), 500e-6}};
}

}  // namespace

Outcome WrongClocksSliding(const RunOptions& options) {
  FleetOptions fleet = TwentyProxies();
  fleet.clocks = WrongClocks();
  fleet.control_clock.drift = options.seed % 2 == 0 ? 500e-6 : -500e-6;
  return RunTwentyProxies(options, fleet);
}

Outcome WrongClocksMidnight(const RunOptions& options) {
  FleetOptions fleet = PacificDay();
  fleet.clocks = WrongClocks();
  return RunPacificDays(options, fleet);
}

Outcome LossyLinks(const RunOptions& options) {
  FleetOptions fleet = TwentyProxies();
  fleet.proxies = 10;
  fleet.link = {absl::Milliseconds(75), absl::Milliseconds(50), 0.5};
  Stage stage(StageOf(options), fleet);
  stage.Start();
  stage.Run(kClientsCome);
  const absl::Duration clients_go = options.length - absl::Minutes(1);
  Workload workload(stage.fleet(), {.per_minute = 60, .shape = SmallRequests("c")}, MonoTime() + clients_go);
  workload.Start();
  stage.Run(clients_go);
  // Twice a permit's time to live.
  stage.Run(clients_go + absl::Seconds(10));
  int64_t reserved = 0;
  for (const PoolView& pool : stage.fleet().control()->broker().View({}, stage.fleet().control()->Read())) {
    for (const LimitView& view : pool.limits) reserved += view.reserved;
  }
  stage.Run(options.length);
  stage.Rest(absl::Minutes(3));
  return Conclude(stage, {AtMost("reserved 10 s after the last request", reserved, 0),
                          Told("429s per request taken", stage.counts().refused(), stage.counts().taken()),
                          Told("requests of the limit's", stage.counts().taken(),
                               static_cast<int64_t>(30 * absl::ToDoubleMinutes(clients_go)))});
}

namespace {

std::function<ClientRequest(Random&)> LongStreams() {
  return [](Random& random) {
    ClientRequest request;
    request.chain = "c";
    request.output_tokens = 2000;
    request.stream = true;
    request.duration = Between(random, absl::Seconds(60), absl::Seconds(300));
    return request;
  };
}

Outcome RunLongStreams(const RunOptions& options, const FleetOptions& fleet, double per_minute, double least) {
  Stage stage(StageOf(options), fleet);
  stage.Add<NoOverrun>(stage.world());
  stage.Add<NoSettlementLost>(stage.world());
  stage.Add<LedgerCovers>(stage.world(), stage.fleet());
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = per_minute, .shape = LongStreams()}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(7));
  const Optimum best = BestOf(workload.wishes(), fleet.upstreams[0], stage.start());
  return Conclude(stage, {AtMost("429s of the provider", stage.counts().refused(), 0),
                          ShareAtLeast("of the oracle's requests", stage.counts().taken(), best.requests, least)});
}

}  // namespace

Outcome LongStreamsPerMinute(const RunOptions& options) {
  FleetOptions fleet = TwentyProxies();
  fleet.proxies = 5;
  return RunLongStreams(options, fleet, 45, 0.99);
}

Outcome LongStreamsAtOnce(const RunOptions& options) {
  FleetOptions fleet;
  fleet.config = OneProvider("limits: {concurrency: 4}");
  fleet.upstreams = {{.name = "p", .limits = {{.unit = ProviderLimit::Unit::kConcurrency, .amount = 4}}}};
  fleet.proxies = 5;
  return RunLongStreams(options, fleet, 4, 0.95);
}

}  // namespace chain429::dst
