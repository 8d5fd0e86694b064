// What outlives every process: cooldowns, learnt limits, and how much of a day was used.
#include "absl/strings/str_cat.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class MemoryTest : public BrokerTest {
 protected:
  // The control plane dies and is there again after `away`; its monotonic clock begins anew.
  void Restart(absl::Duration away) {
    broker->TakeRoutine(now);
    std::vector<PoolMemory> memories = broker->TakeMemories(now);
    now.wall += away;
    now.mono = MonoTime::FromNanos(5'000'000'000);
    NewLeader(broker->epoch().value() + 1);
    broker->Recall(std::move(memories));
    Configure();
  }
};

TEST_F(MemoryTest, CooldownsAreObeyedAfterARestart) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(50)));
  Restart(absl::Seconds(8));
  const AcquireAnswer denied = Ask({target});
  ASSERT_FALSE(denied.granted);
  EXPECT_EQ(denied.denials[0].closure, Closure::kRateLimited);
  EXPECT_EQ(PoolViewOf(QuotaOf(target)).closed_for, absl::Seconds(42));
  EXPECT_TRUE(PoolViewOf(QuotaOf(target)).authoritative);
  EXPECT_EQ(StateIn(broker->AllStates(now), QuotaOf(target)).closed_for, absl::Seconds(42));
  Pass(absl::Seconds(42));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(MemoryTest, CooldownsOfCredentialsAreObeyedAfterARestart) {
  const TargetId target = AddLimited("t", {});
  Provider provider;
  provider.name = "p";
  Credential credential;
  credential.name = "main";
  credential.pool = PoolId(StableId("p#main"));
  provider.credentials = {credential};
  providers = {provider};
  Configure();
  Settlement end = EndOf(PermitId(), target);
  end.error_class = ErrorClass::kAuth;
  end.closes = credential.pool;
  Settle(end);
  Restart(absl::Seconds(8));
  EXPECT_EQ(StateIn(broker->AllStates(now), credential.pool).closure, Closure::kAuth);
}

TEST_F(MemoryTest, AGuessedCooldownStillNeedsItsCanary) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Settlement end = RefusalOf(PermitId(), target);
  end.error_class = ErrorClass::kQuotaExhausted;
  Settle(end);
  Restart(absl::Seconds(8));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Minutes(2));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(MemoryTest, ACooldownThatPassedMeanwhileIsOver) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(50)));
  Restart(absl::Seconds(50));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(MemoryTest, APoolThatWasOpenedIsOpenAfterARestart) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Hours(5)));
  const std::vector<PoolMemory> closed = broker->TakeMemories(now);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].closure, Closure::kRateLimited);
  broker->ClearCooldown("t", now);
  ASSERT_TRUE(broker->has_memories());
  Restart(absl::Seconds(1));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(MemoryTest, WhatWasUsedOfADaySurvivesARestart) {
  const TargetId target = AddLimited("t", {Rpm(1000), Rpd(10)});
  Configure();
  for (int i = 0; i < 6; ++i) Use(target);
  Permitted(target);  // not sent yet: it may be
  Restart(absl::Seconds(30));
  EXPECT_EQ(Grantable(target), 3);
}

TEST_F(MemoryTest, AFixedDayThatIsOverCountsNothing) {
  for (const bool next_day : {false, true}) {
    NewLeader(7);
    pools.clear();
    targets.clear();
    Limit limit = Rpd(10);
    limit.window.kind = WindowKind::kFixed;
    const TargetId target = AddLimited("t", {limit});
    now.wall = absl::FromUnixSeconds(1'800'000'000);  // 8 in the morning in UTC
    Configure();
    for (int i = 0; i < 6; ++i) Use(target);
    Restart(next_day ? absl::Hours(16) : absl::Hours(15));
    EXPECT_EQ(Grantable(target), next_day ? 10 : 4);
  }
}

TEST_F(MemoryTest, ASlidingDayThatIsOverCountsNothing) {
  const TargetId target = AddLimited("t", {Rpd(10)});
  Configure();
  for (int i = 0; i < 6; ++i) Use(target);
  Restart(absl::Hours(25));
  EXPECT_EQ(Grantable(target), 10);
}

TEST_F(MemoryTest, WhatIsUsedAfterwardsIsAddedToTheMark) {
  const TargetId target = AddLimited("t", {Rpd(10)});
  Configure();
  for (int i = 0; i < 6; ++i) Use(target);
  Restart(absl::Seconds(30));
  Use(target);
  Restart(absl::Seconds(30));
  EXPECT_EQ(Grantable(target), 3);
}

TEST_F(MemoryTest, WhatProxiesReportOfTheMarksTimeIsNotAddedToIt) {
  const TargetId target = AddLimited("t", {Rpm(1000), Rpd(100)});
  Configure();
  for (int i = 0; i < 40; ++i) Use(target);
  Restart(absl::Seconds(30));
  AttachReport report = ReportOf("a");
  // Three of them are new: they were sent while the control plane was away.
  report.recent = {{QuotaOf(target), absl::Seconds(10), 3, 0}, {QuotaOf(target), absl::Seconds(31), 40, 0}};
  broker->Attach(report, now);
  EXPECT_EQ(UsedRequests(target, kDay), 43);
  EXPECT_EQ(UsedRequests(target), 43);
}

TEST_F(MemoryTest, LearntLimitsSurviveARestart) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Settlement end = EndOf(PermitId(), target);
  Reading reading;
  reading.window = absl::Minutes(1);
  reading.limit = 30;
  reading.remaining = 29;
  end.readings = {reading};
  Settle(end);
  Restart(absl::Minutes(2));
  EXPECT_TRUE(Ask({target}).permit.id);
  EXPECT_EQ(Grantable(target), 29);
}

