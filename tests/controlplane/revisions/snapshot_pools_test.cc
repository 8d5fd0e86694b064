// Where limits become pools.
#include <gtest/gtest.h>

#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

// A provider `p` of `kind` with `more` in it, used by chain `c` through `targets`.
std::string One(const std::string& kind, const std::string& more, const std::string& targets) {
  return "version: 1\nproviders:\n  p:\n    kind: " + kind + "\n" + more + "chains:\n  c: {targets: [" + targets +
         "]}\n";
}

const std::string kUrl = "    base_url: http://127.0.0.1:1/v1\n";

TEST(SnapshotPools, OfAnOpenAiServerACredentialIsAPoolSharedByAllModelsAndChains) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  p:\n    kind: openai\n" +
      kUrl +
      "    limits: {rpm: 60}\n"
      "    credentials: [{name: a, env: K1}, {name: b, env: K2}]\n"
      "chains:\n"
      "  c: {targets: [{provider: p, model: m1}, {provider: p, model: m2}]}\n"
      "  d: {targets: [{provider: p, model: m1}]}\n");
  EXPECT_EQ(built.Targets("c"),
            (Strings{"p/m1 of a with 0", "p/m1 of b with 1", "p/m2 of a with 0", "p/m2 of b with 1"}));
  EXPECT_EQ(built.Targets("d"), (Strings{"p/m1 of a with 0", "p/m1 of b with 1"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p/a", "p/a|m1"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 2)), (Strings{"p/a", "p/a|m2"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 3)), (Strings{"p/b", "p/b|m2"}));
  EXPECT_EQ(built.ChainOf("c").targets[0], built.ChainOf("d").targets[0]);
  for (const std::string key : {"p/a", "p/b"})
    EXPECT_EQ(built.Limits(key), (LimitTexts{"60 requests per 1m sliding, configured"}));
}

TEST(SnapshotPools, WithoutCredentialsTheProviderIsThePool) {
  const Built built = Build(One("openai", kUrl + "    limits: {rpm: 60, concurrency: 4}\n",
                                "{provider: p, model: m1}, {provider: p, model: m2}"));
  EXPECT_EQ(built.Targets("c"), (Strings{"p/m1 of  with ", "p/m2 of  with "}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p", "p|m1"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 1)), (Strings{"p", "p|m2"}));
  EXPECT_EQ(built.Limits("p"), (LimitTexts{"60 requests per 1m sliding, configured", "4 concurrency, configured"}));
}

TEST(SnapshotPools, AnotherKindOfOwnServerCountsByCredentialToo) {
  const Built built =
      Build(One("local", "    credentials: [{name: a, env: K1}, {name: b, env: K2}]\n", "{provider: p, model: m}"));
  EXPECT_EQ(built.Targets("c"), (Strings{"p/m of a with 0", "p/m of b with 1"}));
}

TEST(SnapshotPools, ANamedPoolJoinsCredentials) {
  const Built built = Build(One(
      "openai",
      kUrl + "    credentials: [{name: a, env: K1, pool: org}, {name: b, env: K2}, {name: d, env: K3, pool: org}]\n",
      "{provider: p, model: m}"));
  EXPECT_EQ(built.Targets("c"), (Strings{"p/m of org with 0,2", "p/m of b with 1"}));
}

TEST(SnapshotPools, WhereLimitsHoldByModelEachModelOfAnAccountHasItsOwnPool) {
  const Built built = Build(
      One("groq", "    credentials: [{name: a, env: K1}, {name: b, env: K2}, {name: d, env: K3, pool: other-org}]\n",
          "{provider: p, model: openai/gpt-oss-120b}, {provider: p, model: unknown}"));
  EXPECT_EQ(built.Targets("c"),
            (Strings{"p/openai/gpt-oss-120b of default with 0,1", "p/openai/gpt-oss-120b of other-org with 2",
                     "p/unknown of default with 0,1", "p/unknown of other-org with 2"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)),
            (Strings{"p/default/openai/gpt-oss-120b", "p/default|openai/gpt-oss-120b"}));
  // What is known of the model itself replaces what is known of the kind.
  const LimitTexts known = {"20 requests per 1m sliding, catalogue", "8000 tokens per 1m sliding, catalogue"};
  EXPECT_EQ(built.Limits("p/default/openai/gpt-oss-120b"), known);
  EXPECT_EQ(built.Limits("p/other-org/openai/gpt-oss-120b"), known);
  EXPECT_EQ(built.Limits("p/default/unknown"),
            (LimitTexts{"30 requests per 1m sliding, catalogue", "1000 requests per 24h bucket, catalogue"}));
  EXPECT_EQ(built.Limits("p/default|openai/gpt-oss-120b"), LimitTexts{});
}

TEST(SnapshotPools, AManualLimitOverridesThatOfTheKindAndLeavesTheOthers) {
  const Built built = Build(One("groq", "    credentials: [{name: a, env: K1}]\n    limits: {rpm: 5}\n",
                                "{provider: p, model: openai/gpt-oss-120b}, {provider: p, model: unknown}"));
  EXPECT_EQ(built.Limits("p/default/openai/gpt-oss-120b"),
            (LimitTexts{"5 requests per 1m sliding, configured", "8000 tokens per 1m sliding, catalogue"}));
  EXPECT_EQ(built.Limits("p/default/unknown"),
            (LimitTexts{"5 requests per 1m sliding, configured", "1000 requests per 24h bucket, catalogue"}));
}

TEST(SnapshotPools, ALimitOfAModelHoldsBesideThatOfTheProviderNotInstead) {
  const Built built = Build(One("openai",
                                kUrl + "    limits: {rpm: 60}\n"
                                       "    models: {m1: {limits: {rpm: 10, tpm: 500}}}\n",
                                "{provider: p, model: m1}, {provider: p, model: m2}"));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p", "p|m1"}));
  EXPECT_EQ(built.Limits("p"), (LimitTexts{"60 requests per 1m sliding, configured"}));
  EXPECT_EQ(built.Limits("p|m1"),
            (LimitTexts{"10 requests per 1m sliding, configured", "500 tokens per 1m sliding, configured"}));
  EXPECT_EQ(built.Limits("p|m2"), LimitTexts{});
}

TEST(SnapshotPools, AManualLimitOfAModelOverridesWhatTheCatalogueKnowsOfIt) {
  const Built built =
      Build(One("groq",
                "    credentials: [{name: a, env: K1}]\n"
                "    models: {openai/gpt-oss-120b: {limits: {rpm: 100}}, openai/gpt-oss-20b: {limits: {rpm: 50}}}\n",
                "{provider: p, model: openai/gpt-oss-120b}, {provider: p, model: openai/gpt-oss-20b}"));
  EXPECT_EQ(built.Limits("p/default/openai/gpt-oss-120b"), (LimitTexts{"8000 tokens per 1m sliding, catalogue"}));
  EXPECT_EQ(built.Limits("p/default|openai/gpt-oss-120b"), (LimitTexts{"100 requests per 1m sliding, configured"}));
  EXPECT_EQ(built.Limits("p/default/openai/gpt-oss-20b"), (LimitTexts{"1000 requests per 24h bucket, catalogue"}));
  EXPECT_EQ(built.Limits("p/default|openai/gpt-oss-20b"), (LimitTexts{"50 requests per 1m sliding, configured"}));
}

TEST(SnapshotPools, FreeModelsOfAnAccountShareOnePoolAndOthersKnowNoLimit) {
  const Built built =
      Build(One("router", "    credentials: [{name: a, env: K1}]\n",
                "{provider: p, model: 'm:free'}, {provider: p, model: 'n:free'}, {provider: p, model: paid}"));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p/default/:free", "p/default|m:free"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 1)), (Strings{"p/default/:free", "p/default|n:free"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 2)), (Strings{"p/default", "p/default|paid"}));
  EXPECT_EQ(built.Limits("p/default/:free"),
            (LimitTexts{"20 requests per 1m sliding, catalogue", "50 requests per 24h sliding, catalogue"}));
  EXPECT_EQ(built.Limits("p/default"), LimitTexts{});
}

TEST(SnapshotPools, WhereAllModelsShareAPoolWhatIsKnownOfOneStandsBesideIt) {
  const Built built = Build(One("account", "    credentials: [{name: a, env: K1}]\n",
                                "{provider: p, model: big}, {provider: p, model: small}"));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p/default", "p/default|big"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 1)), (Strings{"p/default", "p/default|small"}));
  EXPECT_EQ(built.Limits("p/default"), (LimitTexts{"40 requests per 1m sliding, catalogue"}));
  EXPECT_EQ(built.Limits("p/default|big"),
            (LimitTexts{"4 requests per 1m sliding, catalogue", "900 tokens per 1m sliding, catalogue"}));
  EXPECT_EQ(built.Limits("p/default|small"), LimitTexts{});
}

TEST(SnapshotPools, ACredentialWithItsOwnLimitsIsATargetOfItsOwnWithinItsAccount) {
  const Built built = Build(
      One("groq", "    credentials: [{name: a, env: K1}, {name: b, env: K2, limits: {rpd: 100}}, {name: d, env: K3}]\n",
          "{provider: p, model: openai/gpt-oss-120b}"));
  EXPECT_EQ(built.Targets("c"),
            (Strings{"p/openai/gpt-oss-120b of default with 0,2", "p/openai/gpt-oss-120b of default with 1"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 1)),
            (Strings{"p/default/openai/gpt-oss-120b", "p/default#b", "p/default|openai/gpt-oss-120b"}));
  EXPECT_EQ(built.Limits("p/default#b"), (LimitTexts{"100 requests per 24h bucket, configured"}));
  EXPECT_EQ(built.Limits("p/default#a"), LimitTexts{});
  EXPECT_EQ(built.TargetOf("c", 0).pools.front(), built.TargetOf("c", 1).pools.front())
      << "the account's own limit is one";
}

TEST(SnapshotPools, ALimitOnATargetHoldsForThatLineOfTheChainAlone) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n  p:\n    kind: openai\n" +
      kUrl + "    limits: {rpm: 60}\n    credentials: [{name: a, env: K1}, {name: b, env: K2}]\n" +
      "chains:\n"
      "  c: {targets: [{provider: p, model: m, limits: {rpm: 5}}]}\n"
      "  d: {targets: [{provider: p, model: m}, {provider: p, model: m, limits: {rpd: 7}}]}\n"
      "  e: {targets: [{chain: c}]}\n");
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 0)), (Strings{"p/a", "chains.c.targets[p/m]@p/a", "p/a|m"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("c", 1)), (Strings{"p/b", "chains.c.targets[p/m]@p/b", "p/b|m"}));
  EXPECT_EQ(built.Limits("chains.c.targets[p/m]@p/a"), (LimitTexts{"5 requests per 1m sliding, configured"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("d", 0)), (Strings{"p/a", "p/a|m"}));
  EXPECT_EQ(built.PoolKeys(built.TargetOf("d", 2)), (Strings{"p/a", "chains.d.targets[p/m]@p/a", "p/a|m"}));
  EXPECT_EQ(built.ChainOf("e").targets, built.ChainOf("c").targets) << "the line is the same, wherever it is included";
  EXPECT_EQ(built.Limits("p/a"), (LimitTexts{"60 requests per 1m sliding, configured"}));
}

TEST(SnapshotPools, ALinesOwnLimitKeepsItsPoolWhenLinesAreAddedAboveIt) {
  const std::string head = "version: 1\nproviders:\n  p:\n    kind: openai\n" + kUrl + "chains:\n  c: {targets: [";
  const std::string line = "{provider: p, model: m, limits: {rpm: 5}}";
  const Built before = Build(head + line + "]}\n");
  const Built after = Build(head + "{provider: p, model: n, limits: {rpm: 1}}, " + line + "]}\n");
  EXPECT_EQ(before.PoolKeys(before.TargetOf("c", 0)), (Strings{"p", "chains.c.targets[p/m]@p", "p|m"}));
  EXPECT_EQ(after.PoolKeys(after.TargetOf("c", 1)), before.PoolKeys(before.TargetOf("c", 0)));
  EXPECT_EQ(after.TargetOf("c", 1).id, before.TargetOf("c", 0).id);
}

TEST(SnapshotPools, LinesOfTheSameTargetWithLimitsOfTheirOwnHaveAPoolEach) {
  const Built built = Build("version: 1\nproviders:\n  p:\n    kind: openai\n" + kUrl +
                            "chains:\n  c: {targets: [{provider: p, model: m, limits: {rpm: 5}}, {provider: p, model: "
                            "m, limits: {rpd: 7}}]}\n");
  EXPECT_EQ(built.Limits("chains.c.targets[p/m]@p"), (LimitTexts{"5 requests per 1m sliding, configured"}));
  EXPECT_EQ(built.Limits("chains.c.targets#2[p/m]@p"), (LimitTexts{"7 requests per 24h sliding, configured"}));
}

TEST(SnapshotPools, EveryCredentialHasAPoolThatClosesWhenItIsRefused) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  p: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2, pool: org}]}\n"
      "  q: {kind: openai, base_url: 'http://127.0.0.1:1/v1', credentials: [{name: a, env: K3}]}\n");
  for (const std::string key : {"p/default#a", "p/org#b", "q/a#a"}) {
    const Pool* pool = built.PoolOf(key);
    ASSERT_NE(pool, nullptr) << key;
    EXPECT_FALSE(pool->learns);
  }
  EXPECT_EQ(built.ProviderOf("p").credentials[1].pool, built.PoolOf("p/org#b")->id);
  EXPECT_NE(built.ProviderOf("p").credentials[0].pool, built.ProviderOf("q").credentials[0].pool);
}

