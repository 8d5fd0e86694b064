// Which targets chains and models come to.
#include <gtest/gtest.h>

#include <map>

#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

constexpr char kProviders[] =
    "version: 1\n"
    "providers:\n"
    "  cerebras: {kind: cerebras, credentials: [{name: a, env: K1}]}\n"
    "  groq: {kind: groq, credentials: [{name: a, env: K2}]}\n"
    "  mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1', models: {big: {canonical: gpt-oss-120b}, solo: {}}}\n"
    "  off: {kind: groq, enabled: false, credentials: [{name: a, env: K3}]}\n";

std::string Chains(const std::string& chains) { return std::string(kProviders) + "chains:\n" + chains; }

Strings Canonical(const Built& built, const std::string& model) {
  Strings names;
  const auto found = built.snapshot->targets_by_canonical.find(model);
  if (found == built.snapshot->targets_by_canonical.end()) return names;
  for (const uint32_t index : found->second) names.push_back(built.snapshot->targets[index].name);
  return names;
}

TEST(SnapshotTargets, AModelWithoutProviderIsEveryConfiguredProviderThatServesItInFileOrder) {
  const Built built = Build(Chains("  c: {targets: [{model: gpt-oss-120b}]}\n"));
  EXPECT_EQ(built.Targets("c"), (Strings{"cerebras/gpt-oss-120b of default with 0",
                                         "groq/openai/gpt-oss-120b of default with 0", "mine/big of  with "}));
}

TEST(SnapshotTargets, AnAliasOfTheCatalogueMeansTheModel) {
  const Built built = Build(Chains("  c: {targets: [{model: oss-big}]}\n"));
  EXPECT_EQ(built.Targets("c"), (Strings{"groq/openai/gpt-oss-120b of default with 0"}));
}

TEST(SnapshotTargets, EveryKnownModelCanBeCalledByItsSharedNameInFileOrderWithoutAnyChain) {
  const Built built = Build(kProviders);
  EXPECT_EQ(Canonical(built, "gpt-oss-120b"),
            (Strings{"cerebras/gpt-oss-120b", "groq/openai/gpt-oss-120b", "mine/big"}));
  EXPECT_EQ(Canonical(built, "gpt-oss-20b"), (Strings{"groq/openai/gpt-oss-20b"}));
  EXPECT_EQ(Canonical(built, "solo"), (Strings{"mine/solo"}));
}

TEST(SnapshotTargets, AnAliasOfTheCatalogueNamesTheModelInRequestsToo) {
  EXPECT_EQ(Canonical(Build(kProviders), "oss-big"), (Strings{"groq/openai/gpt-oss-120b"}));
}

TEST(SnapshotTargets, ALineWithLimitsOfItsOwnDoesNotMakeASharedNameWalkItsTargetTwice) {
  const Built built =
      Build(Chains("  c: {targets: [{provider: mine, model: big, limits: {rpm: 3}}, {provider: mine, model: big}]}\n"));
  EXPECT_EQ(Canonical(built, "gpt-oss-120b"),
            (Strings{"cerebras/gpt-oss-120b", "groq/openai/gpt-oss-120b", "mine/big"}));
}

TEST(SnapshotTargets, TheOrderOfAChainDoesNotChangeThatOfASharedName) {
  const Built built =
      Build(Chains("  c: {targets: [{provider: mine, model: big}, {provider: groq, model: openai/gpt-oss-120b}]}\n"));
  EXPECT_EQ(Canonical(built, "gpt-oss-120b"),
            (Strings{"cerebras/gpt-oss-120b", "groq/openai/gpt-oss-120b", "mine/big"}));
}

TEST(SnapshotTargets, SeveralCredentialsAreOneTargetPerPoolInFileOrderAndKeysRotateWithin) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  g: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2, pool: x}, {name: c, env: K3}, {name: d, "
      "env: K4, pool: x}]}\n"
      "chains: {c: {targets: [{provider: g, model: m}]}}\n");
  EXPECT_EQ(built.Targets("c"), (Strings{"g/m of default with 0,2", "g/m of x with 1,3"}));
}

