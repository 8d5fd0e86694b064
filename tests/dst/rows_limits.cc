// Rows 1 to 3: windows of every kind, with nothing in the way.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/dst/findings.h"
#include "tests/dst/oracle.h"
#include "tests/dst/scenario.h"
#include "tests/dst/stage.h"

namespace chain429::dst {
namespace {

constexpr absl::Duration kClientsCome = absl::Seconds(1);

}  // namespace

Outcome Sliding(const RunOptions& options) {
  FleetOptions fleet;
  fleet.config =
      "version: 1\n"
      "providers:\n"
      "  p: {kind: openai, base_url: 'https://p.test/v1', credentials: [{name: main, env: KEY}], limits: {rpm: 30}}\n"
      "chains:\n"
      "  c: {targets: [{provider: p, model: m}]}\n";
  fleet.upstreams = {{.name = "p", .limits = {{.amount = 30}}}};
  fleet.proxies = 20;
  Stage stage({.seed = options.seed, .trace = options.trace}, fleet);
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

namespace {

Outcome Tokens(const RunOptions& options, TokenCharge charge) {
  const bool up_front = charge == TokenCharge::kUpFront;
  FleetOptions fleet;
  fleet.config = absl::StrCat(
      "version: 1\n"
      "providers:\n"
      "  p: {kind: openai, base_url: 'https://p.test/v1', credentials: [{name: main, env: KEY}], limits: {tpm: "
      "100000}, "
      "tokens: ",
      up_front ? "strict" : "p95",
      "}\n"
      "chains:\n"
      "  c: {targets: [{provider: p, model: m}]}\n");
  fleet.upstreams = {
      {.name = "p", .limits = {{.unit = ProviderLimit::Unit::kTokens, .amount = 100'000}}, .charge = charge}};
  fleet.proxies = 8;
  Stage stage({.seed = options.seed, .trace = options.trace}, fleet);
  WorstWindow& worst = stage.Add<WorstWindow>(absl::Minutes(1));
  stage.Start();
  stage.Run(kClientsCome);
  // About 800 tokens a request: twice the limit.
  Workload workload(stage.fleet(), {.per_minute = 250, .shape = HeavyTail("c", 250, 4000)},
                    MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(3));
  const Optimum best = BestOf(workload.wishes(), fleet.upstreams[0], stage.start());
  const auto& counts = stage.counts().of("p");
  std::vector<Finding> findings;
  if (up_front) {
    findings.push_back(AtMost("429s of the provider", counts.refused, 0));
    findings.push_back(ShareAtLeast("of the best feasible tokens", counts.tokens, best.tokens, 0.95));
  } else {
    findings.push_back(ShareAtMost("of the limit in the worst minute", worst.most(), 100'000, 1.01));
    findings.push_back(Told("of the oracle's tokens", counts.tokens, best.tokens));
    findings.push_back(Told("429s per request taken", counts.refused, counts.taken));
  }
  return Conclude(stage, std::move(findings));
}

}  // namespace

Outcome TokensUpFront(const RunOptions& options) { return Tokens(options, TokenCharge::kUpFront); }
Outcome TokensOnUse(const RunOptions& options) { return Tokens(options, TokenCharge::kOnUse); }

}  // namespace chain429::dst
