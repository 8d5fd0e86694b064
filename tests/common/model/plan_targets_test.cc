#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/model/snapshot.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

Limit PerMinute(int64_t amount, Provenance provenance = Provenance::kConfigured) {
  Limit limit;
  limit.amount = amount;
  limit.provenance = provenance;
  return limit;
}

Limit PerDay(int64_t amount, Provenance provenance = Provenance::kConfigured) {
  Limit limit = PerMinute(amount, provenance);
  limit.window.length = absl::Hours(24);
  return limit;
}

Credential Key(std::string name, std::string group, std::vector<Limit> limits = {}) {
  Credential credential;
  credential.name = std::move(name);
  credential.group = std::move(group);
  credential.limits = std::move(limits);
  return credential;
}

Provider MakeProvider(PoolScope scope, std::vector<Credential> credentials) {
  Provider provider;
  provider.name = "groq";
  provider.pool_scope = scope;
  provider.credentials = std::move(credentials);
  return provider;
}

std::vector<TargetPlan> Plan(const Provider& provider, std::string_view model, std::string_view owner = {},
                             const std::vector<Limit>& limits = {}) {
  return PlanTargets({provider}, 0, model, owner, limits);
}

std::vector<std::string> Keys(const TargetPlan& plan) {
  std::vector<std::string> keys;
  for (const Pool& pool : plan.pools) keys.push_back(pool.key);
  return keys;
}

using Strings = std::vector<std::string>;

TEST(PlanTargets, WithoutCredentialsThereIsOneTargetWithoutAKey) {
  const auto plans = Plan(MakeProvider(PoolScope::kGroup, {}), "m");
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].target.name, "groq/m");
  EXPECT_EQ(plans[0].target.model, "m");
  EXPECT_TRUE(plans[0].target.credentials.empty());
  EXPECT_EQ(Keys(plans[0]), (Strings{"groq", "groq|m"}));
}

TEST(PlanTargets, OneTargetAGroupInFileOrderWithinItKeysRotate) {
  const auto plans =
      Plan(MakeProvider(PoolScope::kGroup, {Key("b", "two"), Key("a", "one"), Key("c", "two"), Key("d", "one")}), "m");
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].target.group, "two");
  EXPECT_EQ(plans[0].target.credentials, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(plans[1].target.group, "one");
  EXPECT_EQ(plans[1].target.credentials, (std::vector<uint32_t>{1, 3}));
  EXPECT_NE(plans[0].target.id, plans[1].target.id);
  EXPECT_NE(plans[0].pools[0].id, plans[1].pools[0].id);
}

TEST(PlanTargets, AGroupSharesOnePoolOverAllItsModels) {
  const Provider provider = MakeProvider(PoolScope::kGroup, {Key("a", "default")});
  const auto one = Plan(provider, "one"), two = Plan(provider, "two");
  EXPECT_EQ(one[0].pools[0].key, "groq/default");
  EXPECT_EQ(one[0].pools[0].id, two[0].pools[0].id);
  EXPECT_NE(one[0].pools.back().id, two[0].pools.back().id);
  EXPECT_NE(one[0].target.id, two[0].target.id);
}

TEST(PlanTargets, WithPoolsPerModelEachModelHasItsOwnOnEachAccount) {
  const Provider provider = MakeProvider(PoolScope::kModel, {Key("a", "one"), Key("b", "two")});
  const auto plans = Plan(provider, "openai/gpt-oss-120b");
  EXPECT_EQ(plans[0].pools[0].key, "groq/one/openai/gpt-oss-120b");
  EXPECT_EQ(plans[1].pools[0].key, "groq/two/openai/gpt-oss-120b");
  EXPECT_NE(Plan(provider, "other")[0].pools[0].id, plans[0].pools[0].id);
}

