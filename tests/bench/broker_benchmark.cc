// What one attempt costs the leader: acquire, sent, settle, with a request and a token limit in the target's pool.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

std::shared_ptr<const Snapshot> PoolsWithLimits(size_t count, int64_t per_minute) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = Version(1);
  snapshot->providers.emplace_back();
  snapshot->providers[0].name = "p";
  for (size_t i = 0; i < count; ++i) {
    const std::string key = "p/m" + std::to_string(i);
    Pool pool;
    pool.id = PoolId(StableId(key));
    pool.key = key;
    pool.limits = {{Unit::kRequests, per_minute, {}, Provenance::kConfigured},
                   {Unit::kTokens, per_minute * 1000, {}, Provenance::kConfigured}};
    Target target;
    target.id = TargetId(StableId("target " + key));
    target.name = key;
    target.model = "m" + std::to_string(i);
    target.pools = {pool.id};
    snapshot->pools.push_back(std::move(pool));
    snapshot->targets.push_back(std::move(target));
  }
  if (!snapshot->Index().ok()) std::abort();
  return snapshot;
}

void BM_AcquireSentSettle(benchmark::State& state) {
  const auto snapshot = PoolsWithLimits(static_cast<size_t>(state.range(0)), 100'000'000);
  Broker broker(Epoch(1), 1);
  Now now{MonoTime::FromNanos(1'000'000'000'000), absl::FromUnixSeconds(1'764'000'000)};
  broker.SetSnapshot(snapshot, now);
  AttachReport report;
  report.node = "n";
  report.boot_id = "b";
  const HolderId holder = broker.Attach(report, now);
  uint64_t number = 0;
  for (auto _ : state) {
    const Target& target = snapshot->targets[number % snapshot->targets.size()];
    now.mono = now.mono + absl::Microseconds(50);
    now.wall += absl::Microseconds(50);
    Acquire acquire;
    acquire.id = AcquireId(++number);
    acquire.candidates.push_back({target.id, target.pools, {}});
    acquire.prompt_tokens = 250;
    acquire.prompt_bytes = 1000;
    const AcquireAnswer answer = broker.OnAcquire(holder, acquire, now);
    if (!answer.granted || !answer.permit.id) std::abort();
    broker.OnSent(holder, {answer.permit.id, 1, absl::ZeroDuration()}, now);
    Settlement settlement;
    settlement.permit = answer.permit.id;
    settlement.target = target.id;
    settlement.pools = target.pools;
    settlement.usage = {250, 300, true};
    settlement.prompt_bytes = 1000;
    broker.OnSettle(holder, settlement, now);
    broker.OnTimer(now);
    if (number % 4096 == 0) benchmark::DoNotOptimize(broker.TakeRoutine(now));
  }
}
BENCHMARK(BM_AcquireSentSettle)->Arg(1)->Arg(64);

}  // namespace
}  // namespace chain429
