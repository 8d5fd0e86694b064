#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "controlplane/quota/broker.h"

namespace chain429 {

inline Limit LimitOf(Unit unit, int64_t amount, absl::Duration length) {
  Limit limit;
  limit.unit = unit;
  limit.amount = amount;
  limit.window.length = length;
  return limit;
}
inline Limit Rpm(int64_t amount) { return LimitOf(Unit::kRequests, amount, absl::Minutes(1)); }
inline Limit Rpd(int64_t amount) { return LimitOf(Unit::kRequests, amount, absl::Hours(24)); }
inline Limit Tpm(int64_t amount) { return LimitOf(Unit::kTokens, amount, absl::Minutes(1)); }
inline Limit Concurrency(int64_t amount) { return LimitOf(Unit::kConcurrency, amount, absl::Minutes(1)); }

// What a request asks for, beside its targets.
struct Wish {
  int64_t prompt_tokens = 0;
  int64_t max_output = 0;
  uint32_t spares = 0;
};

// A leader, a clock that only the test turns, and a configuration of pools and targets that it can change. Times begin
// in the middle of a minute.
class BrokerTest : public testing::Test {
 protected:
  BrokerTest() { NewLeader(7); }

  void Advance(absl::Duration by) {
    now.mono = now.mono + by;
    now.wall += by;
  }
  // Turns the clock and lets what is due happen at its time.
  void Pass(absl::Duration by) {
    const MonoTime end = now.mono + by;
    while (broker->NextDeadline() < end) {
      Advance(std::max(absl::ZeroDuration(), broker->NextDeadline() - now.mono));
      broker->OnTimer(now);
    }
    Advance(end - now.mono);
    broker->OnTimer(now);
  }
  // A control plane that knows nothing but what it is told; the configuration is applied by Configure.
  void NewLeader(uint64_t epoch) { broker = std::make_unique<Broker>(Epoch(epoch), /*seed=*/epoch * 1000 + 1); }

  PoolId AddPool(const std::string& key, std::vector<Limit> limits = {}) {
    Pool pool;
    pool.id = PoolId(StableId(key));
    pool.key = key;
    pool.limits = std::move(limits);
    pools.push_back(std::move(pool));
    return pools.back().id;
  }
  Pool& PoolOf(PoolId id) {
    for (Pool& pool : pools) {
      if (pool.id == id) return pool;
    }
    ADD_FAILURE() << "no such pool";
    return pools.front();
  }
  TargetId AddTarget(const std::string& name, std::vector<PoolId> of) {
    Target target;
    target.id = TargetId(StableId("target " + name));
    target.name = name;
    target.pools = std::move(of);
    targets.push_back(std::move(target));
    return targets.back().id;
  }
  // One pool with these limits and one target that draws on it.
  TargetId AddLimited(const std::string& name, std::vector<Limit> limits) {
    return AddTarget(name, {AddPool(name, std::move(limits))});
  }
  PoolId QuotaOf(TargetId target) { return Find(target).pools.front(); }

  void Configure() {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->version = Version(++version);
    snapshot->providers = providers;
    if (providers.empty()) snapshot->providers.emplace_back().name = "p";
    snapshot->pools = pools;
    snapshot->targets = targets;
    ASSERT_TRUE(snapshot->Index().ok()) << snapshot->Index();
    broker->SetSnapshot(snapshot, now);
  }

  static AttachReport ReportOf(const std::string& boot, uint64_t epoch_seen = 0) {
    AttachReport report;
    report.node = "node of " + boot;
    report.boot_id = boot;
    report.epoch_seen = Epoch(epoch_seen);
    return report;
  }
  HolderId Attach(const std::string& boot, uint64_t epoch_seen = 0) {
    return broker->Attach(ReportOf(boot, epoch_seen), now);
  }