TEST(PlanTargets, FreeModelsOfAnAccountShareOnePoolThatTheOthersDoNotDrawOn) {
  Provider provider = MakeProvider(PoolScope::kFreeModels, {Key("a", "one")});
  provider.catalogue_limits = {PerMinute(20, Provenance::kCatalogue), PerDay(50, Provenance::kCatalogue)};
  const auto free = Plan(provider, "x/y:free"), other_free = Plan(provider, "z:free"), paid = Plan(provider, "x/y");
  EXPECT_EQ(free[0].pools[0].key, "groq/one/:free");
  EXPECT_EQ(free[0].pools[0].id, other_free[0].pools[0].id);
  EXPECT_NE(free[0].pools[0].id, paid[0].pools[0].id);
  EXPECT_NE(free[0].pools.back().id, other_free[0].pools.back().id);
  // What is known of the kind's free models holds for no others.
  EXPECT_EQ(free[0].pools[0].limits, provider.catalogue_limits);
  EXPECT_TRUE(paid[0].pools[0].limits.empty());
}

TEST(PlanTargets, ConfiguredLimitsReplaceTheCataloguesOfTheSameUnitAndWindowOnly) {
  Provider provider = MakeProvider(PoolScope::kModel, {Key("a", "one")});
  provider.catalogue_limits = {PerMinute(30, Provenance::kCatalogue), PerDay(14400, Provenance::kCatalogue)};
  provider.limits = {PerMinute(10)};
  EXPECT_EQ(Plan(provider, "m")[0].pools[0].limits,
            (std::vector<Limit>{PerMinute(10), PerDay(14400, Provenance::kCatalogue)}));
}

TEST(PlanTargets, LimitsOfAModelHoldBesideThoseOfTheProviderAndForItAlone) {
  Provider provider = MakeProvider(PoolScope::kGroup, {Key("a", "one"), Key("b", "two")});
  provider.limits = {PerMinute(60)};
  provider.models = {{"m", {PerMinute(10)}, 32768, "canonical-m", {}, {}}};
  const auto plans = Plan(provider, "m");
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].pools[0].limits, (std::vector<Limit>{PerMinute(60)}));
  EXPECT_EQ(plans[0].pools.back().limits, (std::vector<Limit>{PerMinute(10)}));
  EXPECT_EQ(plans[0].target.context, 32768);
  EXPECT_NE(plans[0].pools.back().id, plans[1].pools.back().id);
  EXPECT_TRUE(Plan(provider, "n")[0].pools.back().limits.empty());
  EXPECT_EQ(Plan(provider, "n")[0].target.context, 0);
}

