#include "controlplane/revisions/snapshot_builder.h"

#include <gtest/gtest.h>

#include "common/wire/model_wire.h"
#include "controlplane/revisions/sha256.h"
#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

constexpr char kMine[] = "providers: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}\n";

TEST(SnapshotBuilder, AChainsSettingsAreTheConfiguredOnes) {
  const Built built = Build(std::string("version: 1\n") + kMine +
                            "chains:\n"
                            "  c:\n"
                            "    aliases: [gpt-4o, gpt-4o-mini]\n"
                            "    targets: [{provider: mine, model: m}]\n"
                            "    max_attempts: 3\n"
                            "    timeouts: {connect: 500ms, first_token: 1m30s, idle: 20s, total: 2m, keepalive: 5s}\n"
                            "    wait: 4s\n"
                            "  d: {targets: [{provider: mine, model: m}]}\n"
                            "default_chain: d\n");
  const Chain& chain = built.ChainOf("c");
  EXPECT_EQ(chain.aliases, (Strings{"gpt-4o", "gpt-4o-mini"}));
  EXPECT_EQ(chain.max_attempts, 3);
  EXPECT_EQ(chain.timeouts, (Timeouts{absl::Milliseconds(500), absl::Seconds(90), absl::Seconds(20), absl::Minutes(2),
                                      absl::Seconds(5), true}));
  EXPECT_EQ(chain.wait, absl::Seconds(4));
  EXPECT_EQ(built.ChainOf("gpt-4o").name, "c");
  const Chain& plain = built.ChainOf("d");
  EXPECT_EQ(plain.max_attempts, 8);
  EXPECT_EQ(plain.timeouts, Timeouts());
  EXPECT_EQ(plain.wait, absl::ZeroDuration());
  EXPECT_EQ(built.snapshot->default_chain, "d");
  EXPECT_EQ(built.snapshot->version, Version(7));
}

TEST(SnapshotBuilder, AKindsOwnFirstTokenTimeoutGoesWithItsProvider) {
  const Built built = Build(
      "version: 1\nproviders: {s: {kind: slow, credentials: [{name: a, env: K1}]}, "
      "m: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}\n");
  EXPECT_EQ(built.ProviderOf("s").first_token, absl::Minutes(3));
  EXPECT_EQ(built.ProviderOf("m").first_token, absl::ZeroDuration());
}

TEST(SnapshotBuilder, WithNothingConfiguredThereIsAnEmptySnapshot) {
  const Built built = Build("version: 1\n");
  EXPECT_TRUE(built.snapshot->providers.empty());
  EXPECT_FALSE(built.snapshot->auth_required);
  EXPECT_EQ(built.snapshot->default_chain, "");
}

