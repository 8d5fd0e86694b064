// A pool that was closed by a guess is tried by one request of the whole fleet before the rest may follow.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class CanaryTest : public BrokerTest {
 protected:
  // A pool that a refusal without a wait has closed, and whose guessed wait has passed.
  TargetId Closed(std::vector<Limit> limits) {
    const TargetId target = AddLimited("t", std::move(limits));
    Configure();
    a = Attach("a");
    b = Attach("b");
    Refuse(target);
    return target;
  }
  void Refuse(TargetId target) {
    Settle(RefusalOf(PermitId(), target));
    const AcquireAnswer denied = Ask({target});
    EXPECT_FALSE(denied.granted);
    Pass(denied.denials[0].retry_after);
  }
  HolderId a;
  HolderId b;
};

TEST_F(CanaryTest, OneRequestOfTheWholeFleetGoesFirst) {
  for (const bool limited : {false, true}) {
    NewLeader(7);
    pools.clear();
    targets.clear();
    const TargetId target = Closed(limited ? std::vector<Limit>{Rpm(1'000'000)} : std::vector<Limit>{});
    const AcquireAnswer canary = AskAs(a, {target}, {.spares = 100});
    EXPECT_TRUE(canary.permit.id);
    EXPECT_EQ(canary.permit.spares, 0u);
    for (int i = 0; i < 20; ++i) {
      const AcquireAnswer denied = AskAs(i % 2 == 0 ? a : b, {target});
      EXPECT_FALSE(denied.granted);
      ASSERT_EQ(denied.denials.size(), 1u);
      EXPECT_TRUE(denied.denials[0].cooldown);
      EXPECT_GT(denied.denials[0].retry_after, absl::ZeroDuration());
      EXPECT_LE(denied.denials[0].retry_after, absl::Seconds(1));
    }
  }
}

TEST_F(CanaryTest, ItsSuccessOpensThePoolForAFewAndThenForAll) {
  const TargetId target = Closed({});
  MakeFamiliar(target);
  const PermitId permit = Permitted(target);
  Send(permit);
  broker->TakeUrgent(now);
  Settle(EndOf(permit, target));
  const PoolState opened = StateIn(broker->TakeUrgent(now), QuotaOf(target));
  EXPECT_EQ(opened.pool, QuotaOf(target));
  EXPECT_EQ(opened.closure, Closure::kNone);
  EXPECT_TRUE(opened.limited);
  std::vector<PermitId> probes;
  for (int round = 0; round < 4; ++round) {
    probes.clear();
    for (AcquireAnswer answer = Ask({target}); answer.granted && probes.size() < 100; answer = Ask({target}))
      probes.push_back(answer.permit.id);
    if (round < 3) {
      ASSERT_EQ(probes.size(), size_t{2} << round);
      const AcquireAnswer denied = Ask({target});
      ASSERT_EQ(denied.denials.size(), 1u);
      EXPECT_FALSE(denied.denials[0].cooldown);
      EXPECT_LE(denied.denials[0].retry_after, absl::Seconds(1));
    }
    for (const PermitId probe : probes) {
      Send(probe);
      Settle(EndOf(probe, target));
    }
  }
  EXPECT_FALSE(StateIn(broker->TakeUrgent(now), QuotaOf(target)).limited);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(CanaryTest, ItsRefusalClosesForLongerThanBefore) {
  const TargetId target = Closed({});
  absl::Duration last = absl::Seconds(1.2);
  for (int i = 0; i < 2; ++i) {
    const PermitId permit = Permitted(target);
    Send(permit);
    Settle(RefusalOf(permit, target));
    const AcquireAnswer denied = Ask({target});
    ASSERT_FALSE(denied.granted);
    EXPECT_GT(denied.denials[0].retry_after, last);
    last = denied.denials[0].retry_after;
    Pass(last);
  }
}

TEST_F(CanaryTest, OneThatIsNeverSentLetsAnotherGo) {
  const TargetId target = Closed({});
  Release(Permitted(target));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
  // By its time running out, too.
  Pass(absl::Seconds(6));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(CanaryTest, OneThatEndsWithoutAWordOnTheLimitLetsAnotherGo) {
  const TargetId target = Closed({});
  const PermitId permit = Permitted(target);
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.error_class = ErrorClass::kOverloaded;
  Settle(end);
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(CanaryTest, OneThatIsLostLetsAnotherGoAfterAWhile) {
  const TargetId target = Closed({});
  Send(Permitted(target));
  Pass(absl::Seconds(30));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Seconds(31));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(CanaryTest, OfAProxyThatGoesForGoodLetsAnotherGo) {
  const TargetId target = Closed({});
  Permitted(target, a);
  broker->Detach(a, /*gone=*/true, now);
  EXPECT_TRUE(AskAs(b, {target}).granted);
}

TEST_F(CanaryTest, ASuccessOfARequestSentBeforeTheClosureProvesNothing) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  const PermitId old = Permitted(target);
  Send(old);
  Advance(absl::Seconds(1));
  Refuse(target);
  Settle(EndOf(old, target, absl::Seconds(10)));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(CanaryTest, IsNotNeededWhenTheProviderSaidForHowLong) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(5)));
  EXPECT_FALSE(Ask({target}).granted);
  Pass(absl::Seconds(5));
  EXPECT_EQ(Grantable(target, 10), 10);
}

TEST_F(CanaryTest, PermitsGrantedBeforeTheClosureDoNotStartIt) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  const PermitId before = Permitted(target);
  Refuse(target);
  const PermitId canary = Permitted(target);
  EXPECT_FALSE(Ask({target}).granted);
  // What becomes of an ordinary permit says nothing of the canary.
  Release(before);
  EXPECT_FALSE(Ask({target}).granted);
  Release(canary);
  EXPECT_TRUE(Ask({target}).granted);
}

}  // namespace
}  // namespace chain429
