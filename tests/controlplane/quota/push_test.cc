// What proxies are told of pools unasked, and what is not worth a message.
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
  EXPECT_EQ(state.remaining_requests, 40);
  EXPECT_EQ(state.remaining_tokens, 10'000);
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
  EXPECT_EQ(Routine(target).remaining_requests, 94);
}

TEST_F(PushTest, TheLastOneAndTheFirstAgainAreTold) {
  const TargetId target = Ready({Rpm(1)});
  const PermitId permit = Permitted(target);
  EXPECT_EQ(Routine(target).remaining_requests, 0);
  Release(permit);
  EXPECT_EQ(Routine(target).remaining_requests, 1);
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
  EXPECT_EQ(state.remaining_requests, -1);
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

}  // namespace
}  // namespace chain429
