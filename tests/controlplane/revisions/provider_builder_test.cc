#include "controlplane/revisions/provider_builder.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

LimitAmounts Amounts(std::optional<int64_t> rpm, std::optional<int64_t> rpd, std::optional<int64_t> tpm,
                     std::optional<int64_t> tpd, std::optional<int64_t> concurrency) {
  LimitAmounts amounts;
  amounts[LimitKeyIndex("rpm")] = rpm;
  amounts[LimitKeyIndex("rpd")] = rpd;
  amounts[LimitKeyIndex("tpm")] = tpm;
  amounts[LimitKeyIndex("tpd")] = tpd;
  amounts[LimitKeyIndex("concurrency")] = concurrency;
  return amounts;
}

TEST(BuildLimits, ARequestLimitIsASlidingMinuteOrDayUnlessTheKindOrTheConfigurationSaysOtherwise) {
  const LimitAmounts all = Amounts(60, 5000, 100'000, 2'000'000, 4);
  ProviderConfig config;
  EXPECT_EQ(Describe(BuildLimits(all, config, *KnownKinds().Find("openai"))),
            (LimitTexts{"60 requests per 1m sliding, configured", "5000 requests per 24h sliding, configured",
                        "100000 tokens per 1m sliding, configured", "2000000 tokens per 24h sliding, configured",
                        "4 concurrency, configured"}));
  EXPECT_EQ(Describe(BuildLimits(Amounts({}, 5000, {}, {}, {}), config, *KnownKinds().Find("pacific"))),
            (LimitTexts{"5000 requests per 24h fixed at 0s America/Los_Angeles, configured"}));
  config.windows[LimitKeyIndex("rpd")] = WindowSpec{WindowKind::kFixed, absl::Hours(24), absl::Hours(6), "UTC"};
  EXPECT_EQ(Describe(BuildLimits(Amounts({}, 5000, {}, {}, {}), config, *KnownKinds().Find("pacific"))),
            (LimitTexts{"5000 requests per 24h fixed at 6h UTC, configured"}));
}

TEST(BuildLimits, EveryKeyHasItsUnitAndLength) {
  LimitAmounts all;
  for (size_t i = 0; i < kLimitKeys.size(); ++i) all[i] = static_cast<int64_t>(i) + 1;
  const std::vector<Limit> limits = BuildLimits(all, ProviderConfig(), *KnownKinds().Find("openai"));
  ASSERT_EQ(limits.size(), kLimitKeys.size());
  for (size_t i = 0; i < limits.size(); ++i) {
    EXPECT_EQ(limits[i].unit, kLimitKeys[i].unit);
    EXPECT_EQ(limits[i].window.length, kLimitKeys[i].window);
    EXPECT_EQ(limits[i].amount, *all[i]);
  }
}

TEST(BuildLimits, NoAmountIsNoLimit) {
  EXPECT_TRUE(BuildLimits({}, ProviderConfig(), *KnownKinds().Find("groq")).empty());
}

TEST(CatalogueModelLimits, AreThoseThatNoConfiguredLimitOfTheSameUnitAndWindowReplaces) {
  const CatalogueEntry& groq = *KnownKinds().Find("groq");
  const std::string model = "openai/gpt-oss-120b";
  ProviderConfig config;
  EXPECT_EQ(Describe(CatalogueModelLimits(config, groq, model)),
            (LimitTexts{"20 requests per 1m sliding, catalogue", "8000 tokens per 1m sliding, catalogue"}));
  config.limits = Amounts(5, {}, {}, {}, {});
  EXPECT_EQ(Describe(CatalogueModelLimits(config, groq, model)), (LimitTexts{"8000 tokens per 1m sliding, catalogue"}));
  ModelConfig& own = config.models.emplace_back();
  own.name = model;
  own.limits = Amounts({}, {}, 100, {}, {});
  EXPECT_TRUE(CatalogueModelLimits(config, groq, model).empty());
  EXPECT_TRUE(CatalogueModelLimits(ProviderConfig(), groq, "a-model-that-nobody-knows").empty());
}

TEST(BuildProvider, TakesWhatTheConfigurationSaysAndFromTheCatalogueTheRest) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  fast:\n"
      "    kind: groq\n"
      "    base_url: https://gateway.example:8443/groq/\n"
      "    credentials: [{name: main, env: K1}]\n"
      "    headers: {X-Team: a}\n"
      "    tokens: strict\n"
      "    when_disconnected: deny\n"
      "    limits: {rpm: 5}\n"
      "  plain: {kind: groq, credentials: [{name: main, env: K2}]}\n");
  const Provider& fast = built.ProviderOf("fast");
  EXPECT_EQ(fast.kind, "groq");
  EXPECT_EQ(fast.endpoint.host, "gateway.example");
  EXPECT_EQ(fast.endpoint.port, 8443);
  EXPECT_EQ(fast.endpoint.path, "/groq");
  EXPECT_EQ(fast.headers, (std::vector<Header>{{"X-Team", "a"}}));
  EXPECT_EQ(fast.tokens, TokenPolicy::kStrict);
  EXPECT_EQ(fast.when_disconnected, WhenDisconnected::kDeny);
  EXPECT_EQ(Describe(fast.limits), (LimitTexts{"5 requests per 1m sliding, configured"}));
  EXPECT_EQ(fast.pool_scope, PoolScope::kModel);
  EXPECT_EQ(fast.catalogue_entry, KnownKinds().Find("groq")->json);
  EXPECT_TRUE(fast.enabled);
  const Provider& plain = built.ProviderOf("plain");
  EXPECT_EQ(plain.endpoint.host, "groq.example");
  EXPECT_EQ(plain.endpoint.path, "/openai/v1");
  EXPECT_TRUE(plain.endpoint.tls);
  EXPECT_EQ(plain.tokens, TokenPolicy::kP95);
  EXPECT_EQ(plain.when_disconnected, WhenDisconnected::kShare);
  EXPECT_TRUE(plain.limits.empty());
  EXPECT_EQ(Describe(plain.catalogue_limits),
            (LimitTexts{"30 requests per 1m sliding, catalogue", "1000 requests per 24h bucket, catalogue"}));
}

