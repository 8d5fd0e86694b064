#pragma once

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/permits/desk.h"

namespace chain429 {

// Who waits for an answer, and what it was told.
struct RecordingWaiter : AcquireWaiter {
  void OnAcquireAnswer(const AcquireAnswer* answer) override {
    ++calls;
    if (answer == nullptr) {
      ++unanswered;
    } else {
      last = *answer;
    }
  }
  int calls = 0;
  int unanswered = 0;
  AcquireAnswer last;
};

// A desk that is attached, two limited targets (0: pools 1 and 10, two credentials; 1: pools 2 and 20, no credential)
// and one without limits (2: pool 3).
class DeskTest : public testing::Test {
 protected:
  DeskTest() {
    Provider provider;
    provider.name = "p";
    for (const uint64_t pool : {101u, 102u}) {
      Credential credential;
      credential.pool = PoolId(pool);
      provider.credentials.push_back(credential);
    }
    snapshot.providers.push_back(provider);
    for (const uint64_t id : {1u, 10u, 2u, 20u, 3u}) {
      Pool pool;
      pool.id = PoolId(id);
      pool.key = std::to_string(id);
      snapshot.pools.push_back(pool);
    }
    AddTarget(1000, {PoolId(1), PoolId(10)}, {0, 1});
    AddTarget(2000, {PoolId(2), PoolId(20)}, {});
    AddTarget(3000, {PoolId(3)}, {});
    EXPECT_TRUE(snapshot.Index().ok());
    LinkMail mail;
    mail.status = LinkMail::Status::kAttached;
    mail.pools = {Limited(1), Limited(2), Unlimited(3)};
    desk.OnMail(mail, now);
  }

  static PoolState Unlimited(uint64_t id) {
    PoolState state;
    state.pool = PoolId(id);
    return state;
  }
  static PoolState Limited(uint64_t id) {
    PoolState state = Unlimited(id);
    state.limited = true;
    return state;
  }
  void AddTarget(uint64_t id, std::vector<PoolId> pools, std::vector<uint32_t> credentials) {
    Target target;
    target.id = TargetId(id);
    target.name = "p/" + std::to_string(id);
    target.pools = std::move(pools);
    target.credentials = std::move(credentials);
    snapshot.targets.push_back(target);
  }
  const Target& target(size_t i) const { return snapshot.targets[i]; }
  Pool& pool(uint64_t id) { return snapshot.pools[snapshot.pool_by_id.at(id)]; }

  void Advance(absl::Duration by) { now = now + by; }
  void AdvanceWithTimer(absl::Duration by) {
    Advance(by);
    desk.OnTimer(now);
  }
  GateView Consult(size_t i, int64_t tokens = 0, bool alone = false) {
    return desk.Consult(snapshot, target(i), tokens, alone, now);
  }
  Gate GateOf(size_t i, int64_t tokens = 0, bool alone = false) { return Consult(i, tokens, alone).gate; }

  AcquireId Ask(size_t i, AcquireWaiter* waiter, int64_t prompt_tokens = 7) {
    Acquire acquire;
    acquire.candidates.push_back({.target = target(i).id, .pools = target(i).pools, .dynamic = {}});
    acquire.prompt_tokens = prompt_tokens;
    return desk.Ask(std::move(acquire), waiter, now);
  }
  static AcquireAnswer Granted(AcquireId id, uint64_t permit, uint64_t target, uint32_t spares, int64_t tokens = 0) {
    AcquireAnswer answer;
    answer.acquire = id;
    answer.granted = true;
    answer.permit = {.acquire = id,
                     .id = PermitId(permit),
                     .target = TargetId(target),
                     .ttl = absl::Seconds(8),
                     .spares = spares,
                     .tokens = tokens};
    return answer;
  }
  void Deliver(AcquireAnswer answer) {
    LinkMail mail;
    mail.answers.push_back(std::move(answer));
    desk.OnMail(mail, now);
  }
  // A permit with spares for target 0, its first attempt accepted.
  // `guess`: of the request that asks; `tokens`: what the leader charged for it.
  Grant GrantWithSpares(uint64_t permit, uint32_t spares, int64_t tokens = 0, int64_t guess = 7) {
    RecordingWaiter waiter;
    const AcquireId id = Ask(0, &waiter, guess);
    desk.TakeMail(now, true);
    Deliver(Granted(id, permit, 1000, spares, tokens));
    EXPECT_EQ(waiter.calls, 1);
    return desk.Accept(waiter.last, now);
  }
  static Settlement Good(int64_t prompt = 10, int64_t completion = 20) {
    Settlement settlement;
    settlement.usage = {.prompt_tokens = prompt, .completion_tokens = completion, .seen = true};
    settlement.prompt_bytes = 4 * prompt;
    return settlement;
  }
  void Detach() {
    LinkMail mail;
    mail.status = LinkMail::Status::kDetached;
    desk.OnMail(mail, now);
  }

  Snapshot snapshot;
  PermitDesk desk{3};
  MonoTime now = MonoTime::FromNanos(1'000'000'000'000);
};

}  // namespace chain429
