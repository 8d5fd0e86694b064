// What proxies are told of pools unasked, and what is not worth a message.
#include "common/model/limit_state.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class PushTest : public BrokerTest {
 protected:
  TargetId Ready(std::vector<Limit> limits) {
    const TargetId target = AddLimited("t", std::move(limits));
    Configure();
    Attach("a");
    broker->TakeUrgent(now);
    broker->TakeRoutine(now);
    return target;
  }
  PoolState Routine(TargetId target) { return StateIn(broker->TakeRoutine(now), QuotaOf(target)); }
};

TEST_F(PushTest, ANewPoolsNumbersAreTold) {
  const TargetId target = AddLimited("t", {Rpm(40), Tpm(10'000)});
  Configure();
  Attach("a");
  ASSERT_TRUE(broker->has_routine());
  const PoolState state = Routine(target);
  EXPECT_TRUE(state.limited);
  EXPECT_EQ(state.closure, Closure::kNone);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kRequests), 40);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kTokens), 10'000);
  ASSERT_EQ(state.shares.size(), 2u);
  EXPECT_EQ(state.shares[0], (SafeShare{40, 40, absl::Minutes(1)}));
  EXPECT_EQ(state.shares[1], (SafeShare{10, 10, absl::Minutes(1)}));
  EXPECT_FALSE(state.shares_kept);
  EXPECT_FALSE(broker->has_routine());
}

TEST_F(PushTest, NothingIsToldTwice) {
  const TargetId target = Ready({Rpm(40)});
  EXPECT_FALSE(broker->has_routine());
  EXPECT_FALSE(Routine(target).pool);
}

TEST_F(PushTest, ASmallChangeIsNotToldALargeOneIs) {
  const TargetId target = Ready({Rpm(100)});
  for (int i = 0; i < 5; ++i) Use(target);
  ASSERT_TRUE(broker->has_routine());
  EXPECT_FALSE(Routine(target).pool);
  // Small changes add up.
  Use(target);
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kRequests), 94);
}

TEST_F(PushTest, TheLastOneAndTheFirstAgainAreTold) {
  const TargetId target = Ready({Rpm(1)});
  const PermitId permit = Permitted(target);
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kRequests), 0);
  Release(permit);
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kRequests), 1);
}

TEST_F(PushTest, AnotherProxyChangesEverybodysShare) {
  const TargetId target = Ready({Rpm(40)});
  Attach("b");
  const PoolState state = Routine(target);
  EXPECT_EQ(state.shares[0], (SafeShare{20, 10, absl::Minutes(1)}));
}

TEST_F(PushTest, NumbersOfTinyPoolsShouldNotWait) {
  const TargetId tiny = Ready({Rpm(40)});
  const TargetId wide = AddLimited("wide", {Rpm(40'000)});
  Configure();
  broker->TakeRoutine(now);
  EXPECT_FALSE(broker->has_prompt());
  Use(wide);
  EXPECT_TRUE(broker->has_routine());
  EXPECT_FALSE(broker->has_prompt());
  Use(tiny);
  EXPECT_TRUE(broker->has_prompt());
  broker->TakeRoutine(now);
  EXPECT_FALSE(broker->has_prompt());
}

TEST_F(PushTest, PoolsWithoutLimitsHaveNothingToTell) {
  const TargetId target = Ready({});
  Settle(EndOf(PermitId(), target));
  EXPECT_FALSE(broker->has_routine());
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
  EXPECT_TRUE(broker->AllStates(now).empty());
}

TEST_F(PushTest, ALimitThatGoesIsTold) {
  const TargetId target = Ready({Rpm(40)});
  PoolOf(QuotaOf(target)).limits.clear();
  Configure();
  const PoolState state = Routine(target);
  EXPECT_EQ(state.pool, QuotaOf(target));
  EXPECT_FALSE(state.limited);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kRequests), -1);
}

TEST_F(PushTest, AClosureIsUrgentAndItsPassingIsTold) {
  const TargetId target = Ready({Rpm(40)});
  Settle(RefusalOf(PermitId(), target, absl::Seconds(5)));
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closure, Closure::kRateLimited);
  EXPECT_FALSE(Routine(target).pool);
  Pass(absl::Seconds(5));
  Use(target);
  EXPECT_EQ(Routine(target).closure, Closure::kNone);
}

TEST_F(PushTest, AGuessedClosureMakesAFreePoolLimitedUntilItsCanaryIsBack) {
  const TargetId target = Ready({});
  Settle(RefusalOf(PermitId(), target));
  const PoolState closed = StateIn(broker->TakeUrgent(now), QuotaOf(target));
  EXPECT_TRUE(closed.limited);
  EXPECT_GT(closed.closed_for, absl::ZeroDuration());
  Pass(closed.closed_for);
  const PoolState probing = StateIn(broker->AllStates(now), QuotaOf(target));
  EXPECT_TRUE(probing.limited);
  EXPECT_EQ(probing.closure, Closure::kNone);
}

