// Rows 1 to 3: windows of every kind, with nothing in the way.
#include <algorithm>
#include <map>

#include "tests/dst/findings.h"
#include "tests/dst/oracle.h"
#include "tests/dst/rows.h"

namespace chain429::dst {

FleetOptions TwentyProxies() {
  FleetOptions fleet;
  fleet.config = OneProvider("limits: {rpm: 30}");
  fleet.upstreams = {{.name = "p", .limits = {Requests(30)}}};
  fleet.proxies = 20;
  return fleet;
}

Outcome RunTwentyProxies(const RunOptions& options, const FleetOptions& fleet) {
  Stage stage(StageOf(options), fleet);
  stage.Add<NoOverrun>(stage.world());
  stage.Add<NoSettlementLost>(stage.world());
  stage.Add<LedgerCovers>(stage.world(), stage.fleet());
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 45, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(2));
  const Optimum best = BestOf(workload.wishes(), fleet.upstreams[0], stage.start());
  const int64_t taken = stage.counts().of("p").taken;
  return Conclude(stage, {AtMost("429s of the provider", stage.counts().refused(), 0),
                          ShareAtLeast("of the oracle's requests", taken, best.requests, 0.99)});
}

Outcome Sliding(const RunOptions& options) { return RunTwentyProxies(options, TwentyProxies()); }

FleetOptions PacificDay() {
  FleetOptions fleet;
  fleet.config =
      OneProvider("limits: {rpd: 50}, windows: {rpd: {kind: fixed, anchor: '00:00', zone: America/Los_Angeles}}");
  ProviderLimit day = Requests(50, absl::Hours(24));
  day.kind = ProviderLimit::Kind::kFixed;
  day.zone = "America/Los_Angeles";
  fleet.upstreams = {{.name = "p", .limits = {day}}};
  fleet.proxies = 5;
  return fleet;
}

Outcome RunPacificDays(const RunOptions& options, const FleetOptions& asked) {
  FleetOptions fleet = asked;
  Random choice(options.seed);
  // The provider's clock is right to within what the guard allows for.
  fleet.upstreams[0].clock_off = Between(choice, absl::Seconds(-3), absl::Seconds(3));
  Stage::Options stage_options = StageOf(options);
  // The Saturday before the clocks change in California, in autumn or in spring.
  const absl::CivilHour autumn(2026, 10, 31, 1);
  const absl::CivilHour spring(2026, 3, 7, 1);
  stage_options.start = absl::FromCivil(options.seed % 2 == 0 ? spring : autumn, absl::UTCTimeZone());
  Stage stage(stage_options, fleet);
  stage.Add<NoOverrun>(stage.world());
  stage.Add<NoSettlementLost>(stage.world());
  stage.Add<LedgerCovers>(stage.world(), stage.fleet());
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 0.15, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(2));
  std::map<absl::Time, int64_t> days;  // by their first moment
  const absl::Time begun = stage.start() + fleet.upstreams[0].clock_off;
  for (const MonoTime at : stage.counts().of("p").taken_at) {
    ++days[FixedPeriodOf(fleet.upstreams[0].limits[0], begun + (at - MonoTime())).start];
  }
  int64_t most = 0;
  int64_t least = INT64_MAX;
  for (const auto& [day, used] : days) {
    most = std::max(most, used);
    const bool whole = day >= begun && day + absl::Hours(25) <= begun + options.length;
    if (whole) least = std::min(least, used);
  }
  return Conclude(stage, {AtMost("used in the fullest day", most, 50),
                          AtLeast("used in the emptiest whole day", least == INT64_MAX ? 0 : least, 49)});
}

Outcome Midnight(const RunOptions& options) { return RunPacificDays(options, PacificDay()); }

namespace {

Outcome Tokens(const RunOptions& options, TokenCounting counting) {
  const bool up_front = counting == TokenCounting::kUpFront;
  FleetOptions fleet;
  fleet.config = OneProvider(absl::StrCat("limits: {tpm: 100000}, tokens: ", up_front ? "strict" : "p95"));
  fleet.upstreams = {
      {.name = "p", .limits = {{.unit = ProviderLimit::Unit::kTokens, .amount = 100'000}}, .charge = counting}};
  fleet.proxies = 8;
  Stage stage(StageOf(options), fleet);
  WorstWindow& worst = stage.Add<WorstWindow>(absl::Minutes(1));
  stage.Start();
  stage.Run(kClientsCome);
  // About 800 tokens a request: twice the limit.
  Workload workload(stage.fleet(), {.per_minute = 250, .shape = HeavyTail("c", 250, 4000)},
                    MonoTime() + options.length);
  workload.Start();
  stage.Run(absl::Minutes(5));
  const int64_t worst_at_first = worst.most();
  worst.Begin();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(3));
  const Optimum best = BestOf(workload.wishes(), fleet.upstreams[0], stage.start());
  const auto& counts = stage.counts().of("p");
  std::vector<Finding> findings;
  if (up_front) {
    findings.push_back(AtMost("429s of the provider", counts.refused, 0));
    findings.push_back(ShareAtLeast("of the best feasible tokens", counts.tokens, best.tokens, 0.95));
  } else {
    findings.push_back(
        ShareAtMost("of the limit in the worst minute", std::max(worst_at_first, worst.most()), 100'000, 1.01));
    findings.push_back(Told("of the limit in the worst minute, once outputs are learnt", worst.most(), 100'000));
    findings.push_back(Told("of the limit's tokens", counts.tokens,
                            static_cast<int64_t>(100'000 * absl::ToDoubleMinutes(options.length))));
    findings.push_back(Told("429s per request taken", counts.refused, counts.taken));
  }
  return Conclude(stage, std::move(findings));
}

}  // namespace

Outcome TokensUpFront(const RunOptions& options) { return Tokens(options, TokenCounting::kUpFront); }
Outcome TokensOnUse(const RunOptions& options) { return Tokens(options, TokenCounting::kOnUse); }

}  // namespace chain429::dst
