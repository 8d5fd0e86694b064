#include "tests/common/waterfall/walk_fixture.h"

namespace chain429 {
namespace {

class WalkEnd : public WalkTest {};

TEST_F(WalkEnd, TooManyRequestsIfAnyTargetOnlyWaitsForALimit) {
  Begin({Gate::kFree, Gate::kFree, Gate::kFree});
  Call(0, Overloaded());
  Call(1, RateLimited(absl::Seconds(42)));
  Call(2, TimedOut());
  const Walk::Step step = Next();
  EXPECT_EQ(step.action, Walk::Do::kExhaust);
  EXPECT_EQ(step.status, 429);
  EXPECT_EQ(step.retry_after, absl::Seconds(42));
}

TEST_F(WalkEnd, RetryAfterIsTheSoonestRecovery) {
  Begin({Gate::kFree, Gate::kFree, Gate::kFree, Gate::kAsk});
  Close(0, Closure::kQuotaExhausted, absl::Hours(5));
  Close(1, Closure::kAuth, absl::Seconds(1));  // no limit: does not count
  Call(2, RateLimited(absl::Seconds(30)));
  const Walk::Step asked = ExpectAsk({3});
  const AcquireAnswer answer = Denied({Denial(3, absl::Milliseconds(12'300))});
  EXPECT_FALSE(Answer(&answer, asked));
  EXPECT_EQ(Next().retry_after, absl::Milliseconds(12'300));
}

TEST_F(WalkEnd, RetryAfterCountsFromTheEndOfTheWalk) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, RateLimited(absl::Seconds(30)));
  now = now + absl::Seconds(10);
  Call(1, Overloaded());
  EXPECT_EQ(Next().retry_after, absl::Seconds(20));
}

TEST_F(WalkEnd, ALimitThatHasResetMeanwhileIsWaitedForNoLonger) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, RateLimited(absl::Seconds(3)));
  now = now + absl::Seconds(10);
  Call(1, Overloaded());
  const Walk::Step step = Next();
  EXPECT_EQ(step.status, 429);
  EXPECT_EQ(step.retry_after, absl::ZeroDuration());
}

TEST_F(WalkEnd, AnUnknownRecoveryIsWorthATryAfterASecond) {
  Begin({Gate::kExhausted});
  const Walk::Step step = Next();
  EXPECT_EQ(step.status, 429);
  EXPECT_EQ(step.retry_after, absl::Seconds(1));
}

TEST_F(WalkEnd, GatewayTimeoutIfAllTimedOut) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, TimedOut());
  Call(1, TimedOut());
  ExpectExhausted(504);
}

TEST_F(WalkEnd, BadGatewayIfOneFailedOtherwise) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, TimedOut());
  Call(1, Failed(Outcome::kConnect, ErrorClass::kOverloaded));
  ExpectExhausted(502);
}

TEST_F(WalkEnd, BadGatewayIfNothingCanTakeTheRequest) {
  Begin({Gate::kUnfit, Gate::kUnfit});
  ExpectExhausted(502);
}

TEST_F(WalkEnd, TheRequestsDeadlineIsAGatewayTimeoutWhateverWaits) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, RateLimited(absl::Seconds(5)));
  now = now + kTotal;
  const Walk::Step step = Next();
  EXPECT_EQ(step.action, Walk::Do::kExhaust);
  EXPECT_EQ(step.status, 504);
  EXPECT_EQ(Trail(), "0:rate_limited") << "nothing is looked at any more";
}

TEST_F(WalkEnd, JustBeforeTheDeadlineATargetIsStillCalled) {
  Begin({Gate::kFree});
  now = now + kTotal - absl::Nanoseconds(1);
  ExpectAttempt(0);
}

TEST_F(WalkEnd, AClientsMistakeIsHandedBackAtOnce) {
  Begin({Gate::kFree, Gate::kFree, Gate::kFree});
  Call(0, RateLimited(absl::Seconds(5)));
  Call(1, Kept(ErrorClass::kBadRequest, 400));
  ExpectHandBack(1);
  EXPECT_EQ(Trail(), "0:rate_limited 1:error");
}