TEST(BuildProvider, TheKindsLimitsMoveAsTheConfiguredWindowsSay) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  g:\n"
      "    kind: groq\n"
      "    credentials: [{name: main, env: K1}]\n"
      "    windows: {rpm: {kind: bucket}, rpd: {kind: fixed, anchor: \"06:00\", zone: UTC}}\n");
  EXPECT_EQ(Describe(built.ProviderOf("g").catalogue_limits),
            (LimitTexts{"30 requests per 1m bucket, catalogue", "1000 requests per 24h fixed at 6h UTC, catalogue"}));
}

TEST(BuildProvider, ConfiguredModelsComeFirstAndThoseOfTheCatalogueFollow) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  g:\n"
      "    kind: groq\n"
      "    credentials: [{name: main, env: K1}]\n"
      "    models:\n"
      "      own: {context: 100, canonical: shared, limits: {rpm: 3}}\n"
      "      bare:\n"
      "      openai/gpt-oss-20b: {limits: {rpm: 2}}\n"
      "      openai/gpt-oss-120b: {context: 9, canonical: mine}\n"
      "  plain: {kind: groq, credentials: [{name: main, env: K2}]}\n");
  const std::vector<ModelLimits>& models = built.ProviderOf("g").models;
  ASSERT_EQ(models.size(), 4u);
  EXPECT_EQ(models[0].model, "own");
  EXPECT_EQ(models[0].context, 100);
  EXPECT_EQ(models[0].canonical, "shared");
  EXPECT_EQ(Describe(models[0].limits), (LimitTexts{"3 requests per 1m sliding, configured"}));
  EXPECT_EQ(models[1].model, "bare");
  EXPECT_EQ(models[1].canonical, "bare") << "a model that nobody gave a shared name is known by its own";
  EXPECT_EQ(models[1].context, 0);
  EXPECT_EQ(models[2].context, 65536) << "what the configuration does not say, the catalogue does";
  EXPECT_EQ(models[2].canonical, "gpt-oss-20b");
  EXPECT_EQ(models[3].context, 9);
  EXPECT_EQ(models[3].canonical, "mine");
  const std::vector<ModelLimits>& known = built.ProviderOf("plain").models;
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0].model, "openai/gpt-oss-120b");
  EXPECT_EQ(known[0].context, 131072);
}