TEST_F(PushTest, TellsANewcomerOfAllThatIsLimitedOrClosed) {
  const TargetId limited = AddLimited("limited", {Rpm(10)});
  const TargetId closed = AddLimited("closed", {});
  const TargetId free = AddLimited("free", {});
  Configure();
  Settle(RefusalOf(PermitId(), closed, absl::Seconds(30)));
  const std::vector<PoolState> states = broker->AllStates(now);
  EXPECT_EQ(states.size(), 2u);
  EXPECT_TRUE(StateIn(states, QuotaOf(limited)).limited);
  EXPECT_EQ(StateIn(states, QuotaOf(closed)).closure, Closure::kRateLimited);
  EXPECT_FALSE(StateIn(states, QuotaOf(free)).pool);
}

TEST_F(PushTest, PeopleSeePoolsByTheirNames) {
  AddLimited("groq/b", {Rpm(10)});
  AddLimited("groq/a", {});
  AddLimited("other", {});
  Configure();
  const std::vector<PoolView> views = broker->View("groq/", now);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].key, "groq/a");
  EXPECT_EQ(views[1].key, "groq/b");
  EXPECT_EQ(broker->View("", now).size(), 3u);
}

TEST_F(PushTest, WhoeverAskedIsToldAtOnceWhatIsLeft) {
  const TargetId target = Ready({Rpm(100), Concurrency(9)});
  const std::vector<PoolState> states = broker->NumbersFor(Ask({target}), now);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].pool, QuotaOf(target));
  EXPECT_EQ(SmallestRemaining(states[0].limits, Unit::kRequests), 99);
  EXPECT_EQ(SmallestRemaining(states[0].limits, Unit::kConcurrency), 8);
  EXPECT_TRUE(states[0].numbers_only) << "only what everybody is told is kept for a proxy that is cut off";
  // What comes later is told later, on whichever stream.
  EXPECT_GT(broker->NumbersFor(Ask({target}), now).at(0).serial, states[0].serial);
}

TEST_F(PushTest, WhoeverIsDeniedIsToldWhatIsLeft) {
  const TargetId target = Ready({Rpm(1)});
  Use(target);
  const AcquireAnswer denied = Ask({target});
  ASSERT_FALSE(denied.granted);
  const std::vector<PoolState> states = broker->NumbersFor(denied, now);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(SmallestRemaining(states[0].limits, Unit::kRequests), 0);
  EXPECT_EQ(states[0].limits[0].recoveries.at(0).in, denied.denials.at(0).retry_after);
}

TEST_F(PushTest, OfAPoolWithoutLimitsThereAreNoNumbers) {
  const TargetId target = Ready({});
  EXPECT_TRUE(broker->NumbersFor(Ask({target}), now).empty());
}

TEST_F(PushTest, EveryLimitsNumberIsNoticedNotOnlyTheTightest) {
  const TargetId target = Ready({Rpm(40), Rpd(50)});
  for (int i = 0; i < 30; ++i) Use(target);
  Routine(target);
  Pass(absl::Minutes(2));
  Use(target);  // of the minute's 40 there are 39 again, of the day's 50 only 19
  const PoolState state = Routine(target);
  ASSERT_EQ(state.limits.size(), 2u);
  EXPECT_EQ(state.limits[0].remaining, 39);
  EXPECT_EQ(state.limits[1].remaining, 19);
}

TEST_F(PushTest, WhereEveryRequestAsksOnlySmallNumbersComeWithTheAnswer) {
  for (const auto& [limits, told] :
       std::vector<std::pair<std::vector<Limit>, size_t>>{{{Concurrency(4)}, 0},
                                                          {{Rpm(100'000), Concurrency(4)}, 0},
                                                          {{Rpm(100), Concurrency(4)}, 1},
                                                          {{Rpm(100'000)}, 1}}) {
    const TargetId target = AddLimited("t" + std::to_string(targets.size()), limits);
    Configure();
    EXPECT_EQ(broker->NumbersFor(Ask({target}), now).size(), told) << targets.size();
  }
}

TEST_F(PushTest, HowManyCallsAreOpenIsToldNowAndThen) {
  const TargetId target = Ready({Concurrency(4)});
  Pass(absl::Seconds(1));
  const PermitId permit = Permitted(target);
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kConcurrency), 3);
  Release(permit);
  EXPECT_FALSE(Routine(target).pool) << "at once would be once a request";
  EXPECT_TRUE(broker->has_routine());
  Pass(absl::Milliseconds(200));
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kConcurrency), 4);
  EXPECT_FALSE(broker->has_routine());
}

TEST_F(PushTest, WhoeverWasToldMoreHearsOfWhatWasGivenBack) {
  const TargetId target = Ready({Rpm(100)});
  const AcquireAnswer answer = Ask({target});
  broker->NumbersFor(answer, now);
  broker->TakeRoutine(now);
  Release(answer.permit.id);
  EXPECT_FALSE(Routine(target).pool) << "99 and 100 are near enough";
  for (int i = 0; i < 7; ++i) broker->NumbersFor(Ask({target}), now);
  Pass(absl::Seconds(10));  // unsent, they go back by themselves
  EXPECT_EQ(SmallestRemaining(Routine(target).limits, Unit::kRequests), 100) << "of 93 that one proxy was told";
}

}  // namespace
}  // namespace chain429
