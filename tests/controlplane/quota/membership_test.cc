// Which limits belong together, as far as that shows: models with limits of their own in one pool, pools of one
// account.
#include "controlplane/quota/shared_accounts.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class MembershipTest : public BrokerTest {
 protected:
  static Reading Requests(int64_t limit, int64_t remaining) {
    Reading reading;
    reading.window = absl::Minutes(1);
    reading.limit = limit;
    reading.remaining = remaining;
    return reading;
  }
  void Free(TargetId target, const Reading& reading) {
    Advance(absl::Seconds(1));
    Settlement end = EndOf(PermitId(), target);
    end.readings = {reading};
    Settle(end);
  }
};

class ModelsApartTest : public MembershipTest {
 protected:
  void Ready(std::vector<Limit> limits = {}) {
    account = AddPool("p/a", std::move(limits));
    for (TargetId* target : {&small, &large}) {
      const std::string model = target == &small ? "small" : "large";
      const PoolId narrow = AddPool("p/a|" + model);
      PoolOf(narrow).learns = false;
      *target = AddTarget(model, {account, narrow});
    }
    Configure();
  }
  std::vector<LimitView> LimitsOf(PoolId pool) { return PoolViewOf(pool).limits; }

  PoolId account;
  TargetId small, large;
};

TEST_F(ModelsApartTest, ModelsThatKeepStatingDifferentAmountsHaveLimitsOfTheirOwn) {
  Ready();
  for (int i = 1; i <= 4; ++i) {
    Free(small, Requests(30, 30 - i));
    Free(large, Requests(10, 10 - i));
  }
  EXPECT_TRUE(PoolViewOf(account).models_apart);
  EXPECT_TRUE(LimitsOf(account).empty());
  Free(small, Requests(30, 25));
  Free(large, Requests(10, 5));
  EXPECT_EQ(ViewOf(PoolId(StableId("p/a|small")), Unit::kRequests).limit.amount, 30);
  EXPECT_EQ(ViewOf(PoolId(StableId("p/a|large")), Unit::kRequests).limit.amount, 10);
  // Each is used up by its own requests alone.
  EXPECT_EQ(Grantable(large), 5);
  EXPECT_EQ(Grantable(small), 25);
}

TEST_F(ModelsApartTest, ALimitThatChangesIsOneLimit) {
  Ready();
  for (int i = 0; i < 8; ++i) {
    Free(small, Requests(i < 4 ? 30 : 10, 5));
    Free(large, Requests(i < 4 ? 30 : 10, 5));
  }
  EXPECT_FALSE(PoolViewOf(account).models_apart);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).limit.amount, 10);
}

TEST_F(ModelsApartTest, AmountsThatFlipForEveryModelAreNobodysOwn) {
  Ready();
  for (int i = 0; i < 20; ++i) Free(i % 3 == 0 ? small : large, Requests(i % 2 == 0 ? 30 : 1000, 5));
  EXPECT_FALSE(PoolViewOf(account).models_apart);
}

TEST_F(ModelsApartTest, WhatIsConfiguredIsNotTakenApart) {
  Ready({Rpm(20)});
  for (int i = 1; i <= 6; ++i) {
    Free(small, Requests(30, 30 - i));
    Free(large, Requests(10, 10 - i));
  }
  EXPECT_FALSE(PoolViewOf(account).models_apart);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).limit.amount, 20);
}

class OneAccountTest : public MembershipTest {
 protected:
  void Ready(const std::string& group_of_b = "b") {
    Provider& provider = providers.emplace_back();
    provider.name = "p";
    for (const std::string name : {"a", "b"}) {
      Credential& credential = provider.credentials.emplace_back();
      credential.name = name;
      credential.group = name == "b" ? group_of_b : name;
      const TargetId target = AddTarget(name, {AddPool("p/" + credential.group)});
      targets.back().group = credential.group;
      targets.back().credentials = {static_cast<uint32_t>(provider.credentials.size() - 1)};
      (name == "a" ? a : b) = target;
    }
    Configure();
  }
  TargetId a, b;
};

TEST_F(OneAccountTest, PoolsWhoseUseCountsInEachOtherAreSuspectedAndCountedSafely) {
  Ready();
  int64_t used = 0;
  for (int i = 0; i < 12; ++i) {
    Free(a, Requests(100, 100 - ++used));
    Free(b, Requests(100, 100 - ++used));
  }
  const PoolView view = PoolViewOf(QuotaOf(a));
  EXPECT_EQ(view.shares_account_with, "p/b");
  EXPECT_GE(view.shares_confidence, 80);
  EXPECT_EQ(PoolViewOf(QuotaOf(b)).shares_account_with, "p/a");
  // What the other used counts as somebody else's.
  EXPECT_GE(UsedRequests(a), 23);
  EXPECT_GE(ViewOf(QuotaOf(a), Unit::kRequests).outside, 10);
}

TEST_F(OneAccountTest, PoolsThatCountForThemselvesAreNot) {
  Ready();
  for (int i = 1; i <= 12; ++i) {
    Free(a, Requests(100, 100 - i));
    Free(b, Requests(100, 100 - i));
  }
  EXPECT_EQ(PoolViewOf(QuotaOf(a)).shares_account_with, "");
  EXPECT_EQ(PoolViewOf(QuotaOf(b)).shares_account_with, "");
}

TEST_F(OneAccountTest, SomebodyElsesSteadyUseIsNotTheOtherPools) {
  Ready();
  int64_t used = 0;
  for (int i = 1; i <= 20; ++i) {
    Free(a, Requests(1000, 1000 - (used += 4)));
    if (i % 3 == 0) Free(b, Requests(1000, 1000 - i));
  }
  EXPECT_EQ(PoolViewOf(QuotaOf(a)).shares_account_with, "");
}

TEST_F(OneAccountTest, WhereTheConfigurationNamesThePoolNothingIsSuspected) {
  Ready("elsewhere");
  int64_t used = 0;
  for (int i = 0; i < 12; ++i) {
    Free(a, Requests(100, 100 - ++used));
    Free(b, Requests(100, 100 - ++used));
  }
  EXPECT_EQ(PoolViewOf(QuotaOf(a)).shares_account_with, "");
}

TEST_F(MembershipTest, MuchOutsideUseIsToldOnceAnHour) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Free(target, Requests(100, 97));
  EXPECT_TRUE(broker->TakeOutsideNews().empty());
  Advance(absl::Seconds(10));
  Free(target, Requests(100, 80));
  const auto news = broker->TakeOutsideNews();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].pool, "t");
  EXPECT_EQ(news[0].view.outside, 18);
  for (int minute = 0; minute < 50; ++minute) {
    Advance(absl::Minutes(1));
    Free(target, Requests(100, 60));
  }
  EXPECT_TRUE(broker->TakeOutsideNews().empty());
  Advance(absl::Minutes(15));
  Free(target, Requests(100, 60));
  EXPECT_EQ(broker->TakeOutsideNews().size(), 1u);
}

}  // namespace
}  // namespace chain429
