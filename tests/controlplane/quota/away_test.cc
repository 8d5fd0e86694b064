// What is kept for a proxy whose link is lost, and for how long.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

constexpr absl::Duration kKept = absl::Minutes(1);

class AwayTest : public BrokerTest {
 protected:
  // Two proxies, which have been told their shares: half of what is left for each, and later a quarter of the limit.
  TargetId Ready(std::vector<Limit> limits) {
    const TargetId target = AddLimited("t", std::move(limits));
    Configure();
    a = Attach("a");
    b = Attach("b");
    broker->TakeRoutine(now);
    return target;
  }
  void Leave(HolderId holder) { broker->Detach(holder, /*gone=*/false, now); }
  HolderId a;
  HolderId b;
};

TEST_F(AwayTest, ItsShareStaysReservedForAWhile) {
  const TargetId target = Ready({Rpm(40)});
  EXPECT_EQ(FirstShare(StateIn(broker->AllStates(now), QuotaOf(target))), 20);
  Leave(a);
  EXPECT_EQ(UsedRequests(target), 20);
  EXPECT_LE(broker->NextDeadline(), now.mono + kKept);
  Pass(kKept - absl::Milliseconds(1));
  EXPECT_EQ(UsedRequests(target), 20);
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(AwayTest, OthersGetTheRest) {
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  EXPECT_EQ(Grantable(target), 20);
}

TEST_F(AwayTest, WhatItWasToldLastIsKeptWhateverIsLeftNow) {
  const TargetId target = Ready({Rpm(40)});
  for (int i = 0; i < 30; ++i) Use(target);
  // This was not told yet.
  Leave(a);
  EXPECT_EQ(UsedRequests(target), 30 + 20);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(AwayTest, TheLaterShareIsKeptWhereItIsLarger) {
  const TargetId target = Ready({Rpm(40)});
  for (int i = 0; i < 40; ++i) Use(target);
  broker->TakeRoutine(now);
  Leave(a);
  EXPECT_EQ(UsedRequests(target), 40 + 10);
}

TEST_F(AwayTest, LosingTheLinkTwiceKeepsOneShare) {
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  Leave(a);
  Attach("a", 7);
  Leave(a);
  EXPECT_EQ(UsedRequests(target), 20);
  Leave(b);
  EXPECT_EQ(UsedRequests(target), 40);
  Pass(kKept);
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(AwayTest, ShareOfTokensWhereNothingElseIsCounted) {
  const TargetId target = Ready({Tpm(40'000)});
  Leave(a);
  EXPECT_EQ(UsedTokens(target), 20'000);
}

TEST_F(AwayTest, ShareOfConcurrency) {
  const TargetId target = Ready({Concurrency(8)});
  Leave(a);
  EXPECT_EQ(Grantable(target), 6);
}

TEST_F(AwayTest, BackAgainItsShareStaysReservedUntilItsUseMayBeReported) {
  // What it sent without permits is told behind its hello.
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  Pass(absl::Seconds(5));
  Attach("a", 7);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(AskAs(b, {target}).granted);
  EXPECT_FALSE(AskAs(b, {target}).granted);
  Settlement use = EndOf(PermitId(), target, absl::Seconds(3));
  use.count = 15;
  broker->OnSettle(a, use, now);
  EXPECT_FALSE(AskAs(b, {target}).granted);
  // It asks again, so that nothing from before is still to come.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(AskAs(a, {target}).granted);
  EXPECT_FALSE(AskAs(a, {target}).granted);
  EXPECT_FALSE(AskAs(b, {target}).granted);
}

TEST_F(AwayTest, BackAgainItsShareIsFreeSoonThoughItAsksForNothing) {
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  Pass(absl::Seconds(5));
  Attach("a", 7);
  Pass(absl::Seconds(1));
  EXPECT_EQ(UsedRequests(target), 20);
  Pass(absl::Seconds(1));
  EXPECT_EQ(UsedRequests(target), 0);
  // It is not taken for gone.
  Pass(kKept);
  EXPECT_EQ(Attach("a", 7), a);
}

TEST_F(AwayTest, PermitsUnusedWhileItWasAwayCountAsUsed) {
  const TargetId target = Ready({Rpd(1000)});
  Permitted(target, a);
  Leave(a);
  Pass(absl::Seconds(6));
  EXPECT_EQ(broker->counters().returned, 0u);
  Pass(kKept);
  EXPECT_EQ(UsedRequests(target, absl::Hours(24)), 1);
}

TEST_F(AwayTest, OpenAttemptsStayOpenWhileItMayComeBack) {
  const TargetId target = Ready({Concurrency(100)});
  const PermitId permit = Permitted(target, a);
  Send(permit);
  Leave(a);
  Pass(absl::Seconds(50));
  EXPECT_EQ(OpenAttempts(target), 1);
  AttachReport report = ReportOf("a", 7);
  report.held = {{permit, target, {QuotaOf(target)}, 0, 1, 0}};
  broker->Attach(report, now);
  EXPECT_EQ(OpenAttempts(target), 1);
  Settle(EndOf(permit, target, absl::Seconds(50)));
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(AwayTest, OneThatNeverComesBackLeavesNothingBehindButItsUse) {
  const TargetId target = Ready({Rpd(1000), Concurrency(100)});
  Send(Permitted(target, a));
  Permitted(target, a);
  Leave(a);
  Pass(absl::Seconds(6));
  Pass(kKept);
  EXPECT_EQ(UsedRequests(target, absl::Hours(24)), 2);
  EXPECT_EQ(OpenAttempts(target), 0);
  EXPECT_EQ(broker->open_permits(), 0u);
  // The other one has it all again.
  EXPECT_EQ(FirstShare(StateIn(broker->AllStates(now), QuotaOf(target))), 998);
}

TEST_F(AwayTest, TheOthersHearThatTheirShareHasGrown) {
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  broker->TakeRoutine(now);
  Pass(kKept);
  ASSERT_TRUE(broker->has_routine());
  EXPECT_EQ(FirstShare(StateIn(broker->TakeRoutine(now), QuotaOf(target))), 40);
}

TEST_F(AwayTest, GoneForGoodItsReservationsGoBackAtOnce) {
  const TargetId target = Ready({Rpm(40), Concurrency(40)});
  Permitted(target, a);
  Send(Permitted(target, a));
  broker->Detach(a, /*gone=*/true, now);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
  EXPECT_EQ(broker->open_permits(), 0u);
  EXPECT_EQ(broker->counters().returned, 1u);
}

TEST_F(AwayTest, GoneForGoodAfterItWasLostGivesItsShareBack) {
  const TargetId target = Ready({Rpm(40)});
  Leave(a);
  broker->Detach(a, /*gone=*/true, now);
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(AwayTest, DetachOfSomebodyUnknownIsHarmless) {
  const TargetId target = Ready({Rpm(40)});
  broker->Detach(HolderId(99), /*gone=*/false, now);
  broker->Detach(HolderId(99), /*gone=*/true, now);
  broker->Detach(HolderId(), /*gone=*/true, now);
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(AwayTest, PermitsOfThoseThatStayedGoOn) {
  const TargetId target = Ready({Rpm(40)});
  const PermitId permit = Permitted(target, b);
  broker->Detach(a, /*gone=*/true, now);
  Send(permit);
  Settle(EndOf(permit, target));
  EXPECT_EQ(UsedRequests(target), 1);
}

}  // namespace
}  // namespace chain429
