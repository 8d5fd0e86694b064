// What providers' headers and refusals teach of limits, and that proxies hear of it.
#include "common/model/limit_state.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class LearningTest : public BrokerTest {
 protected:
  static Reading Requests(int64_t limit, int64_t remaining, absl::Duration window = absl::Minutes(1)) {
    Reading reading;
    reading.window = window;
    reading.limit = limit;
    reading.remaining = remaining;
    return reading;
  }
  // A request without a permit, that went well and brought these headers.
  void Free(TargetId target, std::vector<Reading> readings, absl::Duration sent_age = {}) {
    Settlement end = EndOf(PermitId(), target, sent_age);
    end.readings = std::move(readings);
    Settle(end);
  }
};

TEST_F(LearningTest, AStatedLimitMakesThePoolLimitedAndProxiesHearOfItAtOnce) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Free(target, {Requests(30, 29)});
  const PoolState state = StateIn(broker->TakeUrgent(now), QuotaOf(target));
  EXPECT_TRUE(state.limited);
  EXPECT_EQ(state.closure, Closure::kNone);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kRequests), 29);
  EXPECT_TRUE(Ask({target}).permit.id);
  EXPECT_EQ(Grantable(target), 28);
}

TEST_F(LearningTest, WhatWasSentBeforeTheLimitWasKnownCounts) {
  const TargetId target = AddLimited("t", {});
  Configure();
  for (int i = 0; i < 12; ++i) Free(target, {});
  Free(target, {Requests(30, 17)});
  EXPECT_EQ(UsedRequests(target), 13);
  EXPECT_EQ(Grantable(target), 17);
}

TEST_F(LearningTest, SomebodyElsesUseOfTheKeyCounts) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  PoolOf(QuotaOf(target)).limits[0].provenance = Provenance::kCatalogue;
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.readings = {Requests(30, 9)};
  Settle(end);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).outside, 20);
  EXPECT_EQ(Grantable(target), 9);
}

TEST_F(LearningTest, ARepeatedOrLateReadingChangesNothing) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  Free(target, {Requests(30, 29)}, absl::Seconds(2));
  Free(target, {Requests(30, 28)}, absl::Seconds(1));
  const int64_t used = UsedRequests(target);
  Settlement late = EndOf(PermitId(), target, absl::Seconds(2));
  late.error_class = ErrorClass::kRateLimited;  // not counted as use
  late.readings = {Requests(30, 29)};
  Settle(late);
  EXPECT_EQ(UsedRequests(target), used);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).outside, 0);
}

TEST_F(LearningTest, AConfiguredLimitOverridesWhatHeadersState) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  Configure();
  Free(target, {Requests(1000, 999)});
  EXPECT_EQ(Grantable(target), 4);
}

TEST_F(LearningTest, ACataloguesLimitFollowsWhatHeadersState) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  PoolOf(QuotaOf(target)).limits[0].provenance = Provenance::kCatalogue;
  Configure();
  Free(target, {Requests(20, 19)});
  EXPECT_EQ(Grantable(target), 19);
}

TEST_F(LearningTest, PoolsThatOnlyCloseLearnNothing) {
  const TargetId target = AddLimited("t", {});
  PoolOf(QuotaOf(target)).learns = false;
  Configure();
  Free(target, {Requests(1, 0)});
  EXPECT_FALSE(Ask({target}).permit.id);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(LearningTest, ReadingsAreAboutTheFirstPoolAlone) {
  const PoolId account = AddPool("account");
  const PoolId model = AddPool("model");
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  Free(target, {Requests(30, 29)});
  EXPECT_EQ(PoolViewOf(account).limits.size(), 1u);
  EXPECT_TRUE(PoolViewOf(model).limits.empty());
}

TEST_F(LearningTest, ALimitThatLeavesTheSnapshotIsStillLearnt) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Free(target, {Requests(30, 29)});
  Configure();
  EXPECT_TRUE(Ask({target}).permit.id);
  EXPECT_EQ(UsedRequests(target), 2);
}

TEST_F(LearningTest, ARefusalThatNothingExplainsTeachesALimit) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  for (int i = 0; i < 10; ++i) {
    Use(target);
    Advance(absl::Seconds(1));
  }
  const PermitId permit = Permitted(target);
  Send(permit);
  Settle(RefusalOf(permit, target, absl::Seconds(20)));
  Pass(absl::Seconds(25));
  // Ten went well within a minute, so ten is taken for the limit, and these ten are still within it.
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Seconds(60));
  EXPECT_EQ(Grantable(target), 10);
}

TEST_F(LearningTest, ARefusalAtAKnownLimitTeachesNothing) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  for (int i = 0; i < 10; ++i) Use(target);
  Settle(RefusalOf(PermitId(), target, absl::Seconds(20)));
  Pass(absl::Seconds(61));
  EXPECT_EQ(Grantable(target), 10);
  EXPECT_EQ(PoolViewOf(QuotaOf(target)).limits.size(), 1u);
}

TEST_F(LearningTest, ARefusalForHoursTeachesNothingOfTheMinute) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  for (int i = 0; i < 10; ++i) Use(target);
  Settle(RefusalOf(PermitId(), target, absl::Hours(2)));
  EXPECT_EQ(PoolViewOf(QuotaOf(target)).limits.size(), 1u);
}

TEST_F(LearningTest, AModelThatNoAcquireNamedIsLearntFromItsSettlement) {
  AddLimited("t", {});
  Configure();
  const PoolId unknown(StableId("never declared"));
  Settlement end;
  end.target = TargetId(77);
  end.pools = {unknown};
  end.readings = {Requests(30, 29)};
  Settle(end);
  EXPECT_TRUE(StateIn(broker->TakeUrgent(now), unknown).limited);
}

}  // namespace
}  // namespace chain429