TEST_F(WalkEnd, AClientsMistakeIsHandedBackAlsoAtTheDeadline) {
  Begin({Gate::kFree});
  Call(0, Kept(ErrorClass::kBadRequest, 400));
  now = now + kTotal;
  ExpectHandBack(0);
}

TEST_F(WalkEnd, TooLongAContextGoesOnToTargetsThatTakeMore) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Kept(ErrorClass::kContextTooLong, 413));
  Call(1, Failed(Outcome::kOk, ErrorClass::kOk, 200));
  EXPECT_EQ(Trail(), "0:error 1:ok");
}

TEST_F(WalkEnd, WhatNobodyTakesIsHandedBackWithTheFirstRefusal) {
  for (const ErrorClass first : {ErrorClass::kContextTooLong, ErrorClass::kRefusedHere}) {
    for (const ErrorClass second : {ErrorClass::kContextTooLong, ErrorClass::kRefusedHere}) {
      Begin({Gate::kFree, Gate::kFree, Gate::kFree});
      Call(0, Overloaded());
      Call(1, Kept(first, 413));
      Call(2, Kept(second, 400));
      ExpectHandBack(1);
    }
  }
}

TEST_F(WalkEnd, TheClientsMistakeOutweighsAnEarlierRefusal) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Kept(ErrorClass::kContextTooLong, 413));
  Call(1, Kept(ErrorClass::kBadRequest, 422));
  ExpectHandBack(1);
}

TEST_F(WalkEnd, ARefusalIsNotHandedBackWhileALargerTargetWaits) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Kept(ErrorClass::kContextTooLong, 413));
  Call(1, RateLimited(absl::Seconds(3)));
  ExpectExhausted(429);
}

TEST_F(WalkEnd, ARefusalIsNotHandedBackAfterTheDeadline) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Kept(ErrorClass::kContextTooLong, 413));
  now = now + kTotal;
  ExpectExhausted(504);
}

// An error inside an answer of 200 has the same classes, but is no answer to hand on.
TEST_F(WalkEnd, OnlyWhatWasKeptIsHandedBack) {
  for (const ErrorClass error : {ErrorClass::kContextTooLong, ErrorClass::kRefusedHere, ErrorClass::kBadRequest}) {
    Begin({Gate::kFree, Gate::kFree});
    Call(0, Failed(Outcome::kError, error, 200));
    Call(1, Overloaded());
    ExpectExhausted(502);
  }
}

TEST_F(WalkEnd, AFailureThatIsNoRefusalIsNeverHandedBack) {
  Begin({Gate::kFree});
  Call(0, Overloaded(500));
  ExpectExhausted(502);
}

TEST_F(WalkEnd, SaysWhenNothingRecoversWithinAMinute) {
  Begin({Gate::kFree, Gate::kFree});
  Close(0, Closure::kAuth, absl::Minutes(10));
  Call(1, RateLimited(absl::Seconds(61)));
  EXPECT_TRUE(Next().hopeless);

  Begin({Gate::kUnfit, Gate::kFree});
  Close(1, Closure::kQuotaExhausted, absl::Hours(9));
  EXPECT_TRUE(Next().hopeless) << "what does not fit will not fit in a minute";

  Begin({Gate::kFree, Gate::kFree});
  Close(0, Closure::kQuotaExhausted, absl::Hours(9));
  Call(1, RateLimited(absl::Seconds(60)));
  EXPECT_FALSE(Next().hopeless);

  Begin({Gate::kFree, Gate::kFree});
  Close(0, Closure::kQuotaExhausted, absl::Hours(9));
  Call(1, Overloaded());  // nobody knows when, so it may be soon
  EXPECT_FALSE(Next().hopeless);
}

}  // namespace
}  // namespace chain429
