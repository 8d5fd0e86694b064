// The Permits stream: what it asks, and what it is told.
#include "tests/controlplane/fleet/registry_fixture.h"

namespace chain429 {
namespace {

using RegistryPermits = RegistryTest;

TEST_F(RegistryPermits, AProxyIsGreetedWithTheEpochThoughThereIsNothingToSay) {
  FakeProxy proxy = MakeProxy("a");
  ASSERT_TRUE(AttachPermits(proxy).ok());
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.size(), 1u);
  EXPECT_EQ(proxy.permits->messages[0].epoch(), 9u);
}

TEST_F(RegistryPermits, ANewProxyGetsTheStateOfEveryPoolThatIsLimitedOrClosed) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  EXPECT_TRUE(proxy.Told(PoolId(1)).limited());
  EXPECT_EQ(proxy.Told(PoolId(1)).limits(0).remaining(), 3);
  EXPECT_EQ(proxy.Told(PoolId(2)).pool(), 0u) << "of a pool of which nothing is known there is nothing to tell";
  ASSERT_EQ(proxy.permits->messages.size(), 1u);
  EXPECT_EQ(proxy.permits->messages[0].pools_size(), 1) << "before the first grant";
}

TEST_F(RegistryPermits, AnswersOfOneTurnAreOneMessage) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  proxy.Forget();
  for (const uint64_t id : {1u, 2u, 3u, 4u}) {
    wire::PermitsUp up;
    up.acquires = {AcquireOf(id)};
    ASSERT_TRUE(Send(proxy, up).ok());
  }
  EXPECT_TRUE(proxy.permits->messages.empty()) << "the turn has not ended";
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.size(), 1u);
  const v1::PermitsDown& down = proxy.permits->messages[0];
  EXPECT_EQ(down.epoch(), 9u);
  ASSERT_EQ(down.answers_size(), 4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(down.answers(i).granted(), i < 3) << i;
  EXPECT_EQ(down.answers(3).denials(0).pool(), 1u);
}

TEST_F(RegistryPermits, ATargetWhosePoolHasNoKnownLimitNeedsNoPermit) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  proxy.Forget();
  wire::PermitsUp up;
  // It has taken enough to be known.
  Settlement many;
  many.target = TargetId(12);
  many.pools = {PoolId(2)};
  many.count = 1000;
  up.settlements = {many};
  up.acquires = {AcquireOf(5, TargetId(12), PoolId(2))};
  ASSERT_TRUE(Send(proxy, up).ok());
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.at(0).answers_size(), 1);
  EXPECT_TRUE(proxy.permits->messages[0].answers(0).granted());
  EXPECT_EQ(proxy.permits->messages[0].answers(0).permit(), 0u);
}

TEST_F(RegistryPermits, WhatIsHeldAtFirstContactIsAnsweredInTheTurnThatBringsTheNews) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  proxy.Forget();
  wire::PermitsUp up;
  for (const uint64_t id : {5u, 6u, 7u}) up.acquires.push_back(AcquireOf(id, TargetId(12), PoolId(2)));
  ASSERT_TRUE(Send(proxy, up).ok());
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.at(0).answers_size(), 3);
  const v1::AcquireAnswer probe = proxy.permits->messages[0].answers(0);
  EXPECT_TRUE(probe.granted());
  EXPECT_TRUE(probe.watched());
  EXPECT_TRUE(proxy.permits->messages[0].answers(1).held());
  EXPECT_TRUE(proxy.permits->messages[0].answers(2).held());
  proxy.Forget();
  up = {};
  up.cancels = {AcquireId(6)};
  up.releases = {{PermitId(probe.permit()), 1}};
  ASSERT_TRUE(Send(proxy, up).ok());
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.at(0).answers_size(), 1);
  EXPECT_EQ(proxy.permits->messages[0].answers(0).acquire(), 7u);
  EXPECT_TRUE(proxy.permits->messages[0].answers(0).granted());
}

TEST_F(RegistryPermits, TheLimitIsOneForAllProxies) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  FakeProxy b = Attach("b");
  EXPECT_TRUE(Ask(a, 1).granted());
  EXPECT_TRUE(Ask(b, 1).granted());
  EXPECT_TRUE(Ask(a, 2).granted());
  EXPECT_FALSE(Ask(b, 2).granted());
  EXPECT_FALSE(Ask(a, 3).granted());
}

TEST_F(RegistryPermits, WhatGoesBackIsThereForTheNextThatAsksInTheSameMessage) {
  registry_.SetSnapshot(MakeSnapshot(7, 1), now());
  FakeProxy proxy = Attach("a");
  const v1::AcquireAnswer first = Ask(proxy, 1);
  ASSERT_TRUE(first.granted());
  proxy.Forget();
  wire::PermitsUp up;
  up.releases = {{PermitId(first.permit()), 1}};
  up.acquires = {AcquireOf(2)};
  ASSERT_TRUE(Send(proxy, up).ok());
  EndTurn();
  ASSERT_EQ(proxy.permits->messages.at(0).answers_size(), 1);
  EXPECT_TRUE(proxy.permits->messages[0].answers(0).granted());
}

