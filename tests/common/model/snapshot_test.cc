#include "common/model/snapshot.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

// Two providers with one target each, and a chain over both.
Snapshot MakeSnapshot() {
  Snapshot snapshot;
  for (const char* name : {"groq", "local"}) {
    Provider provider;
    provider.name = name;
    provider.models = {{"m", {}, 0, "shared-m", {}, {}}, {"unnamed", {}, 0, "", {}, {}}};
    if (provider.name == "groq") {
      provider.credentials.emplace_back();
      provider.credentials.back().name = "main";
      provider.credentials.back().group = "default";
    }
    snapshot.providers.push_back(std::move(provider));
  }
  for (uint32_t i = 0; i < 2; ++i) {
    for (TargetPlan& plan : PlanTargets(snapshot.providers, i, "m")) {
      for (Pool& pool : plan.pools) snapshot.pools.push_back(std::move(pool));
      snapshot.targets.push_back(std::move(plan.target));
    }
  }
  Chain chain;
  chain.name = "coding";
  chain.aliases = {"gpt-4o", "gpt-4o-mini"};
  chain.targets = {0, 1};
  snapshot.chains.push_back(chain);
  snapshot.default_chain = "coding";
  return snapshot;
}

TEST(Snapshot, IndexFindsEverythingByName) {
  Snapshot snapshot = MakeSnapshot();
  ASSERT_EQ(snapshot.Index(), absl::OkStatus());
  EXPECT_EQ(snapshot.chain_by_name.at("coding"), 0u);
  EXPECT_EQ(snapshot.chain_by_name.at("gpt-4o-mini"), 0u);
  EXPECT_EQ(snapshot.provider_by_name.at("local"), 1u);
  EXPECT_EQ(snapshot.targets_by_canonical.at("shared-m"), (std::vector<uint32_t>{0, 1}));
  EXPECT_FALSE(snapshot.targets_by_canonical.contains(""));
  for (uint32_t i = 0; i < snapshot.targets.size(); ++i) {
    EXPECT_EQ(snapshot.target_by_id.at(snapshot.targets[i].id.value()), i);
  }
  for (uint32_t i = 0; i < snapshot.pools.size(); ++i) {
    EXPECT_EQ(snapshot.pool_by_id.at(snapshot.pools[i].id.value()), i);
  }
}

TEST(Snapshot, IndexAgainGivesTheSame) {
  Snapshot snapshot = MakeSnapshot();
  ASSERT_TRUE(snapshot.Index().ok());
  ASSERT_TRUE(snapshot.Index().ok());
  EXPECT_EQ(snapshot.targets_by_canonical.at("shared-m"), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(snapshot.chain_by_name.size(), 3u);
}

TEST(Snapshot, AnEmptyOneIsWhole) {
  Snapshot snapshot;
  EXPECT_EQ(snapshot.Index(), absl::OkStatus());
}

TEST(Snapshot, AModelWithoutCanonicalNameIsFoundUnderNone) {
  Snapshot snapshot = MakeSnapshot();
  for (Provider& provider : snapshot.providers) provider.models.clear();
  ASSERT_TRUE(snapshot.Index().ok());
  EXPECT_TRUE(snapshot.targets_by_canonical.empty());
}

TEST(Snapshot, ATargetWithLimitsOfAChainsLineIsNotFoundTwiceByItsSharedName) {
  Snapshot snapshot = MakeSnapshot();
  const std::vector<Limit> limits(1);
  for (TargetPlan& plan : PlanTargets(snapshot.providers, 0, "m", "chains.coding.targets[groq/m]", limits)) {
    for (Pool& pool : plan.pools) {
      if (pool.key.starts_with("chains.")) snapshot.pools.push_back(std::move(pool));
    }
    snapshot.targets.push_back(std::move(plan.target));
  }
  ASSERT_EQ(snapshot.Index(), absl::OkStatus());
  ASSERT_EQ(snapshot.targets.size(), 3u);
  EXPECT_EQ(snapshot.targets_by_canonical.at("shared-m"), (std::vector<uint32_t>{0, 1}));
}

TEST(Snapshot, AModelIsFoundByItsAliasesToo) {
  Snapshot snapshot = MakeSnapshot();
  snapshot.providers[1].models[0].aliases = {"m-latest", "shared-m"};
  ASSERT_EQ(snapshot.Index(), absl::OkStatus());
  EXPECT_EQ(snapshot.targets_by_canonical.at("m-latest"), (std::vector<uint32_t>{1}));
  EXPECT_EQ(snapshot.targets_by_canonical.at("shared-m"), (std::vector<uint32_t>{0, 1}));
}

TEST(Snapshot, ABadReferenceIsRefusedWithThePath) {
  struct Case {
    std::function<void(Snapshot&)> spoil;
    std::string message;
  };
  const std::vector<Case> cases = {
      {[](Snapshot& s) { s.pools[2].id = s.pools[0].id; }, R"(pools[2]: "local" has the id of another pool)"},
      {[](Snapshot& s) { s.providers[1].name = "groq"; }, R"(providers[1]: "groq" is there twice)"},
      {[](Snapshot& s) { s.targets[1].id = s.targets[0].id; }, R"(targets[1]: "local/m" is there twice)"},
      {[](Snapshot& s) { s.targets[1].provider = 2; }, "targets[1].provider: out of range"},
      {[](Snapshot& s) { s.targets[1].credentials = {0}; }, "targets[1].credentials: out of range"},
      {[](Snapshot& s) { s.targets[0].credentials = {0, 1}; }, "targets[0].credentials: out of range"},
      {[](Snapshot& s) { s.targets[0].pools.clear(); }, "targets[0].pools: empty"},
      {[](Snapshot& s) { s.targets[0].pools.push_back(PoolId(12345)); }, "targets[0].pools: unknown pool"},
      {[](Snapshot& s) { s.pools.pop_back(); }, "targets[1].pools: unknown pool"},
      {[](Snapshot& s) { s.chains[0].targets.clear(); }, "chains[0].targets: empty"},
      {[](Snapshot& s) { s.chains[0].targets.push_back(2); }, "chains[0].targets: out of range"},
      {[](Snapshot& s) { s.chains.push_back(s.chains[0]); }, R"(chains[1]: "coding" is there twice)"},
      {[](Snapshot& s) { s.chains[0].aliases.push_back("gpt-4o"); }, R"(chains[0].aliases: "gpt-4o" is there twice)"},
      {[](Snapshot& s) { s.chains[0].aliases.push_back("coding"); }, R"(chains[0].aliases: "coding" is there twice)"},
      {[](Snapshot& s) { s.default_chain = "codnig"; }, R"(default_chain: there is no chain "codnig")"},
  };
  for (const Case& c : cases) {
    Snapshot snapshot = MakeSnapshot();
    c.spoil(snapshot);
    const absl::Status status = snapshot.Index();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.message;
    EXPECT_EQ(FromAbsl(status.message()), c.message);
  }
}

TEST(Snapshot, AnAliasCannotBeTheNameOfAnotherChainWhereverThatStands) {
  Snapshot snapshot = MakeSnapshot();
  Chain cheap;
  cheap.name = "gpt-4o";
  cheap.targets = {0};
  snapshot.chains.push_back(cheap);
  EXPECT_EQ(FromAbsl(snapshot.Index().message()), R"(chains[0].aliases: "gpt-4o" is there twice)");
}

TEST(Snapshot, TheDefaultMayBeAnAlias) {
  Snapshot snapshot = MakeSnapshot();
  snapshot.default_chain = "gpt-4o";
  EXPECT_TRUE(snapshot.Index().ok());
}

}  // namespace
}  // namespace chain429
