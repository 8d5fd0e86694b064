// What providers' answers close, for how long, and who is told.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class ClosureTest : public BrokerTest {
 protected:
  TargetId Ready() {
    const TargetId target = AddLimited("t", {Rpm(100)});
    Configure();
    broker->TakeUrgent(now);
    return target;
  }
  absl::Duration ClosedFor(TargetId target) { return PoolViewOf(QuotaOf(target)).closed_for; }
};

TEST_F(ClosureTest, ARefusalClosesThePoolForTheWholeFleetForTheProvidersTime) {
  const TargetId target = Ready();
  const HolderId a = Attach("a");
  const HolderId b = Attach("b");
  const PermitId permit = Permitted(target, a);
  Send(permit);
  Settle(RefusalOf(permit, target, absl::Seconds(42)));

  const std::vector<PoolState> urgent = broker->TakeUrgent(now);
  const PoolState state = StateIn(urgent, QuotaOf(target));
  EXPECT_EQ(urgent.size(), 1u);
  EXPECT_EQ(state.closure, Closure::kRateLimited);
  EXPECT_EQ(state.closed_for, absl::Seconds(42));
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
  for (const HolderId holder : {a, b}) {
    const AcquireAnswer denied = AskAs(holder, {target});
    ASSERT_FALSE(denied.granted);
    EXPECT_TRUE(denied.denials[0].cooldown);
    EXPECT_EQ(denied.denials[0].retry_after, absl::Seconds(42));
  }
  Pass(absl::Seconds(42) - absl::Milliseconds(1));
  EXPECT_FALSE(AskAs(b, {target}).granted);
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(AskAs(b, {target}).granted);
}

TEST_F(ClosureTest, APoolClosedWithoutALimitIsClosedForThoseWhoAskNonetheless) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(9)));
  const AcquireAnswer denied = Ask({target});
  EXPECT_FALSE(denied.granted);
  EXPECT_EQ(denied.denials[0].closure, Closure::kRateLimited);
}

TEST_F(ClosureTest, AShorterWaitNeverShortensALongerOne) {
  const TargetId target = Ready();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(60)));
  Pass(absl::Seconds(10));
  broker->TakeUrgent(now);
  Settle(RefusalOf(PermitId(), target, absl::Seconds(2)));
  EXPECT_EQ(ClosedFor(target), absl::Seconds(50));
  // It is no news either.
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
  Settle(RefusalOf(PermitId(), target));
  EXPECT_EQ(ClosedFor(target), absl::Seconds(50));
}

TEST_F(ClosureTest, ALongerWaitExtendsAndIsTold) {
  const TargetId target = Ready();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(5)));
  broker->TakeUrgent(now);
  Settle(RefusalOf(PermitId(), target, absl::Seconds(60)));
  EXPECT_EQ(ClosedFor(target), absl::Seconds(60));
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closed_for, absl::Seconds(60));
}

TEST_F(ClosureTest, ADayRefusalIsNotAMinuteRefusal) {
  const TargetId target = Ready();
  Settlement end = RefusalOf(PermitId(), target, absl::Hours(5));
  end.error_class = ErrorClass::kQuotaExhausted;
  Settle(end);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closure, Closure::kQuotaExhausted);
  Pass(absl::Minutes(10));
  EXPECT_FALSE(Ask({target}).granted);
  EXPECT_EQ(ClosedFor(target), absl::Hours(5) - absl::Minutes(10));
}

TEST_F(ClosureTest, RefusalsOfRequestsThatWereUnderWayAreOneTrouble) {
  const TargetId target = Ready();
  std::vector<PermitId> permits;
  for (int i = 0; i < 6; ++i) permits.push_back(Permitted(target));
  for (const PermitId permit : permits) Send(permit);
  Advance(absl::Milliseconds(100));
  for (const PermitId permit : permits) {
    Settlement end = RefusalOf(permit, target);
    end.sent_age = absl::Milliseconds(100);
    Settle(end);
  }
  // Each as a step of its own would have closed the pool for a minute.
  EXPECT_LE(ClosedFor(target), absl::Seconds(1.2));
  EXPECT_EQ(broker->counters().refused, 6u);
  EXPECT_EQ(broker->counters().closures, 1u);
}