TEST(SnapshotBuilder, OfAClientsKeyOnlyAHashLeavesTheControlPlane) {
  FakeWorld world;
  world.variables = {{"APP", "client-key-of-app"}, {"OPS", "client-key-of-ops"}};
  const Built built = Build(std::string("version: 1\n") + kMine +
                                "auth: {client_keys: [{name: app, env: APP, chains: [c]}, {name: ops, env: OPS}]}\n"
                                "chains: {c: {targets: [{provider: mine, model: m}]}}\n",
                            world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  EXPECT_TRUE(built.snapshot->auth_required);
  ASSERT_EQ(built.snapshot->client_keys.size(), 2u);
  EXPECT_EQ(built.snapshot->client_keys[0].name, "app");
  EXPECT_EQ(built.snapshot->client_keys[0].sha256, Sha256("client-key-of-app"));
  EXPECT_EQ(built.snapshot->client_keys[0].chains, (Strings{"c"}));
  EXPECT_EQ(built.snapshot->client_keys[1].sha256, Sha256("client-key-of-ops"));
  EXPECT_TRUE(built.snapshot->client_keys[1].chains.empty());
  EXPECT_EQ(wire::SerializeSnapshot(*built.snapshot).find("client-key-of"), std::string::npos);
}

TEST(SnapshotBuilder, NobodyGetsInWhenEveryClientKeyIsMissing) {
  FakeWorld world;
  const Built built =
      Build(std::string("version: 1\n") + kMine + "auth: {client_keys: [{name: app, env: APP}]}\n", world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  EXPECT_TRUE(built.snapshot->auth_required);
  EXPECT_TRUE(built.snapshot->client_keys.empty());
}

TEST(SnapshotBuilder, TwoClientsWithOneKeyAreRefusedByTheirNames) {
  FakeWorld world;
  world.variables = {{"A", "the-same-key-1"}, {"B", "the-same-key-1"}};
  const Built built = Build(
      "version: 1\n"
      "auth:\n"
      "  client_keys:\n"
      "    - {name: app, env: A}\n"
      "    - {name: ops, env: B}\n",
      world);
  EXPECT_EQ(built.snapshot, nullptr);
  EXPECT_EQ(built.problems, "c.yaml:5:24: error: auth.client_keys[1].env: this key is the same as that of \"app\"\n");
}

TEST(SnapshotBuilder, AKeyThatAProxyResolvesIsNowhereInWhatIsSent) {
  FakeWorld world;
  world.variables = {{"GROQ_KEY", "gsk_resolved_by_another"}};
  world.files = {{"/run/groq", "gsk_resolved_by_another"}};
  const Built built = Build(
      "version: 1\n"
      "providers: {g: {kind: groq, credentials: [{name: a, proxy_env: GROQ_KEY}, {name: b, proxy_file: /run/groq}]}}\n"
      "chains: {c: {targets: [{provider: g, model: m}]}}\n",
      world);
  ASSERT_NE(built.snapshot, nullptr) << built.problems;
  EXPECT_EQ(built.Targets("c"), (Strings{"g/m of default with 0,1"}));
  EXPECT_EQ(wire::SerializeSnapshot(*built.snapshot).find("gsk_resolved"), std::string::npos);
}

TEST(SnapshotBuilder, WhatIsBuiltArrivesAtAProxyAsItWas) {
  const Built built = Build(
      "version: 1\n"
      "auth: {client_keys: [{name: app, env: K4}]}\n"
      "providers:\n"
      "  g: {kind: groq, credentials: [{name: a, env: K1}, {name: b, env: K2, limits: {rpm: 2}}]}\n"
      "  pacific: {kind: pacific, credentials: [{name: a, env: K3}]}\n"
      "chains: {c: {targets: [{model: gpt-oss-120b}, {provider: pacific, model: m, limits: {rpd: 1}}]}}\n");
  const std::string bytes = wire::SerializeSnapshot(*built.snapshot);
  const auto arrived = wire::ParseSnapshot(bytes, built.snapshot->version);
  ASSERT_TRUE(arrived.ok()) << arrived.status();
  EXPECT_EQ(wire::SerializeSnapshot(*arrived), bytes);
  EXPECT_EQ(arrived->pools, built.snapshot->pools);
  EXPECT_EQ(arrived->providers[0].credentials[0].key.Reveal(), "key-one-11111");
}

// Sections of what is not built yet are refused rather than ignored: nobody believes that a node is kept from a key
// when it is not.
TEST(SnapshotBuilder, GivingNodesTheirChainsIsRefusedRatherThanIgnored) {
  FakeWorld world;
  const Built built = Build(std::string("version: 1\n") + kMine +
                                "chains: {c: {targets: [{provider: mine, model: m}]}}\n"
                                "nodes: [{match: 'team-a/*', chains: [c]}]\n",
                            world);
  EXPECT_EQ(built.snapshot, nullptr);
  EXPECT_NE(built.problems.find("c.yaml:4:1: error: nodes: "), std::string::npos) << built.problems;
}

}  // namespace
}  // namespace chain429
