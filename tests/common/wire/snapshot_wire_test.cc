#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chain429/v1/fleet.pb.h"
#include "common/wire/model_wire.h"

namespace chain429::wire {
namespace {

Limit FixedLimit() {
  return {.unit = Unit::kTokens,
          .amount = 1000,
          .window = {.kind = WindowKind::kFixed,
                     .length = absl::Hours(24),
                     .anchor = absl::Hours(1),
                     .zone = "America/Los_Angeles"},
          .provenance = Provenance::kStated};
}

Limit CreditLimit() {
  return {.unit = Unit::kCredits,
          .amount = 100'000,
          .window = {.kind = WindowKind::kBucket, .length = kMonth, .anchor = absl::ZeroDuration(), .burst = 5},
          .provenance = Provenance::kConfigured};
}

Limit MakeLimit(Unit unit, int64_t amount, WindowKind kind, Provenance provenance) {
  Limit limit;
  limit.unit = unit;
  limit.amount = amount;
  limit.window.kind = kind;
  limit.provenance = provenance;
  return limit;
}

Snapshot FullSnapshot() {
  Snapshot snapshot;
  Provider provider;
  provider.name = "groq";
  provider.kind = "groq";
  provider.endpoint = {
      .tls = true, .host = "api.groq.com", .port = 443, .path = "/openai/v1", .host_header = "api.groq.com"};
  provider.headers = {{"x-Team", "a"}};
  provider.catalogue_entry = R"({"kind":"groq"})";
  Credential credential;
  credential.name = "main";
  credential.group = "org";
  credential.pool = PoolId(31);
  credential.limits = {MakeLimit(Unit::kConcurrency, 4, WindowKind::kSliding, Provenance::kConfigured)};
  credential.key = Secret("gsk_0123456789");
  provider.credentials.push_back(credential);
  credential.name = "own";
  credential.key = Secret();
  credential.proxy_env = "GROQ_KEY";
  credential.proxy_file = "/run/key";
  credential.usable = false;
  provider.credentials.push_back(credential);
  provider.limits = {FixedLimit(), MakeLimit(Unit::kRequests, 30, WindowKind::kBucket, Provenance::kInferred)};
  provider.pool_scope = PoolScope::kModel;
  provider.catalogue_limits = {MakeLimit(Unit::kOutputTokens, 0, WindowKind::kSliding, Provenance::kCatalogue)};
  provider.models = {{.model = "m",
                      .limits = {FixedLimit(), CreditLimit()},
                      .context = 32768,
                      .canonical = "canon",
                      .aliases = {"also"},
                      .rates = CreditRates{1, 2, 3}},
                     {.model = "unpriced", .limits = {}, .canonical = {}, .aliases = {}, .rates = {}}};
  provider.charging = {
      .tokens = TokenCharge::kUpFrontKept, .default_output = 4096, .counts_refused = true, .counts_failed = false};
  provider.tokens = TokenPolicy::kStrict;
  provider.when_disconnected = WhenDisconnected::kDeny;
  provider.first_token = absl::Minutes(3);
  provider.ask_usage = false;
  provider.enabled = false;
  snapshot.providers.push_back(provider);
  snapshot.pools = {{.id = PoolId(1),
                     .key = "groq/org",
                     .limits = {FixedLimit()},
                     .tokens = TokenPolicy::kStrict,
                     .charging = {.tokens = TokenCharge::kUpFront, .default_output = 7},
                     .rates = CreditRates{4, 5, 6},
                     .when_disconnected = WhenDisconnected::kOpen,
                     .learns = false},
                    {.id = PoolId(2), .key = "groq/org|m", .limits = {}, .charging = {}, .rates = {}}};
  snapshot.targets = {{.id = TargetId(11),
                       .name = "groq/m",
                       .provider = 0,
                       .group = "org",
                       .model = "m",
                       .credentials = {0, 1},
                       .pools = {PoolId(1), PoolId(2)},
                       .context = 32768}};
  snapshot.chains = {
      {.name = "coding",
       .aliases = {"gpt-4o"},
       .targets = {0},
       .routing = Routing::kSpread,
       .max_attempts = 3,
       .timeouts = {absl::Seconds(1), absl::Seconds(2), absl::Seconds(3), absl::Seconds(4), absl::Seconds(5)},
       .wait = absl::Seconds(6)}};
  snapshot.client_keys = {{.name = "app", .sha256 = std::string(32, '\xfe'), .chains = {"coding"}}};
  snapshot.default_chain = "coding";
  snapshot.auth_required = true;
  snapshot.log = {.level = LogLevel::kDebug,
                  .format = LogFormat::kText,
                  .file = "/var/log/{node}",
                  .rotate_mb = 7,
                  .keep = 0,
                  .bodies = LogBodies::kErrors};
  return snapshot;
}

TEST(SnapshotWire, KeepsEveryField) {
  const Snapshot want = FullSnapshot();
  const auto back = ParseSnapshot(SerializeSnapshot(want), Version(7));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->version, Version(7));
  ASSERT_EQ(back->providers.size(), 1u);
  const Provider& provider = back->providers[0];
  EXPECT_EQ(provider.name, "groq");
  EXPECT_EQ(provider.kind, "groq");
  EXPECT_EQ(provider.endpoint, want.providers[0].endpoint);
  EXPECT_EQ(provider.charging, want.providers[0].charging);
  ASSERT_EQ(provider.models.size(), 2u);
  EXPECT_EQ(provider.models[0].rates, (CreditRates{1, 2, 3}));
  EXPECT_EQ(provider.models[0].limits, want.providers[0].models[0].limits);
  EXPECT_FALSE(provider.models[1].rates) << "not known is not the same as nothing";
  EXPECT_EQ(provider.headers, want.providers[0].headers);
  EXPECT_EQ(provider.catalogue_entry, want.providers[0].catalogue_entry);
  ASSERT_EQ(provider.credentials.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const Credential& have = provider.credentials[i];
    const Credential& expected = want.providers[0].credentials[i];
    EXPECT_EQ(have.name, expected.name);
    EXPECT_EQ(have.group, expected.group);
    EXPECT_EQ(have.pool, expected.pool);
    EXPECT_EQ(have.limits, expected.limits);
    EXPECT_TRUE(have.key == expected.key);
    EXPECT_EQ(have.proxy_env, expected.proxy_env);
    EXPECT_EQ(have.proxy_file, expected.proxy_file);
    EXPECT_EQ(have.usable, expected.usable);
  }
  EXPECT_EQ(provider.limits, want.providers[0].limits);
  EXPECT_EQ(provider.pool_scope, PoolScope::kModel);
  EXPECT_EQ(provider.catalogue_limits, want.providers[0].catalogue_limits);
  EXPECT_EQ(provider.models[0].model, "m");
  EXPECT_EQ(provider.models[0].limits, want.providers[0].models[0].limits);
  EXPECT_EQ(provider.models[0].context, 32768);
  EXPECT_EQ(provider.models[0].canonical, "canon");
  EXPECT_EQ(provider.models[0].aliases, (std::vector<std::string>{"also"}));
  EXPECT_EQ(provider.first_token, absl::Minutes(3));
  EXPECT_EQ(provider.tokens, TokenPolicy::kStrict);
  EXPECT_EQ(provider.when_disconnected, WhenDisconnected::kDeny);
  EXPECT_FALSE(provider.ask_usage);
  EXPECT_FALSE(provider.enabled);
  EXPECT_EQ(back->pools, want.pools);
  ASSERT_EQ(back->targets.size(), 1u);
  EXPECT_EQ(back->targets[0].id, TargetId(11));
  EXPECT_EQ(back->targets[0].name, "groq/m");
  EXPECT_EQ(back->targets[0].group, "org");
  EXPECT_EQ(back->targets[0].model, "m");
  EXPECT_EQ(back->targets[0].credentials, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(back->targets[0].pools, want.targets[0].pools);
  EXPECT_EQ(back->targets[0].context, 32768);
  ASSERT_EQ(back->chains.size(), 1u);
  EXPECT_EQ(back->chains[0].aliases, want.chains[0].aliases);
  EXPECT_EQ(back->chains[0].targets, want.chains[0].targets);
  EXPECT_EQ(back->chains[0].routing, Routing::kSpread);
  EXPECT_EQ(back->chains[0].max_attempts, 3);
  EXPECT_EQ(back->chains[0].timeouts, want.chains[0].timeouts);
  EXPECT_EQ(back->chains[0].wait, absl::Seconds(6));
  ASSERT_EQ(back->client_keys.size(), 1u);
  EXPECT_EQ(back->client_keys[0].name, "app");
  EXPECT_EQ(back->client_keys[0].sha256, want.client_keys[0].sha256);
  EXPECT_EQ(back->client_keys[0].chains, want.client_keys[0].chains);
  EXPECT_EQ(back->default_chain, "coding");
  EXPECT_TRUE(back->auth_required);
  EXPECT_EQ(back->log, want.log);
  EXPECT_TRUE(back->chain_by_name.contains("gpt-4o"));
}

struct Case {
  const char* path;
  std::function<void(v1::Snapshot&)> spoil;
};

TEST(SnapshotWire, RefusesBadPartsByPath) {
  const std::vector<Case> cases = {
      {"providers[0].name: ", [](auto& s) { s.mutable_providers(0)->clear_name(); }},
      {"providers[0].base_url: ", [](auto& s) { s.mutable_providers(0)->set_base_url("gopher://x"); }},
      {"providers[0].headers[0].name: ", [](auto& s) { s.mutable_providers(0)->mutable_headers(0)->set_name("a b"); }},
      {"providers[0].headers[0].value: ",
       [](auto& s) { s.mutable_providers(0)->mutable_headers(0)->set_value("a\r\nb: c"); }},
      {"providers[0].credentials[0].limits[0].amount: ",
       [](auto& s) { s.mutable_providers(0)->mutable_credentials(0)->mutable_limits(0)->set_amount(-4); }},
      {"providers[0].limits[0].unit: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_unit(v1::UNIT_UNSPECIFIED); }},
      {"providers[0].limits[0].window_kind: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_window_kind(static_cast<v1::WindowKind>(44)); }},
      {"providers[0].limits[0].window_ns: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_window_ns(-1); }},
      {"providers[0].limits[0].window_ns: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_window_ns(0); }},
      {"providers[0].limits[0].anchor_ns: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_anchor_ns(-1); }},
      {"providers[0].limits[0].anchor_ns: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_anchor_ns(INT64_MAX); }},
      {"providers[0].limits[0].provenance: ",
       [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->clear_provenance(); }},
      {"providers[0].pool_scope: ", [](auto& s) { s.mutable_providers(0)->clear_pool_scope(); }},
      {"providers[0].models[0].context: ", [](auto& s) { s.mutable_providers(0)->mutable_models(0)->set_context(-1); }},
      {"providers[0].when_disconnected: ",
       [](auto& s) { s.mutable_providers(0)->set_when_disconnected(static_cast<v1::WhenDisconnected>(3)); }},
      {"providers[0].charging.tokens: ",
       [](auto& s) { s.mutable_providers(0)->mutable_charging()->set_tokens(static_cast<v1::TokenCharge>(3)); }},
      {"providers[0].charging.default_output: ",
       [](auto& s) { s.mutable_providers(0)->mutable_charging()->set_default_output(-1); }},
      {"providers[0].models[0].rates.request: ",
       [](auto& s) { s.mutable_providers(0)->mutable_models(0)->mutable_rates()->set_request(-1); }},
      {"pools[0].rates.output_per_mtok: ",
       [](auto& s) { s.mutable_pools(0)->mutable_rates()->set_output_per_mtok(-1); }},
      {"providers[0].limits[0].burst: ", [](auto& s) { s.mutable_providers(0)->mutable_limits(0)->set_burst(-1); }},
      {"pools[0].id: ", [](auto& s) { s.mutable_pools(0)->set_id(0); }},
      {"pools[0].tokens: ", [](auto& s) { s.mutable_pools(0)->set_tokens(static_cast<v1::TokenPolicy>(-7)); }},
      {"pools[1]: ", [](auto& s) { s.mutable_pools(1)->set_id(1); }},
      {"targets[0].id: ", [](auto& s) { s.mutable_targets(0)->set_id(0); }},
      {"targets[0].provider: ", [](auto& s) { s.mutable_targets(0)->set_provider(1); }},
      {"targets[0].credentials: ", [](auto& s) { s.mutable_targets(0)->set_credentials(1, 2); }},
      {"targets[0].pools: ", [](auto& s) { s.mutable_targets(0)->clear_pools(); }},
      {"targets[0].pools: ", [](auto& s) { s.mutable_targets(0)->set_pools(0, 99); }},
      {"chains[0].name: ", [](auto& s) { s.mutable_chains(0)->clear_name(); }},
      {"chains[0].targets: ", [](auto& s) { s.mutable_chains(0)->set_targets(0, 1); }},
      {"chains[0].targets: ", [](auto& s) { s.mutable_chains(0)->clear_targets(); }},
      {"chains[0].routing: ", [](auto& s) { s.mutable_chains(0)->set_routing(static_cast<v1::Routing>(9)); }},
      {"chains[0].max_attempts: ", [](auto& s) { s.mutable_chains(0)->set_max_attempts(0); }},
      {"chains[0].idle_timeout_ns: ", [](auto& s) { s.mutable_chains(0)->set_idle_timeout_ns(-1); }},
      {"client_keys[0].sha256: ", [](auto& s) { s.mutable_client_keys(0)->set_sha256("short"); }},
      {"default_chain: ", [](auto& s) { s.set_default_chain("none"); }},
  };
  for (const Case& one : cases) {
    v1::Snapshot wire;
    Encode(FullSnapshot(), &wire);
    one.spoil(wire);
    const auto parsed = ParseSnapshot(wire.SerializeAsString(), Version(1));
    ASSERT_FALSE(parsed.ok()) << one.path;
    EXPECT_EQ(std::string(parsed.status().message()).substr(0, std::string(one.path).size()), one.path)
        << parsed.status();
  }
}

TEST(SnapshotWire, KeyThatCouldBreakAHeadIsDisabledAlone) {
  Snapshot snapshot = FullSnapshot();
  snapshot.providers[0].credentials[0].key = Secret("abc\r\nx-evil: 1");
  const auto parsed = ParseSnapshot(SerializeSnapshot(snapshot), Version(1));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_FALSE(parsed->providers[0].credentials[0].usable);
  EXPECT_TRUE(parsed->providers[0].credentials[0].key.empty());
}

TEST(SnapshotWire, RefusesBytesThatAreNoSnapshot) {
  EXPECT_FALSE(ParseSnapshot("\xff\xff\xff", Version(1)).ok());
  const std::string whole = SerializeSnapshot(FullSnapshot());
  for (size_t size = 1; size < whole.size(); size += 7) {
    (void)ParseSnapshot(std::string_view(whole).substr(0, size),
                        Version(1));  // an error or a smaller snapshot, never a crash
  }
}

}  // namespace
}  // namespace chain429::wire