// A settlement after which the pool is closed for `wait`.
Settlement Refusal(uint64_t permit, absl::Duration wait) {
  Settlement settlement;
  settlement.permit = PermitId(permit);
  settlement.target = TargetId(11);
  settlement.pools = {PoolId(1)};
  settlement.error_class = ErrorClass::kRateLimited;
  settlement.scope = Scope::kPool;
  settlement.closes = PoolId(1);
  settlement.retry_after = wait;
  settlement.authoritative = true;
  return settlement;
}

TEST_F(RegistryPermits, ARefusalClosesThePoolForTheWholeFleetInTheSameTurn) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  FakeProxy b = Attach("b");
  const v1::AcquireAnswer answer = Ask(a, 1);
  b.Forget();
  wire::PermitsUp up;
  up.sent = {{PermitId(answer.permit()), 1, absl::ZeroDuration()}};
  up.settlements = {Refusal(answer.permit(), absl::Seconds(30))};
  ASSERT_TRUE(Send(a, up).ok());
  EndTurn();
  ASSERT_EQ(b.permits->messages.size(), 1u) << "not on the slower stream";
  EXPECT_EQ(b.Told(PoolId(1)).closure(), v1::CLOSURE_RATE_LIMITED);
  EXPECT_EQ(b.Told(PoolId(1)).closed_for_ns(), absl::ToInt64Nanoseconds(absl::Seconds(30)));
  EXPECT_FALSE(Ask(b, 1).granted());
}

TEST_F(RegistryPermits, WhatASlowProxyHasNotTakenMergesToTheNewest) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  FakeProxy slow = MakeProxy("slow");
  slow.permits->slow = true;
  ASSERT_TRUE(AttachPermits(slow).ok());
  EndTurn();
  slow.Forget();
  const v1::AcquireAnswer answer = Ask(a, 1);
  wire::PermitsUp up;
  up.sent = {{PermitId(answer.permit()), 1, absl::ZeroDuration()}};
  up.settlements = {Refusal(answer.permit(), absl::Seconds(30))};
  ASSERT_TRUE(Send(a, up).ok());
  EndTurn();
  EXPECT_EQ(broker_.ClearCooldown("p/limited", now()), Broker::ClearResult::kOpened);
  EndTurn();
  EXPECT_TRUE(slow.permits->messages.empty()) << "one is still under way";
  ASSERT_TRUE(slow.permits->Finish());
  registry_.OnWritable(slow.permits.get());
  EndTurn();
  ASSERT_EQ(slow.permits->messages.size(), 1u);
  ASSERT_EQ(slow.permits->messages[0].pools_size(), 1);
  EXPECT_EQ(slow.permits->messages[0].pools(0).closure(), v1::CLOSURE_NONE) << "it never hears of the closure";
}

TEST_F(RegistryPermits, AClosureThatAProxyBringsAlongHoldsForAll) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  a.Forget();
  FakeProxy b = MakeProxy("b");
  wire::PermitsHello hello;
  hello.closures = {{PoolId(1), Closure::kQuotaExhausted, absl::Hours(2), true}};
  ASSERT_TRUE(AttachPermits(b, hello).ok());
  EndTurn();
  EXPECT_EQ(a.Told(PoolId(1)).closure(), v1::CLOSURE_QUOTA_EXHAUSTED);
  EXPECT_FALSE(Ask(a, 1).granted());
}

TEST_F(RegistryPermits, AClosureIsRemembered) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  const v1::AcquireAnswer answer = Ask(a, 1);
  remembered_.clear();
  wire::PermitsUp up;
  up.sent = {{PermitId(answer.permit()), 1, absl::ZeroDuration()}};
  up.settlements = {Refusal(answer.permit(), absl::Seconds(30))};
  ASSERT_TRUE(Send(a, up).ok());
  EndTurn();
  ASSERT_EQ(remembered_.size(), 1u);
  EXPECT_EQ(remembered_[0].key, "p/limited");
  EXPECT_EQ(remembered_[0].closure, Closure::kRateLimited);
  EXPECT_EQ(remembered_[0].closed_until, now().wall + absl::Seconds(30));
}

TEST_F(RegistryPermits, AnUnusedPermitGoesBackWhenItsTimeHasPassedAndTheTurnSaysWhen) {
  registry_.SetSnapshot(MakeSnapshot(7, 1), now());
  FakeProxy proxy = Attach("a");
  ASSERT_TRUE(Ask(proxy, 1).granted());
  EXPECT_FALSE(Ask(proxy, 2).granted());
  for (int turns = 0; turns < 20; ++turns) {
    const MonoTime wake = EndTurn();
    if (wake == MonoTime::Max()) break;
    Pass(std::max(wake - now().mono, absl::Nanoseconds(1)));
  }
  EXPECT_TRUE(Ask(proxy, 3).granted());
}

}  // namespace
}  // namespace chain429