TEST_F(MemoryTest, LimitsInferredFromRefusalsSurviveARestart) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  for (int i = 0; i < 10; ++i) Use(target);
  const PermitId permit = Permitted(target);
  Send(permit);
  Settle(RefusalOf(permit, target, absl::Seconds(1)));
  Restart(absl::Minutes(5));
  EXPECT_EQ(Grantable(target), 10);
}

TEST_F(MemoryTest, PoolsThatTheSnapshotDoesNotListRememberWhenTheyAreNamed) {
  Provider provider;
  provider.name = "open";
  provider.pool_scope = PoolScope::kModel;
  provider.limits = {Rpd(10)};
  providers = {provider};
  Configure();
  const TargetPlan plan = PlanTargets(providers, 0, "m").front();
  Acquire acquire;
  acquire.id = AcquireId(1);
  acquire.candidates = {{.target = plan.target.id, .pools = plan.target.pools, .dynamic = {"open", "", "m"}}};
  for (int i = 0; i < 7; ++i) Send(broker->OnAcquire(HolderId(1), acquire, now).permit.id);
  for (const bool met_before : {false, true}) {
    Restart(absl::Seconds(10));
    if (met_before) {
      // A proxy speaks of the pool before anybody asks for it.
      AttachReport report = ReportOf("a");
      report.closures = {{plan.target.pools.front(), Closure::kRateLimited, absl::Seconds(1), true}};
      broker->Attach(report, now);
      Pass(absl::Seconds(1));
    }
    Release(broker->OnAcquire(HolderId(1), acquire, now).permit.id);
    EXPECT_EQ(broker->View("open/m", now).front().limits.front().used, 7) << met_before;
  }
}

TEST_F(MemoryTest, ModelsThatNobodyAsksForAnyMoreTakeNoRoom) {
  Provider provider;
  provider.name = "open";
  provider.pool_scope = PoolScope::kModel;
  provider.limits = {Rpm(10)};
  providers = {provider};
  Configure();
  for (int i = 0; i < 50; ++i) {
    const std::string model = absl::StrCat("m", i);
    const TargetPlan plan = PlanTargets(providers, 0, model).front();
    Acquire acquire;
    acquire.id = AcquireId(static_cast<uint64_t>(i) + 1);
    acquire.candidates = {{.target = plan.target.id, .pools = plan.target.pools, .dynamic = {"open", "", model}}};
    Release(broker->OnAcquire(HolderId(1), acquire, now).permit.id);
  }
  broker->TakeRoutine(now);
  EXPECT_GE(broker->View("open/m", now).size(), 50u);
  Pass(absl::Minutes(12));
  broker->TakeRoutine(now);
  Pass(absl::Minutes(2));
  broker->OnTimer(now);
  EXPECT_TRUE(broker->View("open/m", now).empty());
}

TEST_F(MemoryTest, IsTakenOnceAndOnlyOfPoolsWithSomethingToRemember) {
  const TargetId minute = AddLimited("minute", {Rpm(10)});
  const TargetId day = AddLimited("day", {Rpd(10)});
  Configure();
  broker->TakeMemories(now);
  Use(minute);
  Use(day);
  broker->TakeRoutine(now);
  ASSERT_TRUE(broker->has_memories());
  const std::vector<PoolMemory> memories = broker->TakeMemories(now);
  ASSERT_EQ(memories.size(), 1u);
  EXPECT_EQ(memories[0].key, "day");
  EXPECT_EQ(memories[0].at, now.wall);
  ASSERT_EQ(memories[0].marks.size(), 1u);
  EXPECT_EQ(memories[0].marks[0].unit, Unit::kRequests);
  EXPECT_EQ(memories[0].marks[0].window.length, kDay);
  EXPECT_EQ(memories[0].marks[0].used, 1);
  EXPECT_FALSE(broker->has_memories());
  EXPECT_TRUE(broker->TakeMemories(now).empty());
}

TEST_F(MemoryTest, OfAPoolWithoutANameIsNotStored) {
  AddLimited("t", {});
  Configure();
  broker->TakeMemories(now);
  Settlement end;
  end.target = TargetId(5);
  end.pools = {PoolId(5)};
  end.error_class = ErrorClass::kRateLimited;
  end.closes = PoolId(5);
  end.retry_after = absl::Seconds(20);
  end.authoritative = true;
  Settle(end);
  EXPECT_FALSE(broker->has_memories());
}

}  // namespace
}  // namespace chain429
