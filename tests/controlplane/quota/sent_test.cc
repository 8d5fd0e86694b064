// When an attempt counts: from its sending, from its grant while unsent, and what becomes of permits that nobody uses.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(5);
constexpr absl::Duration kGrace = absl::Seconds(1);  // for a report that is under way
const absl::Duration kMinute = absl::Minutes(1) + kSlidingGuard;

using SentTest = BrokerTest;

TEST_F(SentTest, DatesTheUse) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Advance(absl::Seconds(4));
  Send(permit);
  Pass(kMinute - absl::Milliseconds(1));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(SentTest, AgeOfTheReportDatesTheUseBack) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Advance(absl::Seconds(4));
  Send(permit, /*age=*/absl::Seconds(3));
  Pass(kMinute - absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(SentTest, AReservationIsHeldHoweverOldTheGrantWhileItMayBeSent) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  Permitted(target);
  Pass(kTtl);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(SentTest, ExpiredUnsentIsReturned) {
  const TargetId target = AddLimited("t", {Rpm(1), Tpm(1000), Concurrency(1)});
  Configure();
  Permitted(target);
  EXPECT_LE(broker->NextDeadline(), now.mono + kTtl + kGrace);
  Pass(kTtl + kGrace);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(UsedTokens(target), 0);
  EXPECT_EQ(broker->counters().returned, 1u);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(SentTest, SentAndNeverSettledCountsAsUsed) {
  const TargetId target = AddLimited("t", {Rpd(2), Tpm(1000)});
  Configure();
  Send(Ask({target}, {.prompt_tokens = 100, .max_output = 200}).permit.id);
  Pass(absl::Seconds(30));
  EXPECT_EQ(UsedRequests(target, absl::Hours(24)), 1);
  EXPECT_EQ(UsedTokens(target), 300);
  Pass(absl::Hours(3));
  EXPECT_EQ(UsedRequests(target, absl::Hours(24)), 1);
  EXPECT_EQ(broker->counters().returned, 0u);
}

TEST_F(SentTest, ConcurrencyOfAnAttemptThatIsNeverSettledIsFreeAtLast) {
  const TargetId target = AddLimited("t", {Concurrency(1)});
  Configure();
  Attach("a");
  Send(Permitted(target));
  Pass(absl::Minutes(30));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Hours(3));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_EQ(broker->open_permits(), 1u);
}

TEST_F(SentTest, LateSentAfterExpiryStillCounts) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Advance(absl::Seconds(4));
  Pass(kTtl);
  EXPECT_EQ(UsedRequests(target), 0);
  Send(permit, /*age=*/absl::Seconds(5));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_FALSE(Ask({target}).granted);
  // Dated when it was sent.
  Pass(kMinute - absl::Seconds(5));
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(SentTest, LateSentCountsThoughTheRoomWasGivenToAnother) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId late = Permitted(target);
  Pass(kTtl + kGrace);
  Send(Permitted(target));
  Send(late, absl::Seconds(2));
  EXPECT_EQ(UsedRequests(target), 2);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(SentTest, LateSettlementWithoutAnyReportStillCounts) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Pass(kTtl + kGrace);
  Settle(EndOf(permit, target, absl::Seconds(2)));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(SentTest, ASecondReportOfTheSameAttemptIsHarmless) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Send(permit);
  Send(permit, absl::ZeroDuration(), 100);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 1);
}

TEST_F(SentTest, AReportOfAnUnknownPermitIsHarmless) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  Configure();
  Send(PermitId(12345));
  Release(PermitId(12345));
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(Grantable(target), 5);
}

TEST_F(SentTest, AnAbsurdAgeIsNoOverflow) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  Send(Permitted(target), absl::InfiniteDuration());
  const PermitId permit = Permitted(target);
  Send(permit, absl::Seconds(-10));
  EXPECT_EQ(UsedRequests(target), 1);
  Pass(kMinute);
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(SentTest, ReleasedIsFreeAtOnce) {
  const TargetId target = AddLimited("t", {Rpm(1), Concurrency(1)});
  Configure();
  Release(Permitted(target));
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_EQ(broker->open_permits(), 1u);
}

TEST_F(SentTest, ReleaseOfASentAttemptGivesNothingBack) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Release(permit, 5);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(SentTest, ASecondReleaseGivesNothingBack) {
  const TargetId target = AddLimited("t", {Rpm(3)});
  Configure();
  const PermitId permit = Permitted(target);
  Permitted(target);
  Release(permit);
  Release(permit);
  EXPECT_EQ(UsedRequests(target), 1);
  Pass(kTtl + kGrace);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(Grantable(target), 3);
}

TEST_F(SentTest, ReleaseAfterExpiryGivesNothingBackTwice) {
  const TargetId target = AddLimited("t", {Rpm(3)});
  Configure();
  const PermitId permit = Permitted(target);
  Pass(kTtl + kGrace);
  Release(permit);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(Grantable(target), 3);
  EXPECT_EQ(broker->open_permits(), 3u);
}

TEST_F(SentTest, AnAttemptThatWasNotWrittenAfterAllGoesBackWhole) {
  const TargetId target = AddLimited("t", {Rpm(1), Tpm(1000), Concurrency(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Settlement end = EndOf(permit, target);
  end.charged = false;
  Settle(end);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(UsedTokens(target), 0);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(SentTest, AnAttemptReportedSentThatWasNotWrittenGoesBackWhole) {
  const TargetId target = AddLimited("t", {Rpm(1), Concurrency(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.charged = false;
  Settle(end);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_TRUE(Ask({target}).granted);
}

}  // namespace
}  // namespace chain429
