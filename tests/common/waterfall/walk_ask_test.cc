#include "tests/common/waterfall/walk_fixture.h"

namespace chain429 {
namespace {

class WalkAsk : public WalkTest {};

TEST_F(WalkAsk, AsksForAllLimitedTargetsBeforeTheFirstFreeOneAtOnce) {
  Begin({Gate::kAsk, Gate::kAsk, Gate::kFree, Gate::kAsk});
  ExpectAsk({0, 1});
}

TEST_F(WalkAsk, ASpareOrAShareEndsTheBatchToo) {
  for (const Gate gate : {Gate::kSpare, Gate::kShare}) {
    Begin({Gate::kAsk, gate, Gate::kAsk});
    ExpectAsk({0});
  }
}

TEST_F(WalkAsk, ATargetThatIsFreeIsNotKeptWaitingByLaterOnes) {
  Begin({Gate::kFree, Gate::kAsk});
  ExpectAttempt(0);
}

TEST_F(WalkAsk, ClosedTargetsAreNotAskedFor) {
  Begin({Gate::kUnfit, Gate::kAsk, Gate::kExhausted, Gate::kAsk});
  ExpectAsk({1, 3});
}

TEST_F(WalkAsk, TheGrantedTargetIsCalledAndThoseBeforeItSayWhyNot) {
  Begin({Gate::kAsk, Gate::kAsk, Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0, 1, 2});
  const AcquireAnswer answer =
      Granted(2, {Denial(0, absl::Seconds(3)), Denial(1, absl::Seconds(8), Closure::kQuotaExhausted)});
  uint32_t granted = 0;
  ASSERT_TRUE(Answer(&answer, asked, &granted));
  EXPECT_EQ(granted, 2u);
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_cooldown");
  EXPECT_EQ(walk().hops()[0].opens, now + absl::Seconds(3));
  EXPECT_EQ(walk().hops()[1].opens, now + absl::Seconds(8));
  walk().OnAttempt(2, Overloaded());
  ExpectExhausted(429);
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_cooldown 2:overloaded");
}

TEST_F(WalkAsk, ADenialWithoutAReasonIsUsedUpQuota) {
  Begin({Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0});
  const AcquireAnswer answer = Denied({});
  EXPECT_FALSE(Answer(&answer, asked));
  EXPECT_EQ(Trail(), "0:skipped_quota");
  EXPECT_EQ(walk().hops()[0].opens, MonoTime());
  EXPECT_TRUE(walk().hops()[0].waits);
}

TEST_F(WalkAsk, ADeniedTargetThatIsNoLimitsFaultIsNotWaitedFor) {
  Begin({Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0});
  const AcquireAnswer answer = Denied({Denial(0, absl::Minutes(10), Closure::kAuth)});
  EXPECT_FALSE(Answer(&answer, asked));
  ExpectExhausted(502);
}

TEST_F(WalkAsk, AfterADenialTheWalkGoesOnBehindTheLastThatWasAskedFor) {
  Begin({Gate::kAsk, Gate::kAsk, Gate::kFree, Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0, 1});
  const AcquireAnswer answer = Denied({Denial(0, absl::Seconds(1)), Denial(1, absl::Seconds(1))});
  EXPECT_FALSE(Answer(&answer, asked));
  Call(2, Overloaded());
  ExpectAsk({3});
}

TEST_F(WalkAsk, ClosedTargetsBetweenThoseDeniedAreHopsInTheirPlace) {
  Begin({Gate::kAsk, Gate::kFree, Gate::kAsk, Gate::kFree});
  Close(1, Closure::kRateLimited, absl::Seconds(2));
  Close(3, Closure::kRateLimited, absl::Seconds(30));
  const Walk::Step asked = ExpectAsk({0, 2});
  const AcquireAnswer answer = Denied({Denial(0, absl::Seconds(20)), Denial(2, absl::Seconds(20))});
  EXPECT_FALSE(Answer(&answer, asked));
  const Walk::Step step = Next();
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_cooldown 2:skipped_quota 3:skipped_cooldown");
  EXPECT_EQ(step.retry_after, absl::Seconds(2)) << "the soonest of all, also of those in between";
}

TEST_F(WalkAsk, ClosedTargetsBeforeTheGrantedOneAreHopsToo) {
  Begin({Gate::kAsk, Gate::kUnfit, Gate::kAsk, Gate::kUnfit, Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0, 2, 4});
  const AcquireAnswer answer = Granted(2, {Denial(0, absl::Seconds(1))});
  ASSERT_TRUE(Answer(&answer, asked));
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_unfit");
  walk().OnAttempt(2, Overloaded());
  ExpectAsk({4});
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_unfit 2:overloaded 3:skipped_unfit");
}

TEST_F(WalkAsk, ALostAnswerMakesItGoOnAsIfTheControlPlaneWereAway) {
  Begin({Gate::kAsk, Gate::kUnfit, Gate::kAsk, Gate::kFree});
  SetAlone(0, Gate::kExhausted);
  SetAlone(2, Gate::kShare);
  const Walk::Step asked = ExpectAsk({0, 2});
  EXPECT_FALSE(Answer(nullptr, asked));
  const Walk::Step step = Next();
  ASSERT_EQ(step.action, Walk::Do::kAttempt);
  EXPECT_EQ(step.candidate, 2u);
  EXPECT_EQ(step.gate, Gate::kShare);
  EXPECT_EQ(Trail(), "0:skipped_quota 1:skipped_unfit");
}

TEST_F(WalkAsk, OnlyThoseThatWereAskedForGoAlone) {
  Begin({Gate::kAsk, Gate::kFree, Gate::kAsk});
  SetAlone(0, Gate::kExhausted);
  SetAlone(2, Gate::kExhausted);
  EXPECT_FALSE(Answer(nullptr, ExpectAsk({0})));
  Call(1, Overloaded());
  ExpectAsk({2});
}

TEST_F(WalkAsk, AGrantForWhatWasNotAskedForCallsNothing) {
  Begin({Gate::kAsk, Gate::kFree});
  const Walk::Step asked = ExpectAsk({0});
  const AcquireAnswer answer = Granted(7);
  EXPECT_FALSE(Answer(&answer, asked));
  ExpectAttempt(1);
}

TEST_F(WalkAsk, ATargetNamedTwiceIsCalledAtItsFirstPlace) {
  Begin({Gate::kAsk, Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0, 1});
  const AcquireAnswer answer = Granted(0);
  uint32_t granted = 9;
  const auto same = [](uint32_t) { return TargetId(100); };
  ASSERT_TRUE(walk().OnAnswer(&answer, asked, same, now, granted));
  EXPECT_EQ(granted, 0u);
}

DenialReason TooLarge(TargetId target, Unit unit, int64_t limit) {
  DenialReason reason;
  reason.target = target;
  reason.retry_after = absl::InfiniteDuration();
  reason.never = true;
  reason.unit = unit;
  reason.limit = limit;
  return reason;
}

TEST_F(WalkAsk, WhatNeverFitsIsNotWaitedFor) {
  Begin({Gate::kAsk, Gate::kAsk}, Patient(absl::Hours(5)));
  const Walk::Step asked = ExpectAsk({0, 1});
  const AcquireAnswer answer = Denied({TooLarge(IdOf(0), Unit::kTokens, 8000), TooLarge(IdOf(1), Unit::kCredits, 0)});
  EXPECT_FALSE(Answer(&answer, asked));
  EXPECT_EQ(Trail(), "0:skipped_unfit 1:skipped_unfit");
  EXPECT_FALSE(walk().hops()[0].waits);
  EXPECT_EQ(walk().hops()[0].opens, MonoTime::Max());
  EXPECT_EQ(walk().hops()[0].message, "the request needs more than its limit of 8000 tokens allows");
  EXPECT_EQ(walk().hops()[1].message, "what its model costs in credits is not known");
  const Walk::Step end = Next();
  EXPECT_EQ(end.action, Walk::Do::kExhaust);
  EXPECT_EQ(end.status, 502);
  EXPECT_EQ(end.retry_after, absl::ZeroDuration());
  EXPECT_TRUE(end.hopeless);
}

TEST_F(WalkAsk, ATargetThatOnlyWaitsIsWaitedForBesideOneThatNeverFits) {
  Begin({Gate::kAsk, Gate::kAsk});
  const Walk::Step asked = ExpectAsk({0, 1});
  const AcquireAnswer answer = Denied({TooLarge(IdOf(0), Unit::kInputTokens, 10), Denial(1, absl::Seconds(30))});
  EXPECT_FALSE(Answer(&answer, asked));
  EXPECT_EQ(walk().hops()[0].message, "the request needs more than its limit of 10 input tokens allows");
  const Walk::Step end = Next();
  EXPECT_EQ(end.status, 429);
  EXPECT_EQ(end.retry_after, absl::Seconds(30));
  EXPECT_FALSE(end.hopeless);
}

}  // namespace
}  // namespace chain429