TEST(SnapshotPools, OnlyTheAccountsPoolLearnsFromHeaders) {
  const Built built = Build(One("openai", kUrl + "    credentials: [{name: a, env: K1, limits: {rpm: 1}}]\n",
                                "{provider: p, model: m, limits: {rpm: 2}}"));
  const Target& target = built.TargetOf("c", 0);
  ASSERT_EQ(built.PoolKeys(target), (Strings{"p/a", "p/a#a", "chains.c.targets[p/m]@p/a", "p/a|m"}));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(built.PoolOf(built.PoolKeys(target)[i])->learns, i == 0) << i;
}

TEST(SnapshotPools, ThePoliciesOfTheProviderGoWithItsPools) {
  const Built built = Build(
      One("openai", kUrl + "    tokens: strict\n    when_disconnected: open\n    credentials: [{name: a, env: K1}]\n",
          "{provider: p, model: m, limits: {rpm: 2}}"));
  for (const Pool& pool : built.snapshot->pools) {
    EXPECT_EQ(pool.tokens, TokenPolicy::kStrict) << pool.key;
    EXPECT_EQ(pool.when_disconnected, WhenDisconnected::kOpen) << pool.key;
  }
}

TEST(SnapshotPools, NoPoolIsThereTwiceAndEachIdIsThatOfItsKey) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  p: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2, limits: {rpm: 2}}]}\n"
      "chains:\n"
      "  c: {targets: [{provider: p, model: openai/gpt-oss-120b}, {model: gpt-oss-120b}, {model: oss-big}]}\n"
      "  d: {targets: [{chain: c}]}\n");
  for (const Pool& pool : built.snapshot->pools) EXPECT_EQ(pool.id.value(), StableId(pool.key)) << pool.key;
  EXPECT_EQ(built.snapshot->pool_by_id.size(), built.snapshot->pools.size());
}

}  // namespace
}  // namespace chain429
