#include "gtest/gtest.h"

#include "common/config/zones.h"
#include "tests/common/config/catalogue_for_tests.h"

namespace chain429 {
namespace {

const Config& Good(const ParseOutcome& outcome) {
  EXPECT_EQ(outcome.text, "");
  static const Config kEmpty;
  return outcome.parsed == nullptr ? kEmpty : outcome.parsed->config;
}

TEST(Schema, TheSmallestConfigurationIsAVersion) {
  const ParseOutcome outcome = ParseForTests("version: 1\n");
  EXPECT_TRUE(Good(outcome).providers.empty());
  EXPECT_TRUE(Good(outcome).client_keys.empty());
}

TEST(Schema, KeysWithoutAValueCountAsAbsent) {
  const ParseOutcome outcome = ParseForTests(
      "version: 1\nauth:\nproviders:\nchains:\ndefault_chain: null\nnodes: []\nprices: {}\nwebhooks: []\nlog: {level: "
      "warning, format: text, file: null, rotate_mb: 100, keep: 5, bodies: off}\n");
  EXPECT_EQ(Good(outcome).log.level, LogLevel::kWarning);
  EXPECT_EQ(Good(outcome).log.format, LogFormat::kText);
}

TEST(Schema, ProvidersAreTakenWhole) {
  const ParseOutcome outcome = ParseForTests(
      "version: 1\n"
      "providers:\n"
      "  z: {kind: groq, credentials: [{name: main, env: A}, {name: o, file: /f, pool: other, limits: {rpm: 3}}, "
      "{name: own, proxy_env: B}, {name: f, proxy_file: /g}]}\n"
      "  a:\n"
      "    kind: openai\n"
      "    base_url: http://10.0.0.1:8000/v1\n"
      "    allow_http: true\n"
      "    headers: {X-Team: a b}\n"
      "    limits: {rpm: 60, rpd: 5000, tpm: 100000, tpd: 2000000, concurrency: 4}\n"
      "    windows: {rpd: {kind: fixed, anchor: \"07:30\", zone: America/Los_Angeles}, rpm: {kind: bucket}, tpd: "
      "{kind: fixed}}\n"
      "    tokens: strict\n"
      "    when_disconnected: deny\n"
      "    models: {m: {limits: {rpm: 10}, context: 32768, canonical: big}, n: }\n"
      "    enabled: false\n");
  const Config& config = Good(outcome);
  ASSERT_EQ(config.providers.size(), 2u);
  const ProviderConfig& z = config.providers[0];
  EXPECT_EQ(z.name, "z");
  EXPECT_EQ(z.endpoint.host, "api.groq.com");
  ASSERT_EQ(z.credentials.size(), 4u);
  EXPECT_EQ(z.credentials[0].source.kind, SecretSource::Kind::kEnv);
  EXPECT_EQ(z.credentials[0].source.path, "providers.z.credentials[0].env");
  EXPECT_EQ(z.credentials[1].pool, "other");
  EXPECT_EQ(z.credentials[1].limits[LimitKeyIndex("rpm")], 3);
  EXPECT_EQ(z.credentials[2].source.kind, SecretSource::Kind::kProxyEnv);
  EXPECT_EQ(z.credentials[3].source.kind, SecretSource::Kind::kProxyFile);
  EXPECT_EQ(z.credentials[3].source.name, "/g");
  const ProviderConfig& a = config.providers[1];
  EXPECT_EQ(a.headers, (std::vector<Header>{{"X-Team", "a b"}}));
  LimitAmounts limits;
  limits[LimitKeyIndex("rpm")] = 60;
  limits[LimitKeyIndex("rpd")] = 5000;
  limits[LimitKeyIndex("tpm")] = 100000;
  limits[LimitKeyIndex("tpd")] = 2000000;
  limits[LimitKeyIndex("concurrency")] = 4;
  EXPECT_EQ(a.limits, limits);
  EXPECT_EQ(a.windows[LimitKeyIndex("rpd")], (WindowSpec{WindowKind::kFixed, absl::Hours(24),
                                                         absl::Hours(7) + absl::Minutes(30), "America/Los_Angeles"}));
  EXPECT_EQ(a.windows[LimitKeyIndex("rpm")], (WindowSpec{WindowKind::kBucket, absl::Minutes(1), absl::ZeroDuration()}));
  EXPECT_EQ(a.windows[LimitKeyIndex("tpd")],
            (WindowSpec{WindowKind::kFixed, absl::Hours(24), absl::ZeroDuration(), "UTC"}));
  EXPECT_FALSE(a.windows[LimitKeyIndex("tpm")]);
  EXPECT_EQ(a.tokens, TokenPolicy::kStrict);
  EXPECT_EQ(a.when_disconnected, WhenDisconnected::kDeny);
  ASSERT_EQ(a.models.size(), 2u);
  EXPECT_EQ(a.models[0].canonical, "big");
  EXPECT_EQ(a.models[0].context, 32768);
  EXPECT_EQ(a.models[1].name, "n");
  EXPECT_FALSE(a.enabled);
}

TEST(Schema, ChainsAreTakenWhole) {
  const ParseOutcome outcome = ParseForTests(
      "version: 1\n"
      "auth: {client_keys: [{name: app, env: K, chains: [c]}, {name: b, file: /f}]}\n"
      "providers: {l: {kind: openai, base_url: \"http://[::1]:8000/v1\"}}\n"
      "chains:\n"
      "  c:\n"
      "    aliases: [gpt-4o, openai/gpt-4o]\n"
      "    targets: [{provider: l, model: m, tier: 0, limits: {tpm: 5}}, {provider: l, model: n, enabled: false}]\n"
      "    routing: ordered\n"
      "    max_attempts: 3\n"
      "    timeouts: {connect: 1s, first_token: 1m30s, idle: 500ms, total: 1h, keepalive: 10s}\n"
      "    wait: 2m\n"
      "    on_stream_break: error\n"
      "    cache: {ttl: 0s}\n"
      "default_chain: c\n");
  const Config& config = Good(outcome);
  ASSERT_EQ(config.chains.size(), 1u);
  const ChainConfig& chain = config.chains[0];
  EXPECT_EQ(chain.aliases[1].name, "openai/gpt-4o");
  EXPECT_EQ(chain.targets[0].limits[LimitKeyIndex("tpm")], 5);
  EXPECT_EQ(chain.targets[0].path, "chains.c.targets[0]");
  EXPECT_FALSE(chain.targets[1].enabled);
  EXPECT_EQ(chain.max_attempts, 3);
  EXPECT_EQ(chain.timeouts, (Timeouts{absl::Seconds(1), absl::Seconds(90), absl::Milliseconds(500), absl::Hours(1),
                                      absl::Seconds(10), true}));
  EXPECT_EQ(chain.wait, absl::Minutes(2));
  EXPECT_EQ(config.default_chain.name, "c");
  EXPECT_EQ(config.client_keys[0].chains[0].name, "c");
  EXPECT_EQ(config.client_keys[1].source.kind, SecretSource::Kind::kFile);
}

TEST(Schema, EveryLimitCanStandAtEveryLevelWithAWindow) {
  for (const LimitKey& key : kLimitKeys) {
    const std::string limit = "limits: {" + std::string(key.name) + ": 7}";
    const bool concurrency = key.unit == Unit::kConcurrency;
    const std::string window =
        concurrency ? "" : ", windows: {" + std::string(key.name) + ": {kind: bucket, burst: 3}}";
    const ParseOutcome outcome =
        ParseForTests("version: 1\nproviders: {p: {kind: openai, base_url: \"http://[::1]\", " + limit + window +
                      ", credentials: [{name: c, env: E, " + limit + "}], models: {m: {credits: {request: 1}, " +
                      limit + "}}}}\nchains: {c: {targets: [{provider: p, model: m, " + limit + "}]}}\n");
    const Config& config = Good(outcome);
    ASSERT_EQ(config.providers.size(), 1u) << key.name;
    const int64_t unit = key.unit == Unit::kCredits ? kMicrosPerCredit : 1;
    LimitAmounts limits;
    limits[LimitKeyIndex(key.name)] = 7 * unit;
    const ProviderConfig& p = config.providers[0];
    EXPECT_EQ(p.limits, limits) << key.name;
    EXPECT_EQ(p.credentials[0].limits, limits) << key.name;
    EXPECT_EQ(p.models[0].limits, limits) << key.name;
    EXPECT_EQ(config.chains[0].targets[0].limits, limits) << key.name;
    const WindowSpec bucket{WindowKind::kBucket, key.window, absl::ZeroDuration(), "UTC", 3 * unit};
    if (!concurrency) {
      EXPECT_EQ(p.windows[LimitKeyIndex(key.name)], bucket) << key.name;
    }
  }
}

TEST(Schema, WhatAModelCostsIsTakenExactly) {
  const ParseOutcome outcome = ParseForTests(
      "version: 1\nproviders:\n  p:\n    kind: openai\n    base_url: http://[::1]\n    limits: {cpd: 10000, cpmo: "
      "0.10}\n"
      "    models: {m: {credits: {request: 0.5, input_per_mtok: 31876, output_per_mtok: 0.000001}}, "
      "free: {credits: {request: 0}}}\n");
  const Config& config = Good(outcome);
  ASSERT_EQ(config.providers.size(), 1u);
  EXPECT_EQ(config.providers[0].limits[LimitKeyIndex("cpd")], 10'000 * kMicrosPerCredit);
  EXPECT_EQ(config.providers[0].limits[LimitKeyIndex("cpmo")], 100'000);
  EXPECT_EQ(config.providers[0].models[0].rates, (CreditRates{500'000, 31'876 * kMicrosPerCredit, 1}));
  EXPECT_EQ(config.providers[0].models[1].rates, CreditRates());
}

TEST(Schema, WhatTheCatalogueKnowsOfAModelsCostNeedNotBeWritten) {
  EXPECT_EQ(
      ParseForTests("version: 1\nproviders: {n: {kind: neurons, credentials: [{name: c, env: E}], limits: {cpd: 5}}}\n"
                    "chains: {c: {targets: [{provider: n, model: small}]}}\n")
          .text,
      "");
}

TEST(Schema, NoKeyIsNeededWhereNoneIsWanted) {
  EXPECT_EQ(ParseForTests("version: 1\nproviders: {k: {kind: keyless}}\n").text, "");
  EXPECT_EQ(ParseForTests("version: 1\nproviders: {g: {kind: groq, base_url: \"http://localhost:1\"}}\n").text, "");
  EXPECT_EQ(
      ParseForTests("version: 1\nproviders: {l: {kind: openai, base_url: \"https://h\", credentials: []}}\n").text, "");
}

TEST(Zones, AreLookedUpWithoutReadingPaths) {
  EXPECT_EQ(LookUpZone("UTC"), ZoneAnswer::kKnown);
  for (const char* zone :
       {"", "/etc/passwd", "../UTC", "localtime", "file:/etc/localtime", "Mars/Olympus", "America/Los Angeles"}) {
    EXPECT_NE(LookUpZone(zone), ZoneAnswer::kKnown) << zone;
  }
}

}  // namespace
}  // namespace chain429
