// A pool of which nobody knows a limit and that nobody has called: a few try it, the rest wait for what they find out.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class FirstContactTest : public BrokerTest {
 protected:
  FirstContactTest() {
    target = AddLimited("new", {});
    Configure();
    for (int i = 0; i < 3; ++i) proxies.push_back(Attach("boot " + std::to_string(i)));
  }
  // The answers that were held and are given now.
  std::vector<Broker::LateAnswer> Late() {
    broker->OnTimer(now);
    return broker->TakeLateAnswers();
  }
  static Reading Requests(int64_t limit, int64_t remaining) {
    Reading reading;
    reading.limit = limit;
    reading.remaining = remaining;
    reading.window = absl::Minutes(1);
    return reading;
  }
  TargetId target;
  std::vector<HolderId> proxies;
};

TEST_F(FirstContactTest, EachProxyTriesOnceAndTheRestIsHeld) {
  for (const HolderId proxy : proxies) {
    const AcquireAnswer probe = AskAs(proxy, {target}, {.spares = 10});
    EXPECT_TRUE(probe.permit.id);
    EXPECT_TRUE(probe.permit.watched);
    EXPECT_EQ(probe.permit.spares, 0u);
    for (int i = 0; i < 5; ++i) {
      const AcquireAnswer held = AskAs(proxy, {target});
      EXPECT_TRUE(held.held);
      EXPECT_FALSE(held.granted);
      EXPECT_TRUE(held.denials.empty());
    }
  }
  EXPECT_TRUE(Late().empty());
}

TEST_F(FirstContactTest, ALimitInTheFirstHeadersDecidesForAllThatWait) {
  const PermitId probe = Permitted(target, proxies[0]);
  for (int i = 0; i < 5; ++i) AskAs(proxies[0], {target});
  Send(probe);
  Settlement begun = EndOf(probe, target);
  begun.begun = true;
  begun.readings = {Requests(4, 3)};
  Settle(begun);
  const std::vector<Broker::LateAnswer> late = Late();
  ASSERT_EQ(late.size(), 5u);
  for (size_t i = 0; i < late.size(); ++i) {
    EXPECT_EQ(late[i].first, proxies[0]);
    EXPECT_EQ(late[i].second.granted, i < 3) << i;
    EXPECT_EQ(late[i].second.permit.watched, false) << i;
  }
  EXPECT_EQ(OpenAttempts(target), 1) << "nothing is settled by an answer's beginning";
  EXPECT_TRUE(StateIn(broker->TakeUrgent(now), QuotaOf(target)).limited);
  Settle(EndOf(probe, target));
  EXPECT_EQ(OpenAttempts(target), 0);
  EXPECT_EQ(UsedRequests(target), 4);
}

TEST_F(FirstContactTest, ARefusalSendsThoseThatWaitElsewhere) {
  const TargetId other = AddLimited("known", {Rpm(10)});
  Configure();
  const PermitId probe = Permitted(target, proxies[0]);
  EXPECT_TRUE(AskAs(proxies[0], {target, other}).held);
  EXPECT_TRUE(AskAs(proxies[0], {target}).held);
  Send(probe);
  Settle(RefusalOf(probe, target, absl::Seconds(30)));
  const std::vector<Broker::LateAnswer> late = Late();
  ASSERT_EQ(late.size(), 2u);
  EXPECT_TRUE(late[0].second.granted);
  EXPECT_EQ(late[0].second.permit.target, other);
  EXPECT_FALSE(late[1].second.granted);
  ASSERT_EQ(late[1].second.denials.size(), 1u);
  EXPECT_TRUE(late[1].second.denials[0].cooldown);
}

TEST_F(FirstContactTest, WhoWaitsForTooLongGoesAllTheSame) {
  Permitted(target, proxies[0]);
  const AcquireAnswer held = AskAs(proxies[0], {target});
  ASSERT_TRUE(held.held);
  const MonoTime until = broker->NextDeadline();
  EXPECT_EQ(until, now.mono + absl::Seconds(1));
  Advance(until - now.mono);
  const std::vector<Broker::LateAnswer> late = Late();
  ASSERT_EQ(late.size(), 1u);
  EXPECT_TRUE(late[0].second.granted);
  EXPECT_EQ(late[0].second.acquire, held.acquire);
}

TEST_F(FirstContactTest, AProbeThatIsGivenBackMakesRoomForAnother) {
  const PermitId probe = Permitted(target, proxies[0]);
  EXPECT_TRUE(AskAs(proxies[0], {target}).held);
  Release(probe);
  EXPECT_EQ(Late().size(), 1u);
}

TEST_F(FirstContactTest, WhatIsCancelledOrComesFromAProxyThatLeftIsNotAnswered) {
  Permitted(target, proxies[0]);
  Permitted(target, proxies[1]);
  const AcquireAnswer first = AskAs(proxies[0], {target});
  AskAs(proxies[1], {target});
  broker->OnCancel(proxies[0], first.acquire);
  broker->Detach(proxies[1], /*gone=*/false, now);
  Advance(absl::Seconds(2));
  EXPECT_TRUE(Late().empty());
}

TEST_F(FirstContactTest, AfterManyGoodAnswersNobodyNeedsAPermit) {
  int attempts = 0;
  while (attempts < 1000) {
    const AcquireAnswer answer = AskAs(proxies[0], {target});
    ASSERT_TRUE(answer.granted);
    if (!answer.permit.id) break;
    ++attempts;
    Send(answer.permit.id);
    Settle(EndOf(answer.permit.id, target));
  }
  EXPECT_EQ(attempts, 128);
  const PoolState state = StateIn(broker->TakeUrgent(now), QuotaOf(target));
  EXPECT_EQ(state.pool, QuotaOf(target)) << "proxies hear that they may call it freely";
  EXPECT_FALSE(state.limited);
  EXPECT_EQ(StateIn(broker->AllStates(now), QuotaOf(target)).pool, QuotaOf(target)) << "and those that come later";
}

TEST_F(FirstContactTest, WithALimitThatIsKnownThereIsNone) {
  const PoolId narrow = AddPool("narrow", {Rpm(10)});
  const TargetId known = AddTarget("known", {QuotaOf(target), narrow});
  Configure();
  EXPECT_EQ(Grantable(known), 10);
}

}  // namespace
}  // namespace chain429