  Candidate CandidateOf(TargetId id) { return {.target = id, .pools = Find(id).pools, .dynamic = {}}; }
  AcquireAnswer Ask(const std::vector<TargetId>& of, const Wish& wish = {}) { return AskAs(HolderId(1), of, wish); }
  AcquireAnswer AskAs(HolderId holder, const std::vector<TargetId>& of, const Wish& wish = {}) {
    Acquire acquire;
    acquire.id = AcquireId(++last_acquire);
    for (const TargetId id : of) acquire.candidates.push_back(CandidateOf(id));
    acquire.prompt_tokens = wish.prompt_tokens;
    acquire.max_output = wish.max_output;
    acquire.spares_wanted = wish.spares;
    return broker->OnAcquire(holder, acquire, now);
  }
  // A permit, which must be there to be had.
  PermitId Permitted(TargetId id, HolderId holder = HolderId(1)) {
    const AcquireAnswer answer = AskAs(holder, {id});
    EXPECT_TRUE(answer.granted);
    EXPECT_TRUE(answer.permit.id);
    return answer.permit.id;
  }
  // How many permits there are to be had at once, at most `most`.
  int Grantable(TargetId id, int most = 100) {
    int count = 0;
    while (count < most && Ask({id}).granted) ++count;
    return count;
  }
  void Send(PermitId permit, absl::Duration age = {}, uint32_t count = 1) {
    broker->OnSent(HolderId(1), {permit, count, age}, now);
  }
  void Release(PermitId permit, uint32_t count = 1) { broker->OnRelease(HolderId(1), {permit, count}, now); }

  // The good ending of an attempt, to be made another by the test.
  Settlement EndOf(PermitId permit, TargetId id, absl::Duration sent_age = {}) {
    Settlement settlement;
    settlement.permit = permit;
    settlement.target = id;
    settlement.pools = Find(id).pools;
    settlement.sent_age = sent_age;
    return settlement;
  }
  Settlement RefusalOf(PermitId permit, TargetId id, absl::Duration retry_after = {}) {
    Settlement settlement = EndOf(permit, id);
    settlement.error_class = ErrorClass::kRateLimited;
    settlement.scope = Scope::kPool;
    settlement.closes = QuotaOf(id);
    settlement.retry_after = retry_after;
    settlement.authoritative = retry_after > absl::ZeroDuration();
    return settlement;
  }
  void Settle(const Settlement& settlement) { broker->OnSettle(HolderId(1), settlement, now); }
  // One request from permit to good end, at this moment.
  void Use(TargetId id) {
    const PermitId permit = Permitted(id);
    Send(permit);
    Settle(EndOf(permit, id));
  }

  // Its first contact is over.
  void MakeFamiliar(TargetId id) {
    Settlement many = EndOf(PermitId(), id, absl::Minutes(30));
    many.count = 1000;
    Settle(many);
    broker->TakeUrgent(now);
  }

  LimitView ViewOf(PoolId pool, Unit unit, absl::Duration length = absl::Minutes(1)) {
    for (const PoolView& view : broker->View(PoolOf(pool).key, now)) {
      if (view.id != pool) continue;
      for (const LimitView& limit : view.limits) {
        if (limit.limit.unit == unit && limit.limit.window.length == length) return limit;
      }
    }
    ADD_FAILURE() << "no such limit";
    return {};
  }
  int64_t UsedRequests(TargetId id, absl::Duration length = absl::Minutes(1)) {
    return ViewOf(QuotaOf(id), Unit::kRequests, length).used;
  }
  int64_t UsedTokens(TargetId id) { return ViewOf(QuotaOf(id), Unit::kTokens).used; }
  int64_t OpenAttempts(TargetId id) { return broker->View(PoolOf(QuotaOf(id)).key, now).front().open_attempts; }
  PoolView PoolViewOf(PoolId pool) { return broker->View(PoolOf(pool).key, now).front(); }

  // What a proxy may send at once while it is cut off, as it is told; -1: it is told nothing of it.
  static int64_t FirstShare(const PoolState& state) { return state.shares.empty() ? -1 : state.shares.front().first; }

  // What is pushed about one pool, of what was taken; its id is 0 if nothing is.
  static PoolState StateIn(const std::vector<PoolState>& states, PoolId pool) {
    for (const PoolState& state : states) {
      if (state.pool == pool) return state;
    }
    return {};
  }

  Now now{MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000), absl::FromUnixSeconds(1'800'000'030)};
  std::unique_ptr<Broker> broker;
  std::vector<Provider> providers;
  std::vector<Pool> pools;
  std::vector<Target> targets;
  uint64_t version = 0;
  uint64_t last_acquire = 0;

 private:
  const Target& Find(TargetId id) {
    for (const Target& target : targets) {
      if (target.id == id) return target;
    }
    ADD_FAILURE() << "no such target";
    return targets.front();
  }
};

}  // namespace chain429
