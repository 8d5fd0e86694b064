#include "tests/common/waterfall/walk_fixture.h"

namespace chain429 {
namespace {

class WalkWait : public WalkTest {
 protected:
  void ExpectWait(absl::Duration how_long) {
    const Walk::Step step = Next();
    ASSERT_EQ(step.action, Walk::Do::kWait);
    EXPECT_EQ(step.until - now, how_long);
  }
};

TEST_F(WalkWait, WaitsForTheFirstRecoveryThenLooksAtAllAgain) {
  Begin({Gate::kFree, Gate::kFree, Gate::kUnfit}, Patient(absl::Seconds(10)));
  Close(0, Closure::kRateLimited, absl::Seconds(8));
  Close(1, Closure::kRateLimited, absl::Seconds(3));
  ExpectWait(absl::Seconds(3));
  now = now + absl::Seconds(3);
  Set(1, Gate::kFree);
  ExpectAttempt(1);
  EXPECT_EQ(Trail(), "0:skipped_cooldown") << "what was only passed over is judged anew";
}

TEST_F(WalkWait, WhatWasCalledStaysOnRecord) {
  Begin({Gate::kFree, Gate::kExhausted}, Patient(absl::Seconds(10)));
  Call(0, RateLimited(absl::Seconds(2)));
  Set(1, Gate::kUnfit);
  ExpectWait(absl::Seconds(2));
  EXPECT_EQ(Trail(), "0:rate_limited");
  now = now + absl::Seconds(2);
  Call(0, Failed(Outcome::kOk, ErrorClass::kOk, 200));
  EXPECT_EQ(Trail(), "0:rate_limited 0:ok");
}

TEST_F(WalkWait, DoesNotWaitWhenNothingRecoversInTime) {
  Begin({Gate::kFree}, Patient(absl::Seconds(10)));
  Close(0, Closure::kRateLimited, absl::Seconds(10) + absl::Nanoseconds(1));
  ExpectExhausted(429);
}

TEST_F(WalkWait, DoesNotWaitUnlessTold) {
  Begin({Gate::kFree});
  Close(0, Closure::kRateLimited, absl::Milliseconds(1));
  ExpectExhausted(429);
}

TEST_F(WalkWait, DoesNotWaitForWhatIsNoLimit) {
  Begin({Gate::kFree, Gate::kUnfit}, Patient(absl::Seconds(10)));
  Close(0, Closure::kAuth, absl::Seconds(1));
  ExpectExhausted(502);
}

TEST_F(WalkWait, DoesNotWaitPastTheRequestsDeadline) {
  Walk::Options options = Patient(absl::Seconds(10));
  options.deadline = now + absl::Seconds(2);
  Begin({Gate::kFree}, options);
  Close(0, Closure::kRateLimited, absl::Seconds(3));
  ExpectExhausted(429);
}

TEST_F(WalkWait, DoesNotWaitWithoutAnAttemptLeft) {
  Begin({Gate::kFree, Gate::kFree}, AtMost(1, absl::Seconds(10)));
  Call(0, RateLimited(absl::Seconds(1)));
  ExpectExhausted(429);
}

TEST_F(WalkWait, WhatASecondPassHasNoAttemptLeftForStillWaitsForItsLimit) {
  Begin({Gate::kFree, Gate::kFree}, AtMost(2, absl::Seconds(10)));
  Close(1, Closure::kRateLimited, absl::Seconds(5));
  Call(0, RateLimited(absl::Seconds(2)));
  ExpectWait(absl::Seconds(2));
  now = now + absl::Seconds(2);
  Call(0, Overloaded());
  const Walk::Step step = Next();
  ASSERT_EQ(step.action, Walk::Do::kExhaust);
  EXPECT_EQ(step.status, 429);
  EXPECT_EQ(step.retry_after, absl::Seconds(3));
  EXPECT_EQ(Trail(), "0:rate_limited 0:overloaded 1:skipped_cooldown");
}

TEST_F(WalkWait, WhatFailedForGoodInTheSecondPassWaitsForNothing) {
  Begin({Gate::kFree}, AtMost(2, absl::Seconds(10)));
  Call(0, RateLimited(absl::Seconds(2)));
  ExpectWait(absl::Seconds(2));
  now = now + absl::Seconds(2);
  Call(0, Overloaded());
  ExpectExhausted(502);
}

TEST_F(WalkWait, TheWholeWaitIsBoundedNotEachPart) {
  Begin({Gate::kFree}, Patient(absl::Seconds(10)));
  Close(0, Closure::kRateLimited, absl::Seconds(6));
  ExpectWait(absl::Seconds(6));
  now = now + absl::Seconds(6);
  Close(0, Closure::kRateLimited, absl::Seconds(4));
  ExpectWait(absl::Seconds(4));
  now = now + absl::Seconds(4);
  Close(0, Closure::kRateLimited, absl::Seconds(1));
  ExpectExhausted(429);
}

TEST_F(WalkWait, AfterAWaitTheControlPlaneIsAskedAgain) {
  Begin({Gate::kAsk}, Patient(absl::Seconds(10)));
  SetAlone(0, Gate::kExhausted);
  EXPECT_FALSE(Answer(nullptr, ExpectAsk({0})));
  ExpectWait(absl::Seconds(1));
  now = now + absl::Seconds(1);
  ExpectAsk({0});
}

TEST_F(WalkWait, ALimitThatHasResetAlreadyIsTriedWithoutWaiting) {
  Begin({Gate::kFree, Gate::kFree}, Patient(absl::Seconds(10)));
  Call(0, RateLimited(absl::Seconds(1)));
  now = now + absl::Seconds(2);
  Call(1, Overloaded());
  ExpectWait(absl::ZeroDuration());
  ExpectAttempt(0);
}

}  // namespace
}  // namespace chain429