TEST(PlanTargets, ACredentialWithLimitsOfItsOwnIsATargetOfItsOwnWithinTheGroupsPool) {
  const auto plans = Plan(MakeProvider(PoolScope::kGroup, {Key("a", "one"), Key("b", "one", {PerMinute(5)}),
                                                           Key("c", "one"), Key("d", "one", {PerMinute(7)})}),
                          "m");
  ASSERT_EQ(plans.size(), 3u);
  EXPECT_EQ(plans[0].target.credentials, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(plans[1].target.credentials, (std::vector<uint32_t>{1}));
  EXPECT_EQ(plans[2].target.credentials, (std::vector<uint32_t>{3}));
  EXPECT_EQ(Keys(plans[0]), (Strings{"groq/one", "groq/one|m"}));
  EXPECT_EQ(Keys(plans[1]), (Strings{"groq/one", "groq/one#b", "groq/one|m"}));
  EXPECT_EQ(plans[1].pools[1].limits, (std::vector<Limit>{PerMinute(5)}));
  std::set<TargetId> ids;
  for (const TargetPlan& plan : plans) EXPECT_TRUE(ids.insert(plan.target.id).second);
}

TEST(PlanTargets, ACredentialsOwnLimitsAreSharedByItsModels) {
  const Provider provider = MakeProvider(PoolScope::kModel, {Key("a", "one", {PerMinute(5)})});
  EXPECT_EQ(Plan(provider, "m")[0].pools[1].id, Plan(provider, "n")[0].pools[1].id);
}

TEST(PlanTargets, LimitsOfAChainsTargetHoldForThatTargetAlone) {
  const Provider provider = MakeProvider(PoolScope::kGroup, {Key("a", "one"), Key("b", "two")});
  const auto plain = Plan(provider, "m");
  const auto limited = Plan(provider, "m", "chains.c.targets[0]", {PerMinute(3)});
  const auto other = Plan(provider, "m", "chains.c.targets[1]", {PerMinute(3)});
  ASSERT_EQ(limited.size(), 2u);
  EXPECT_EQ(Keys(limited[0]), (Strings{"groq/one", "chains.c.targets[0]@groq/one", "groq/one|m"}));
  EXPECT_EQ(limited[0].pools[1].limits, (std::vector<Limit>{PerMinute(3)}));
  EXPECT_NE(limited[0].pools[1].id, limited[1].pools[1].id);
  EXPECT_NE(limited[0].pools[1].id, other[0].pools[1].id);
  EXPECT_NE(limited[0].target.id, plain[0].target.id);
  EXPECT_NE(limited[0].target.id, other[0].target.id);
  // The pools of the provider and of the model are everybody's.
  EXPECT_EQ(limited[0].pools.front().id, plain[0].pools.front().id);
  EXPECT_EQ(limited[0].pools.back().id, plain[0].pools.back().id);
  // An owner without limits is as none.
  EXPECT_EQ(Plan(provider, "m", "chains.c.targets[0]")[0].target.id, plain[0].target.id);
}

TEST(PlanTargets, OnlyTheQuotaPoolLearnsAndAllFollowTheProvidersPolicies) {
  Provider provider = MakeProvider(PoolScope::kModel, {Key("a", "one", {PerMinute(5)})});
  provider.tokens = TokenPolicy::kStrict;
  provider.when_disconnected = WhenDisconnected::kDeny;
  const auto plans = Plan(provider, "m", "chains.c.targets[0]", {PerMinute(3)});
  ASSERT_EQ(plans[0].pools.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const Pool& pool = plans[0].pools[i];
    EXPECT_EQ(pool.learns, i == 0) << pool.key;
    EXPECT_EQ(pool.tokens, TokenPolicy::kStrict);
    EXPECT_EQ(pool.when_disconnected, WhenDisconnected::kDeny);
    EXPECT_EQ(pool.id, PoolId(StableId(pool.key)));
    EXPECT_EQ(plans[0].target.pools[i], pool.id);
  }
}

// Both planes derive pools of models that no snapshot lists, each for itself, and names with slashes must not meet.
TEST(PlanTargets, IdsDependOnNamesAloneAndNamesDoNotMeet) {
  Provider first = MakeProvider(PoolScope::kModel, {Key("a", "one")}), second = first;
  second.name = "cerebras";
  const auto alone = PlanTargets({second}, 0, "m"), beside = PlanTargets({first, second}, 1, "m");
  EXPECT_EQ(alone[0].target.id, beside[0].target.id);
  EXPECT_EQ(alone[0].target.pools, beside[0].target.pools);
  EXPECT_EQ(beside[0].target.provider, 1u);

  std::set<TargetId> targets;
  std::set<PoolId> pools;
  for (const char* model : {"m", "m/n", "n", "m#a", "m|n", "m:free", ":free", "one/m"}) {
    const auto plans = PlanTargets({first}, 0, model);
    EXPECT_TRUE(targets.insert(plans[0].target.id).second) << model;
    for (const Pool& pool : plans[0].pools) EXPECT_TRUE(pools.insert(pool.id).second) << pool.key;
  }
}

TEST(PlanTargets, TheLastPoolHasTheModelsOwnCostAndAllHaveTheProvidersRule) {
  Provider provider = MakeProvider(PoolScope::kModel, {Key("a", "org")});
  provider.charging = {.tokens = TokenCharge::kUpFront, .default_output = 9, .counts_refused = true};
  for (const char* name : {"dear", "cheap", "unpriced"}) provider.models.emplace_back().model = name;
  provider.models[0].rates = CreditRates{1, 50, 2};
  provider.models[1].rates = CreditRates{0, 1, 3};
  const auto cheap = Plan(provider, "cheap");
  ASSERT_EQ(cheap.size(), 1u);
  EXPECT_EQ(cheap[0].pools.back().rates, (CreditRates{0, 1, 3}));
  EXPECT_EQ(cheap[0].pools.front().rates, (CreditRates{1, 50, 3})) << "the dearest of each";
  for (const Pool& pool : cheap[0].pools) EXPECT_EQ(pool.charging, provider.charging);
  EXPECT_FALSE(Plan(provider, "unpriced")[0].pools.back().rates);
  EXPECT_FALSE(Plan(provider, "never-heard-of")[0].pools.back().rates);
  provider.models.clear();
  EXPECT_FALSE(Plan(provider, "cheap")[0].pools.front().rates);
}

}  // namespace
}  // namespace chain429
