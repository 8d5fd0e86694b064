#include "tests/common/waterfall/walk_fixture.h"

namespace chain429 {
namespace {

class WalkOrder : public WalkTest {};

TEST_F(WalkOrder, CallsTheFirstTargetThatIsFree) {
  Begin({Gate::kFree, Gate::kFree});
  ExpectAttempt(0);
}

TEST_F(WalkOrder, NamesTheRightThatTheAttemptTakes) {
  for (const Gate gate : {Gate::kFree, Gate::kSpare, Gate::kShare}) {
    Begin({gate});
    const Walk::Step step = Next();
    EXPECT_EQ(step.action, Walk::Do::kAttempt);
    EXPECT_EQ(step.gate, gate);
  }
}

TEST_F(WalkOrder, GoesOnInTheChainsOrderUntilOneAnswers) {
  Begin({Gate::kFree, Gate::kSpare, Gate::kShare});
  Call(0, Overloaded());
  Call(1, TimedOut());
  Call(2, Failed(Outcome::kOk, ErrorClass::kOk, 200));
  EXPECT_EQ(Trail(), "0:overloaded 1:timeout 2:ok");
  EXPECT_EQ(walk().attempts(), 3);
}

TEST_F(WalkOrder, SkippedTargetsSayWhyAndUntilWhen) {
  Begin({Gate::kFree, Gate::kExhausted, Gate::kUnfit, Gate::kFree});
  Close(0, Closure::kRateLimited, absl::Seconds(7));
  ExpectAttempt(3);
  EXPECT_EQ(Trail(), "0:skipped_cooldown 1:skipped_quota 2:skipped_unfit");
  const Hops& hops = walk().hops();
  EXPECT_EQ(hops[0].opens, now + absl::Seconds(7));
  EXPECT_EQ(hops[1].opens, MonoTime());
  for (const Hop& hop : hops) {
    EXPECT_FALSE(hop.called);
    EXPECT_EQ(hop.status, 0);
  }
  EXPECT_EQ(walk().attempts(), 0);
}

TEST_F(WalkOrder, OnlyLimitsAreWaitedFor) {
  Begin({Gate::kFree, Gate::kFree, Gate::kFree, Gate::kFree, Gate::kFree, Gate::kExhausted, Gate::kUnfit});
  Close(0, Closure::kRateLimited, absl::Seconds(1));
  Close(1, Closure::kQuotaExhausted, absl::Seconds(1));
  Close(2, Closure::kAuth, absl::Seconds(1));
  Close(3, Closure::kModelUnavailable, absl::Seconds(1));
  Close(4, Closure::kOverloaded, absl::Seconds(1));
  Next();
  std::vector<bool> waits;
  for (const Hop& hop : walk().hops()) waits.push_back(hop.waits);
  EXPECT_EQ(waits, (std::vector<bool>{true, true, false, false, false, true, false}));
}

TEST_F(WalkOrder, AHopKeepsWhatIsKnownOfItsAttempt) {
  Begin({Gate::kFree});
  AttemptEnd end = RateLimited(absl::Seconds(42));
  end.latency = absl::Milliseconds(12);
  end.message = "slow down";
  Call(0, end);
  const Hop& hop = walk().hops()[0];
  EXPECT_TRUE(hop.called);
  EXPECT_TRUE(hop.waits);
  EXPECT_EQ(hop.status, 429);
  EXPECT_EQ(hop.latency, absl::Milliseconds(12));
  EXPECT_EQ(hop.opens, now + absl::Seconds(42));
  EXPECT_EQ(hop.message, "slow down");
}

TEST_F(WalkOrder, StopsCallingAtMaxAttempts) {
  Begin({Gate::kFree, Gate::kFree, Gate::kFree}, AtMost(2));
  Call(0, Overloaded());
  Call(1, Overloaded());
  ExpectExhausted(502);
  EXPECT_EQ(Trail(), "0:overloaded 1:overloaded");
}

TEST_F(WalkOrder, SkippedTargetsAreNoAttempts) {
  Begin({Gate::kUnfit, Gate::kUnfit, Gate::kFree, Gate::kFree}, AtMost(1));
  Call(2, Overloaded());
  ExpectExhausted(502);
  EXPECT_EQ(walk().attempts(), 1);
}

TEST_F(WalkOrder, AfterARefusedCredentialTheTargetIsTriedWithAnother) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Failed(Outcome::kAuth, ErrorClass::kAuth, 401));
  Call(0, Failed(Outcome::kOk, ErrorClass::kOk, 200));
  EXPECT_EQ(Trail(), "0:auth 0:ok");
}

TEST_F(WalkOrder, ATargetWhoseLastCredentialWasRefusedIsOneHop) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Failed(Outcome::kAuth, ErrorClass::kAuth, 401));
  Close(0, Closure::kAuth, absl::Minutes(10));
  ExpectAttempt(1);
  EXPECT_EQ(Trail(), "0:auth");
}

TEST_F(WalkOrder, ARefusedCredentialDoesNotHideThatTheOtherWaits) {
  Begin({Gate::kFree});
  Call(0, Failed(Outcome::kAuth, ErrorClass::kAuth, 401));
  Close(0, Closure::kRateLimited, absl::Seconds(9));
  const Walk::Step step = Next();
  EXPECT_EQ(step.status, 429);
  EXPECT_EQ(step.retry_after, absl::Seconds(9));
  EXPECT_EQ(Trail(), "0:auth 0:skipped_cooldown");
}

TEST_F(WalkOrder, RefusedCredentialsCannotCallForEver) {
  Begin({Gate::kFree}, AtMost(3));
  for (int i = 0; i < 3; ++i) Call(0, Failed(Outcome::kAuth, ErrorClass::kAuth, 401));
  ExpectExhausted(502);
}

TEST_F(WalkOrder, AGateIsJudgedWhenTheWalkComesToIt) {
  Begin({Gate::kFree, Gate::kFree});
  Call(0, Overloaded());
  Close(1, Closure::kQuotaExhausted, absl::Hours(1));
  ExpectExhausted(429);
  EXPECT_EQ(Trail(), "0:overloaded 1:skipped_cooldown");
}

}  // namespace
}  // namespace chain429