TEST(SnapshotTargets, ChainsWithinChainsAreFlattenedInPlaceAndCountOnce) {
  FakeWorld world;
  world.variables = {{"K1", "key-one-11111"}, {"K2", "key-two-22222"}};
  const Built built =
      Build(Chains("  a: {targets: [{provider: mine, model: x}, {chain: b}, {provider: mine, model: y}]}\n"
                   "  b: {targets: [{provider: mine, model: y}, {chain: d}, {provider: mine, model: z}]}\n"
                   "  d: {targets: [{provider: mine, model: w}, {provider: mine, model: x}]}\n"),
            world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  EXPECT_EQ(built.problems,
            "c.yaml:8:57: warning: chains.a.targets[2]: this target is in the chain already and counts once\n");
  EXPECT_EQ(built.Targets("a"),
            (Strings{"mine/x of  with ", "mine/y of  with ", "mine/w of  with ", "mine/z of  with "}));
  EXPECT_EQ(built.Targets("b"),
            (Strings{"mine/y of  with ", "mine/w of  with ", "mine/x of  with ", "mine/z of  with "}));
}

TEST(SnapshotTargets, WhatIsDisabledIsLeftOut) {
  const Built built =
      Build(Chains("  c: {targets: [{provider: off, model: m}, {provider: mine, model: m, enabled: false}, {chain: d, "
                   "enabled: false}, {provider: mine, "
                   "model: n}]}\n"
                   "  d: {targets: [{provider: mine, model: o}]}\n"));
  EXPECT_EQ(built.Targets("c"), (Strings{"mine/n of  with "}));
  EXPECT_FALSE(built.ProviderOf("off").enabled);
  for (const Target& target : built.snapshot->targets)
    EXPECT_EQ(target.name.find("off/"), std::string::npos) << target.name;
}

TEST(SnapshotTargets, KnowsHowMuchAModelTakes) {
  const Built built = Build(Chains("  c: {targets: [{model: gpt-oss-120b}]}\n"));
  EXPECT_EQ(built.TargetOf("c", 0).context, 8192);
  EXPECT_EQ(built.TargetOf("c", 1).context, 131072);
  EXPECT_EQ(built.TargetOf("c", 2).context, 0);
}

TEST(SnapshotTargets, ACredentialThatIsMissingIsNotPartOfATarget) {
  FakeWorld world;
  world.variables = {{"K2", "key-two-22222"}, {"K4", "key-four-4444"}};
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  g: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2}, {name: c, env: K3, pool: x}, {name: d, "
      "env: K4, pool: y}]}\n"
      "chains: {c: {targets: [{provider: g, model: m}]}}\n",
      world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  EXPECT_EQ(built.Targets("c"), (Strings{"g/m of default with 1", "g/m of y with 3"}));
  EXPECT_NE(built.problems.find("\"K1\" is not set"), std::string::npos);
  EXPECT_NE(built.problems.find("\"K3\" is not set"), std::string::npos);
}

TEST(SnapshotTargets, AChainWithNoUsableTargetLeftIsRefusedAndEachIsNamedAtItsPlace) {
  FakeWorld world;
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  g: {kind: groq, credentials: [{name: a, env: GROQ_API_KEY}]}\n"
      "  mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}\n"
      "  off: {kind: openai, base_url: 'http://127.0.0.1:1/v1', enabled: false}\n"
      "chains:\n"
      "  dead: {targets: [{provider: g, model: m}]}\n"
      "  alive: {targets: [{provider: g, model: m}, {provider: mine, model: m}]}\n"
      "  asleep: {targets: [{provider: off, model: m}, {provider: mine, model: m, enabled: false}]}\n",
      world);
  EXPECT_EQ(built.snapshot, nullptr);
  EXPECT_EQ(
      built.problems,
      "c.yaml:3:48: warning: providers.g.credentials[0].env: the environment variable \"GROQ_API_KEY\" is not set: "
      "credential "
      "\"a\" of \"g\" is disabled\n"
      "c.yaml:7:3: error: chains.dead: the chain has no usable target: no target has a usable credential\n"
      "c.yaml:9:3: error: chains.asleep: the chain has no usable target: every target or its provider is disabled\n");
}

// "x of p" → id, for every target and pool.
std::map<std::string, uint64_t> Ids(const Built& built) {
  std::map<std::string, uint64_t> ids;
  for (const Pool& pool : built.snapshot->pools) ids["pool " + pool.key] = pool.id.value();
  for (const Target& target : built.snapshot->targets) {
    std::string key = "target " + target.name;
    for (const std::string& pool : built.PoolKeys(target)) key += " " + pool;
    ids[key] = target.id.value();
  }
  return ids;
}

TEST(SnapshotTargets, IdsOfPoolsAndTargetsStayWhateverElseChanges) {
  const std::string groq = "  groq: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2, pool: x}]}\n";
  const std::string mine =
      "  mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1', models: {m: {canonical: shared}}}\n";
  const std::string chain =
      "  c: {targets: [{provider: groq, model: m, limits: {rpm: 3}}, {provider: mine, model: m}]}\n";
  const auto before = Ids(Build("version: 1\nproviders:\n" + groq + mine + "chains:\n" + chain));
  const auto after =
      Ids(Build("version: 1\nproviders:\n" + mine +
                "  new: {kind: cerebras, credentials: [{name: a, env: K3}]}\n"
                "  groq: {kind: groq, limits: {rpm: 1}, tokens: strict, credentials: [{name: n, env: K4, pool: y}, "
                "{name: b, env: K1, pool: x}, {name: a, env: K2}]}\n"
                "chains:\n"
                "  other: {targets: [{model: shared}]}\n"
                "  c: {targets: [{provider: groq, model: m, limits: {rpm: 9}}, {provider: mine, model: m}]}\n"));
  EXPECT_GT(after.size(), before.size());
  for (const auto& [name, id] : before) {
    ASSERT_TRUE(after.contains(name)) << name;
    EXPECT_EQ(after.at(name), id) << name;
  }
}

TEST(SnapshotTargets, IdsAreThoseOfEveryOtherProcess) {
  // Written down: a release that changes them forgets what was used of every pool.
  const Built built = Build(Chains("  c: {targets: [{provider: groq, model: openai/gpt-oss-120b}]}\n"));
  EXPECT_EQ(built.TargetOf("c", 0).id.value(), StableId("groq/default|openai/gpt-oss-120b"));
  EXPECT_EQ(built.TargetOf("c", 0).pools[0].value(), StableId("groq/default/openai/gpt-oss-120b"));
}

}  // namespace
}  // namespace chain429
