// A proxy whose link broke and that comes back to the same leader: nothing counts twice, nothing is lost.
#include "tests/controlplane/quota/attach_fixture.h"

namespace chain429 {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

TEST_F(AttachTest, TheSameBootKeepsItsHolder) {
  Ready({Rpm(10)});
  EXPECT_NE(a, b);
  EXPECT_EQ(Attach("a", kEpoch), a);
  broker->Detach(b, /*gone=*/false, now);
  EXPECT_EQ(Attach("b", kEpoch), b);
  EXPECT_NE(Attach("another boot of a"), a);
}

TEST_F(AttachTest, UseThatTheLeaderHasSeenIsNotCountedAgain) {
  const TargetId target = Ready({Rpm(30), Rpd(100)});
  for (int i = 0; i < 5; ++i) Use(target);
  Advance(absl::Seconds(2));
  Reattach({}, {UseOf(target, absl::Seconds(2), 5)});
  EXPECT_EQ(UsedRequests(target), 5);
  EXPECT_EQ(UsedRequests(target, kDay), 5);
}

TEST_F(AttachTest, UseWhileAwayIsCountedAtItsDate) {
  const TargetId target = Ready({Rpm(100)});
  for (int i = 0; i < 5; ++i) Use(target);
  Advance(absl::Seconds(1));
  broker->Detach(a, /*gone=*/false, now);
  Pass(absl::Seconds(20));
  Reattach({}, {UseOf(target, absl::Seconds(21), 5), UseOf(target, absl::Seconds(10), 3)});
  Pass(absl::Seconds(20));
  EXPECT_EQ(UsedRequests(target), 8);
  // Forty seconds ago, when the first five were sent, and thirty.
  Pass(absl::Seconds(19) + kSlidingGuard);
  EXPECT_EQ(UsedRequests(target), 3);
  Pass(absl::Seconds(11));
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(AttachTest, WhatWasToldToALinkThatWasGoneAlreadyIsCounted) {
  const TargetId target = Ready({Rpm(100)});
  const PermitId permit = Permitted(target, a);
  // The link breaks, and neither side knows. The proxy uses its permit, then hears nothing and goes by its share.
  Pass(absl::Seconds(3));
  broker->Detach(a, /*gone=*/false, now);
  Pass(absl::Seconds(1));
  Reattach({}, {UseOf(target, absl::Seconds(2), 5), UseOf(target, absl::Seconds(3), 1)});
  EXPECT_EQ(broker->open_permits(), 1u) << "its record is kept for a while, permit " << permit.value();
  Pass(absl::Seconds(3));
  // Each of the six once: that of the permit is known from the permit.
  EXPECT_EQ(UsedRequests(target), 6);
}

TEST_F(AttachTest, AHelloWhoseAnswerWasLostIsNotCountedTwice) {
  const TargetId target = Ready({Rpd(100)});
  NewLeader(kEpoch + 1);
  Configure();
  // The proxy reports its day to the new leader, but hears nothing before the link breaks again.
  AttachReport report = ReportOf("a", kEpoch);
  report.recent = {UseOf(target, absl::Hours(2), 40)};
  const HolderId holder = broker->Attach(report, now);
  Advance(absl::Seconds(1));
  broker->Detach(holder, /*gone=*/false, now);
  Pass(absl::Seconds(1));
  report.recent = {UseOf(target, absl::Seconds(1)), UseOf(target, absl::Hours(2) + absl::Seconds(2), 40)};
  EXPECT_EQ(broker->Attach(report, now), holder);
  Pass(absl::Minutes(1));
  EXPECT_EQ(UsedRequests(target, kDay), 41);
}

TEST_F(AttachTest, ALongAbsenceDoesNotCountTheDayTwice) {
  const TargetId target = Ready({Rpd(100)});
  for (int i = 0; i < 40; ++i) Use(target);
  Advance(absl::Seconds(1));
  broker->Detach(a, /*gone=*/false, now);
  Pass(absl::Minutes(10));
  AttachReport report = ReportOf("a", kEpoch);
  report.recent = {UseOf(target, absl::Minutes(3), 2), UseOf(target, absl::Minutes(10) + absl::Seconds(1), 40)};
  broker->Attach(report, now);
  Pass(absl::Minutes(1));
  EXPECT_EQ(UsedRequests(target, kDay), 42);
}

TEST_F(AttachTest, ClosuresThatItSawAreTakenOverAndToldAtOnce) {
  const TargetId target = Ready({Rpm(10)});
  broker->TakeUrgent(now);
  AttachReport report = ReportOf("a", kEpoch);
  report.closures = {{QuotaOf(target), Closure::kRateLimited, absl::Seconds(50), true}};
  broker->Attach(report, now);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closed_for, absl::Seconds(50));
  EXPECT_FALSE(AskAs(b, {target}).granted);
  EXPECT_TRUE(broker->has_memories());
  Pass(absl::Seconds(50));
  EXPECT_TRUE(AskAs(b, {target}).granted);
}

TEST_F(AttachTest, ClosuresThatItSawNeverShortenALongerOne) {
  const TargetId target = Ready({Rpm(10)});
  Settle(RefusalOf(PermitId(), target, absl::Seconds(90)));
  broker->TakeUrgent(now);
  AttachReport report = ReportOf("a", kEpoch);
  report.closures = {{QuotaOf(target), Closure::kRateLimited, absl::Seconds(50), true}};
  broker->Attach(report, now);
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
  EXPECT_EQ(PoolViewOf(QuotaOf(target)).closed_for, absl::Seconds(90));
}

TEST_F(AttachTest, WhatWasOpenedMeanwhileStaysOpenAndIsTold) {
  const TargetId target = Ready({Rpm(10)});
  Settle(RefusalOf(PermitId(), target, absl::Minutes(30)));
  Advance(absl::Seconds(1));
  broker->Detach(a, /*gone=*/false, now);
  Pass(absl::Seconds(5));
  ASSERT_EQ(broker->ClearCooldown("t", now), Broker::ClearResult::kOpened);
  broker->TakeUrgent(now);
  Pass(absl::Seconds(5));
  AttachReport report = ReportOf("a", kEpoch);
  report.closures = {{QuotaOf(target), Closure::kRateLimited, absl::Minutes(29), true}};
  broker->Attach(report, now);
  EXPECT_TRUE(AskAs(b, {target}).granted);
  EXPECT_EQ(StateIn(broker->AllStates(now), QuotaOf(target)).closure, Closure::kNone);
}

TEST_F(AttachTest, HearsOfPoolsThatBecameFreeWhileItWasAway) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  const TargetId plain = AddLimited("plain", {});
  Configure();
  a = Attach("a");
  broker->TakeRoutine(now);
  EXPECT_TRUE(StateIn(broker->AllStates(now), QuotaOf(target)).limited);
  broker->Detach(a, /*gone=*/false, now);
  PoolOf(QuotaOf(target)).limits.clear();
  Configure();
  Reattach({});
  const PoolState state = StateIn(broker->AllStates(now), QuotaOf(target));
  EXPECT_EQ(state.pool, QuotaOf(target));
  EXPECT_FALSE(state.limited);
  // There never was anything to say of this one.
  EXPECT_FALSE(StateIn(broker->AllStates(now), QuotaOf(plain)).pool);
}

TEST_F(AttachTest, AnEmptyReportOfAnUnknownProxyChangesNothing) {
  const TargetId target = Ready({Rpm(10)});
  Permitted(target, a);
  const HolderId c = Attach("c", kEpoch);
  EXPECT_NE(c, a);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(broker->open_permits(), 1u);
}

}  // namespace
}  // namespace chain429