TEST(BuildProvider, OfAKeyThatAProxyResolvesOnlyTheNameGoesOut) {
  FakeWorld world;
  world.variables["GROQ_KEY"] = "key-of-another-process";
  world.files["/run/groq"] = "key-of-another-process";
  const Built built = Build(
      "version: 1\n"
      "providers: {g: {kind: groq, credentials: [{name: a, proxy_env: GROQ_KEY}, {name: b, proxy_file: /run/groq}]}}\n",
      world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  const std::vector<Credential>& credentials = built.ProviderOf("g").credentials;
  EXPECT_TRUE(credentials[0].key.empty());
  EXPECT_EQ(credentials[0].proxy_env, "GROQ_KEY");
  EXPECT_EQ(credentials[0].proxy_file, "");
  EXPECT_TRUE(credentials[0].usable);
  EXPECT_TRUE(credentials[1].key.empty());
  EXPECT_EQ(credentials[1].proxy_env, "");
  EXPECT_EQ(credentials[1].proxy_file, "/run/groq");
  EXPECT_TRUE(credentials[1].usable);
}

// Where nothing is known of accounts each credential is one; elsewhere those for which nothing is said share one.
TEST(BuildProvider, ACredentialsAccountIsTheKindsRuleUnlessAPoolIsNamed) {
  struct Case {
    const char* kind;
    std::array<const char*, 3> groups;
  };
  const Case cases[] = {
      {"openai", {"a", "b", "other"}}, {"local", {"a", "b", "other"}}, {"groq", {"default", "default", "other"}}};
  for (const Case& one : cases) {
    const Built built = Build(
        std::string("version: 1\nproviders: {p: {kind: ") + one.kind +
        ", base_url: 'https://p.example/v1', credentials: [{name: a, env: K1}, {name: b, env: K2}, {name: c, env: "
        "K3, pool: other}]}}\n");
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(built.ProviderOf("p").credentials[i].group, one.groups[i]) << one.kind;
  }
}

TEST(CredentialPoolKey, CarriesTheAccountAndTheName) {
  Provider provider;
  provider.name = "p";
  Credential credential;
  credential.name = "main";
  EXPECT_EQ(CredentialPoolKey(provider, credential), "p#main");
  credential.group = "org";
  EXPECT_EQ(CredentialPoolKey(provider, credential), "p/org#main");
}

TEST(BuildProvider, CostsAreTheConfigurationsElseTheCataloguesAndTheRuleIsTheKinds) {
  const Built built = Build(
      "version: 1\n"
      "providers:\n"
      "  m:\n"
      "    kind: metered\n"
      "    credentials: [{name: main, env: K1}]\n"
      "    windows: {cpd: {kind: fixed, anchor: \"00:00\", zone: UTC}, rpm: {kind: bucket, burst: 3}}\n"
      "    limits: {cpd: 0.5, rpm: 60}\n"
      "    models: {own: {credits: {request: 2}}, priced: {credits: {output_per_mtok: 0.25}}, known: {context: 5}}\n");
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  const Provider& provider = built.ProviderOf("m");
  EXPECT_EQ(provider.charging, (ChargeRule{TokenCharge::kUpFront, 100, false, true}));
  ASSERT_EQ(provider.models.size(), 4u);
  EXPECT_EQ(provider.models[0].rates, (CreditRates{2'000'000, 0, 0}));
  EXPECT_EQ(provider.models[1].rates, (CreditRates{0, 0, 250'000})) << "whole, not beside the catalogue's";
  EXPECT_EQ(provider.models[2].rates, (CreditRates{7'000'000, 0, 0}));
  EXPECT_EQ(provider.models[3].model, "other");
  EXPECT_EQ(provider.models[3].rates, CreditRates());
  EXPECT_EQ(Describe(provider.limits), (LimitTexts{"500000 credits per 24h fixed at 0s UTC, configured",
                                                   "60 requests per 1m bucket, configured"}));
  for (const Limit& limit : provider.limits) EXPECT_EQ(limit.at_once(), limit.unit == Unit::kRequests ? 3 : 500'000);
  for (const Pool& pool : built.snapshot->pools) EXPECT_EQ(pool.charging, provider.charging) << pool.key;
}

}  // namespace
}  // namespace chain429
