#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

using SparesTest = BrokerTest;

TEST_F(SparesTest, ComeWithAPermitWhereLimitsAreGenerous) {
  const TargetId target = AddLimited("t", {Rpm(16'000)});
  Configure();
  Attach("a");
  const AcquireAnswer answer = Ask({target}, {.spares = 50});
  EXPECT_EQ(answer.permit.spares, 50u);
  EXPECT_EQ(UsedRequests(target), 51);
  EXPECT_EQ(broker->counters().granted, 51u);
}

TEST_F(SparesTest, AreNotGivenUnasked) {
  const TargetId target = AddLimited("t", {Rpm(16'000)});
  Configure();
  Attach("a");
  EXPECT_EQ(Ask({target}).permit.spares, 0u);
}

TEST_F(SparesTest, NeverComeWhereALimitIsTiny) {
  const std::vector<std::vector<Limit>> tiny = {
      {Rpm(30)},
      {Rpm(1000)},
      {Rpm(100'000), Rpd(500)},               // one tiny limit of two is enough
      {Rpm(100'000), Tpm(500'000)},           // 500 tokens a request: a thousand fit
      {Rpm(100'000), Concurrency(100'000)},   // held until the end: a spare would hold it for nothing
  };
  for (size_t i = 0; i < tiny.size(); ++i) {
    const TargetId target = AddLimited("limits " + std::to_string(i), tiny[i]);
    Configure();
    Attach("a");
    const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 250, .max_output = 250, .spares = 100});
    EXPECT_TRUE(answer.permit.id) << i;
    EXPECT_EQ(answer.permit.spares, 0u) << i;
  }
}

TEST_F(SparesTest, NeverComeWhenAnyPoolOfTheTargetIsTiny) {
  const PoolId account = AddPool("account", {Rpm(100'000)});
  const PoolId model = AddPool("model", {Rpm(30)});
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  Attach("a");
  EXPECT_EQ(Ask({target}, {.spares = 10}).permit.spares, 0u);
}

TEST_F(SparesTest, AreAnEighthOfWhatIsLeftForEachProxy) {
  const TargetId target = AddLimited("t", {Rpm(16'000)});
  Configure();
  Attach("a");
  Attach("b");
  EXPECT_EQ(Ask({target}, {.spares = 100'000}).permit.spares, 1000u);
  EXPECT_EQ(Ask({target}, {.spares = 100'000}).permit.spares, (16'000u - 1001) / 16);
}

TEST_F(SparesTest, GiveOutThatShrinksWithTheRemainderButNeverMoreThanThereIs) {
  const TargetId target = AddLimited("t", {Rpm(2000)});
  Configure();
  Attach("a");
  int64_t granted = 0;
  while (granted <= 2000) {
    const AcquireAnswer answer = Ask({target}, {.spares = 100'000});
    if (!answer.granted) break;
    granted += 1 + answer.permit.spares;
  }
  EXPECT_EQ(granted, 2000);
}

TEST_F(SparesTest, AreReservedAtTheSameCharge) {
  const TargetId target = AddLimited("t", {Tpm(1'000'000)});
  Configure();
  Attach("a");
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 60, .max_output = 40, .spares = 9});
  ASSERT_EQ(answer.permit.spares, 9u);
  EXPECT_EQ(answer.permit.tokens, 100);
  EXPECT_EQ(UsedTokens(target), 1000);
}

TEST_F(SparesTest, GoBackSoonerThanASinglePermitWhenUnused) {
  const TargetId target = AddLimited("t", {Rpm(16'000)});
  Configure();
  Attach("a");
  const AcquireAnswer single = Ask({target});
  const AcquireAnswer many = Ask({target}, {.spares = 9});
  EXPECT_LT(many.permit.ttl, single.permit.ttl);
  EXPECT_EQ(UsedRequests(target), 11);
  Pass(many.permit.ttl + absl::Seconds(1));
  EXPECT_EQ(UsedRequests(target), 1);
}

TEST_F(SparesTest, OnlyTheUnsentOnesGoBack) {
  const TargetId target = AddLimited("t", {Rpm(16'000)});
  Configure();
  Attach("a");
  const AcquireAnswer answer = Ask({target}, {.spares = 9});
  Send(answer.permit.id, absl::ZeroDuration(), 4);
  Pass(answer.permit.ttl + absl::Seconds(1));
  EXPECT_EQ(UsedRequests(target), 4);
  EXPECT_EQ(broker->counters().returned, 6u);
  Settlement end = EndOf(answer.permit.id, target, answer.permit.ttl);
  end.count = 4;
  Settle(end);
  EXPECT_EQ(UsedRequests(target), 4);
  EXPECT_EQ(OpenAttempts(target), 0);
}

}  // namespace
}  // namespace chain429