TEST_F(ClosureTest, OnlyTheNamedPoolCloses) {
  const PoolId account = AddPool("account", {Rpm(10)});
  const PoolId model = AddPool("account|m");
  const PoolId other_model = AddPool("account|n");
  const TargetId target = AddTarget("m", {account, model});
  const TargetId other = AddTarget("n", {account, other_model});
  Configure();
  Settlement end = EndOf(PermitId(), target);
  end.error_class = ErrorClass::kModelUnavailable;
  end.closes = model;
  Settle(end);
  const AcquireAnswer denied = Ask({target});
  ASSERT_FALSE(denied.granted);
  EXPECT_EQ(denied.denials[0].pool, model);
  EXPECT_EQ(denied.denials[0].closure, Closure::kModelUnavailable);
  EXPECT_TRUE(Ask({other}).granted);
}

TEST_F(ClosureTest, ARefusedCredentialIsToldAndStaysClosedUntilItsRetest) {
  const TargetId target = Ready();
  const PoolId credential(StableId("p#main"));
  Settlement end = EndOf(PermitId(), target);
  end.error_class = ErrorClass::kAuth;
  end.closes = credential;
  Settle(end);
  const PoolState state = StateIn(broker->TakeUrgent(now), credential);
  EXPECT_EQ(state.closure, Closure::kAuth);
  EXPECT_GE(state.closed_for, absl::Minutes(5));
  // A pool that only closes asks for no permits.
  EXPECT_FALSE(StateIn(broker->AllStates(now), credential).limited && state.closed_for <= absl::ZeroDuration());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(ClosureTest, OverloadClosesOnlyWhenTheProviderSaysForHowLong) {
  const TargetId target = Ready();
  Settlement end = EndOf(PermitId(), target);
  end.error_class = ErrorClass::kOverloaded;
  end.closes = QuotaOf(target);
  Settle(end);
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_TRUE(broker->TakeUrgent(now).empty());

  end.retry_after = absl::Seconds(4);
  end.authoritative = true;
  Settle(end);
  EXPECT_FALSE(Ask({target}).granted);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closure, Closure::kOverloaded);
}

TEST_F(ClosureTest, FailuresOfTheRequestItselfCloseNothing) {
  const TargetId target = Ready();
  for (const ErrorClass error :
       {ErrorClass::kOk, ErrorClass::kBadRequest, ErrorClass::kRefusedHere, ErrorClass::kContextTooLong}) {
    Settlement end = EndOf(PermitId(), target);
    end.error_class = error;
    end.closes = QuotaOf(target);
    end.retry_after = absl::Seconds(30);
    end.authoritative = true;
    Settle(end);
    EXPECT_TRUE(Ask({target}).granted) << static_cast<int>(error);
  }
}

TEST_F(ClosureTest, AFailureThatNamesNoPoolClosesNothing) {
  const TargetId target = Ready();
  Settlement end = RefusalOf(PermitId(), target, absl::Seconds(30));
  end.closes = PoolId();
  Settle(end);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(ClosureTest, OpensByHandAndTellsSoAtOnce) {
  const TargetId target = Ready();
  EXPECT_EQ(broker->ClearCooldown("nobody", now), Broker::ClearResult::kUnknown);
  EXPECT_EQ(broker->ClearCooldown("t", now), Broker::ClearResult::kWasOpen);
  Settle(RefusalOf(PermitId(), target, absl::Minutes(30)));
  broker->TakeUrgent(now);
  EXPECT_EQ(broker->ClearCooldown("t", now), Broker::ClearResult::kOpened);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).pool, QuotaOf(target));
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(ClosureTest, AnEndlessWaitIsNotBelieved) {
  const TargetId target = Ready();
  Settle(RefusalOf(PermitId(), target, absl::InfiniteDuration()));
  EXPECT_LE(ClosedFor(target), absl::Hours(24 * 31));
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(ClosureTest, PeopleSeeWhatIsClosedAndWhoSaidSo) {
  const TargetId told = AddLimited("told", {});
  const TargetId guessed = AddLimited("guessed", {});
  const TargetId open = AddLimited("open", {});
  Configure();
  Settle(RefusalOf(PermitId(), told, absl::Seconds(9)));
  Settle(RefusalOf(PermitId(), guessed));
  EXPECT_EQ(PoolViewOf(QuotaOf(told)).closure, Closure::kRateLimited);
  EXPECT_EQ(PoolViewOf(QuotaOf(told)).closed_for, absl::Seconds(9));
  EXPECT_TRUE(PoolViewOf(QuotaOf(told)).authoritative);
  EXPECT_EQ(PoolViewOf(QuotaOf(guessed)).closure, Closure::kRateLimited);
  EXPECT_FALSE(PoolViewOf(QuotaOf(guessed)).authoritative);
  EXPECT_EQ(PoolViewOf(QuotaOf(open)).closure, Closure::kNone);
  EXPECT_FALSE(PoolViewOf(QuotaOf(open)).authoritative);
}

}  // namespace
}  // namespace chain429
