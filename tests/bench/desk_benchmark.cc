// What the permit desk costs a request: looking at the target, taking the right to call it, reporting that it was sent,
// settling it.
#include <benchmark/benchmark.h>

#include "dataplane/permits/desk.h"

namespace chain429 {
namespace {

struct NobodyWaits : AcquireWaiter {
  void OnAcquireAnswer(const AcquireAnswer* answer) override { last = *answer; }
  AcquireAnswer last;
};

// A worker with `count` targets of three pools each, all limited, or none.
struct Worker {
  Worker(size_t count, bool limited) {
    snapshot.providers.emplace_back();
    snapshot.providers[0].credentials.resize(2);
    LinkMail mail;
    mail.status = LinkMail::Status::kAttached;
    for (uint64_t i = 0; i < count; ++i) {
      Target target;
      target.id = TargetId(StableId(std::to_string(i)));
      for (const char* kind : {"a", "b", "c"}) {
        Pool pool;
        pool.id = PoolId(StableId(std::to_string(i) + kind));
        pool.key = std::to_string(i) + kind;
        PoolState state;
        state.pool = pool.id;
        state.limited = limited && *kind == 'a';
        if (state.limited) {
          const Recovery full{absl::Seconds(40), 1000};
          state.limits = {{Unit::kRequests, WindowKind::kSliding, absl::Minutes(1), 1000, 900, {full}},
                          {Unit::kTokens, WindowKind::kSliding, absl::Minutes(1), 1000, 900, {full}}};
        }
        mail.pools.push_back(state);
        target.pools.push_back(pool.id);
        snapshot.pools.push_back(std::move(pool));
      }
      target.credentials = {0, 1};
      snapshot.targets.push_back(std::move(target));
    }
    if (!snapshot.Index().ok()) std::abort();
    desk.OnMail(mail, now);
  }

  // What the control plane would answer.
  void Answer(const std::vector<Acquire>& acquires) {
    LinkMail mail;
    for (const Acquire& acquire : acquires) {
      AcquireAnswer answer;
      answer.acquire = acquire.id;
      answer.granted = true;
      answer.permit = {.acquire = acquire.id,
                       .id = PermitId(++permits),
                       .target = acquire.candidates[0].target,
                       .ttl = absl::Seconds(10),
                       .spares = acquire.spares_wanted,
                       .tokens = 1000};
      mail.answers.push_back(std::move(answer));
    }
    desk.OnMail(mail, now);
  }

  void Request(const Target& target) {
    now = now + absl::Microseconds(20);
    const GateView view = desk.Consult(snapshot, target, 500, false, now);
    Grant grant;
    if (view.gate == Gate::kAsk) {
      Acquire acquire;
      acquire.candidates.push_back({.target = target.id, .pools = target.pools, .dynamic = {}});
      desk.Ask(std::move(acquire), &waiter, now);
      Answer(desk.TakeMail(now, true).acquires);
      grant = desk.Accept(waiter.last, now);
    } else {
      grant = desk.Take(target, view.gate, 500, now);
    }
    benchmark::DoNotOptimize(desk.PickCredential(snapshot, target, now));
    desk.Sent(grant, now);
    Settlement settlement;
    settlement.usage = {.prompt_tokens = 400, .completion_tokens = 50, .seen = true};
    desk.Settle(grant, target, std::move(settlement), now, now);
  }

  // The end of a loop turn.
  void Turn() {
    if (!desk.mail_urgent() && desk.NextDeadline() > now) return;
    desk.OnTimer(now);
    const WorkerMail mail = desk.TakeMail(now, false);
    if (!mail.acquires.empty()) Answer(mail.acquires);
  }

  Snapshot snapshot;
  PermitDesk desk{0};
  NobodyWaits waiter;
  MonoTime now = MonoTime::FromNanos(1'000'000'000'000);
  uint64_t permits = 0;
};

void BM_RequestWithSpares(benchmark::State& state) {
  Worker worker(static_cast<size_t>(state.range(0)), true);
  size_t i = 0;
  for (auto _ : state) {
    worker.Request(worker.snapshot.targets[i++ % worker.snapshot.targets.size()]);
    worker.Turn();
  }
}
BENCHMARK(BM_RequestWithSpares)->Arg(1)->Arg(16)->Arg(256);

void BM_RequestWithoutLimit(benchmark::State& state) {
  Worker worker(static_cast<size_t>(state.range(0)), false);
  size_t i = 0;
  for (auto _ : state) {
    worker.Request(worker.snapshot.targets[i++ % worker.snapshot.targets.size()]);
    worker.Turn();
  }
}
BENCHMARK(BM_RequestWithoutLimit)->Arg(1)->Arg(16)->Arg(256);

void BM_WalkPastClosedTargets(benchmark::State& state) {
  Worker worker(4, true);
  for (size_t i = 0; i < 3; ++i) {
    worker.desk.Close(worker.snapshot.targets[i].pools[0], Closure::kRateLimited, absl::Hours(1), true, worker.now);
  }
  for (auto _ : state) {
    for (const Target& target : worker.snapshot.targets) {
      benchmark::DoNotOptimize(worker.desk.Consult(worker.snapshot, target, 500, false, worker.now));
    }
  }
}
BENCHMARK(BM_WalkPastClosedTargets);

// What an answer's head says of a chain of so many targets.
void BM_TellCapacity(benchmark::State& state) {
  Worker worker(static_cast<size_t>(state.range(0)), true);
  std::vector<const Target*> targets;
  for (const Target& target : worker.snapshot.targets) targets.push_back(&target);
  const CapacityPlan plan(targets);
  std::string head;
  for (auto _ : state) {
    head.clear();
    AppendRateLimitFields(head, plan.Sum([&](PoolId pool) { return worker.desk.StandingOf(pool, worker.now); },
                                         [&](size_t i) {
                                           return worker.desk.StandingOf(worker.snapshot.providers[0], *targets[i],
                                                                         worker.now);
                                         }));
    benchmark::DoNotOptimize(head.data());
  }
}
BENCHMARK(BM_TellCapacity)->Arg(1)->Arg(4)->Arg(16);

}  // namespace
}  // namespace chain429
