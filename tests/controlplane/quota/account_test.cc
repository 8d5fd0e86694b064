#include "controlplane/quota/account.h"

#include "common/model/limit_state.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class AccountTest : public testing::Test {
 protected:
  PoolAccount Make(std::vector<Limit> limits) {
    Pool pool;
    pool.id = PoolId(1);
    pool.key = "p";
    pool.limits = std::move(limits);
    return PoolAccount(pool, now);
  }
  void Use(PoolAccount& account, const Charge& charge) {
    account.ledger().SendUnreserved(charge, now.mono, now);
    account.ledger().Abandon(charge);
  }
  Now now{MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000), absl::FromUnixSeconds(1'800'000'030)};
};

TEST_F(AccountTest, SharesOfAllProxiesTogetherAreWhatIsLeftAndLaterHalfOfTheLimit) {
  struct Case {
    Limit limit;
    int64_t used;
    int64_t proxies;
    int64_t first;
    int64_t steady;
  };
  const std::vector<Case> cases = {
      {Rpm(30), 0, 3, 10, 5},       {Rpm(30), 24, 3, 2, 5},
      {Rpm(30), 29, 3, 0, 5},       {Rpm(30), 30, 3, 0, 5},
      {Rpm(30), 35, 3, 0, 5},        // somebody else used of it, too
      {Rpm(30), 10, 1, 20, 30},      // there is nobody to share it with
      {Rpm(30), 10, 0, 20, 30},     {Rpm(30), 0, 20, 1, 1},  // never nothing for long, where there is one for each
      {Rpm(30), 0, 40, 0, 0},       {Rpd(1000), 400, 3, 200, 166},
      {Rpd(1000), 1000, 3, 0, 166}, {LimitOf(Unit::kRequests, 600, absl::Seconds(1)), 0, 3, 200, 100},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    PoolAccount account = Make({cases[i].limit});
    Use(account, {cases[i].used, 0, 0});
    const std::vector<SafeShare> shares = account.Shares(cases[i].proxies, now);
    ASSERT_EQ(shares.size(), 1u);
    EXPECT_EQ(shares[0].first, cases[i].first) << i;
    EXPECT_EQ(shares[0].steady, cases[i].steady) << i;
    EXPECT_EQ(shares[0].window, cases[i].limit.window.length) << i;
  }
}

TEST_F(AccountTest, SharesCountWhatIsReserved) {
  PoolAccount account = Make({Rpm(30)});
  account.ledger().Reserve({6, 0, 0});
  EXPECT_EQ(account.Shares(2, now)[0].first, 12);
}

TEST_F(AccountTest, SharesOfTokensAreRequestsOfAThousand) {
  PoolAccount account = Make({Tpm(60'000)});
  Use(account, {1, 20'000, 10'000});
  const std::vector<SafeShare> shares = account.Shares(3, now);
  EXPECT_EQ(shares[0].first, 10);
  EXPECT_EQ(shares[0].steady, 10);
}

TEST_F(AccountTest, SharesOfConcurrencyDoNotDependOnWhatIsOpen) {
  PoolAccount account = Make({Concurrency(12)});
  account.ledger().Reserve({5, 0, 0});
  const std::vector<SafeShare> shares = account.Shares(2, now);
  EXPECT_EQ(shares[0].first, 3);
  EXPECT_EQ(shares[0].steady, 3);
}

TEST_F(AccountTest, EachLimitHasAShareOfItsOwn) {
  PoolAccount account = Make({Rpm(30), Rpd(100)});
  Use(account, {10, 0, 0});
  const std::vector<SafeShare> shares = account.Shares(2, now);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0], (SafeShare{10, 7, absl::Minutes(1)}));
  EXPECT_EQ(shares[1], (SafeShare{45, 25, absl::Hours(24)}));
  EXPECT_TRUE(Make({}).Shares(2, now).empty());
}

TEST_F(AccountTest, IsTinyWhenAThousandRequestsOrFewerFitIntoAWindow) {
  EXPECT_TRUE(Make({Rpm(30)}).tiny());
  EXPECT_TRUE(Make({Rpm(100'000), Rpd(1000)}).tiny());
  EXPECT_FALSE(Make({Rpm(1001)}).tiny());
  EXPECT_FALSE(Make({Tpm(500)}).tiny());
  EXPECT_FALSE(Make({}).tiny());
}

TEST_F(AccountTest, StateSaysWhatIsLeft) {
  PoolAccount account = Make({Rpm(30), Tpm(1000), LimitOf(Unit::kInputTokens, 600, absl::Minutes(1))});
  Use(account, {3, 500, 100});
  const PoolState state = account.State(1, now);
  EXPECT_EQ(state.pool, PoolId(1));
  EXPECT_TRUE(state.limited);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kRequests), 27);
  EXPECT_EQ(SmallestRemaining(state.limits, Unit::kTokens), 100);  // of input, which is less than the 400 of all
}

TEST_F(AccountTest, IsMemorableWhenClosedLearntOrLong) {
  PoolAccount minute = Make({Rpm(30)});
  EXPECT_FALSE(minute.memorable(now.mono));
  Random random(1);
  minute.cooldown().Close({Closure::kRateLimited, absl::Seconds(9), true, now.mono}, now, random);
  EXPECT_TRUE(minute.memorable(now.mono));
  EXPECT_TRUE(Make({Rpd(30)}).memorable(now.mono));
  PoolAccount learnt = Make({});
  EXPECT_FALSE(learnt.memorable(now.mono));
  Reading reading;
  reading.window = absl::Minutes(1);
  reading.limit = 10;
  reading.remaining = 9;
  learnt.Read({std::span<const Reading>(&reading, 1), now.mono, {1, 0, 0}, false}, now);
  EXPECT_TRUE(learnt.memorable(now.mono));
}

TEST_F(AccountTest, AnotherDeclarationKeepsWhatWasUsedAndLearnt) {
  PoolAccount account = Make({Rpm(30)});
  Use(account, {3, 0, 0});
  Reading reading;
  reading.window = absl::Hours(24);
  reading.limit = 1000;
  account.Read({std::span<const Reading>(&reading, 1), now.mono, {1, 0, 0}, false}, now);
  Pool other = account.pool();
  other.limits = {Rpm(10)};
  account.Declare(other, now);
  const PoolView view = account.View(now);
  ASSERT_EQ(view.limits.size(), 2u);
  EXPECT_EQ(view.limits[0].limit.amount, 10);
  EXPECT_EQ(view.limits[0].used, 3);
  EXPECT_EQ(view.limits[1].limit.amount, 1000);
  EXPECT_EQ(view.limits[1].limit.provenance, Provenance::kStated);
}

}  // namespace
}  // namespace chain429
