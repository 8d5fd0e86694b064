#include "common/wire/bootstrap.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chain429::wire {
namespace {

using Strings = std::vector<std::string>;

Snapshot MakeSnapshot() {
  Snapshot snapshot;
  snapshot.version = Version(7);
  Provider provider;
  provider.name = "groq";
  provider.kind = "groq";
  provider.endpoint = {.tls = false, .host = "127.0.0.1", .port = 1, .path = "/v1", .host_header = "127.0.0.1:1"};
  provider.headers = {{"x-team", "blue"}, {"X-Api-Key", "header-secret"}, {"Authorization", "Bearer header-secret"}};
  for (const char* name : {"main", "own"}) {
    Credential credential;
    credential.name = name;
    credential.pool = PoolId(StableId(name));
    credential.key = Secret("key-secret-" + std::string(name));
    provider.credentials.push_back(std::move(credential));
  }
  provider.credentials[1].proxy_env = "OWN_KEY";
  snapshot.providers.push_back(std::move(provider));
  for (TargetPlan& plan : PlanTargets(snapshot.providers, 0, "m")) {
    for (Pool& pool : plan.pools) snapshot.pools.push_back(std::move(pool));
    snapshot.targets.push_back(std::move(plan.target));
  }
  Chain chain;
  chain.name = "coding";
  chain.aliases = {"gpt-4o"};
  chain.targets = {0};
  snapshot.chains.push_back(chain);
  snapshot.client_keys = {{"app", std::string(32, '\xfe'), {"coding"}}};
  snapshot.auth_required = true;
  EXPECT_TRUE(snapshot.Index().ok());
  return snapshot;
}

TEST(Bootstrap, IsTheSnapshotWithoutItsKeys) {
  const BootstrapText text = ToBootstrap(MakeSnapshot());
  EXPECT_EQ(text.json.find("key-secret"), std::string::npos);
  EXPECT_EQ(text.json.find("header-secret"), std::string::npos);
  const absl::StatusOr<Snapshot> read = ParseBootstrap(text.json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->version) << "any snapshot of a control plane is another one";
  EXPECT_EQ(read->chain_by_name.at("gpt-4o"), 0u) << "it is indexed";
  EXPECT_EQ(read->targets[0].name, "groq/m");
  EXPECT_TRUE(read->auth_required);
  ASSERT_EQ(read->client_keys.size(), 1u);
  EXPECT_EQ(read->client_keys[0].sha256, std::string(32, '\xfe'));
  EXPECT_EQ(read->client_keys[0].chains, (Strings{"coding"}));
  EXPECT_EQ(read->providers[0].headers, (std::vector<Header>{{"x-team", "blue"}}));
}

TEST(Bootstrap, OnlyCredentialsThatTheProxyResolvesItselfAreUsable) {
  const BootstrapText text = ToBootstrap(MakeSnapshot());
  const absl::StatusOr<Snapshot> read = ParseBootstrap(text.json);
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<Credential>& credentials = read->providers[0].credentials;
  EXPECT_FALSE(credentials[0].usable);
  EXPECT_TRUE(credentials[1].usable);
  EXPECT_EQ(credentials[1].proxy_env, "OWN_KEY");
  ASSERT_EQ(text.notes.size(), 3u);
  EXPECT_NE(text.notes[0].find("\"main\""), std::string::npos);
  EXPECT_NE(text.notes[1].find("\"X-Api-Key\""), std::string::npos);
  EXPECT_NE(text.notes[2].find("\"Authorization\""), std::string::npos);
}

TEST(Bootstrap, OneForADumpHasNoHashesAndNoHeaders) {
  const std::string dump = ToRedactedBootstrap(MakeSnapshot());
  EXPECT_EQ(dump.find("blue"), std::string::npos);
  EXPECT_EQ(dump.find("secret-"), std::string::npos);
  const absl::StatusOr<Snapshot> read = ParseBootstrap("{\"version\": 7, \"bootstrap\": " + dump + "}");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->auth_required) << "nobody gets in who could not before";
  EXPECT_TRUE(read->client_keys.empty());
  EXPECT_EQ(read->chains[0].name, "coding");
}

TEST(Bootstrap, WhatIsNoneIsRefusedWithTheReason) {
  const struct {
    std::string text;
    std::string reason;
  } cases[] = {
      {"", "it is not JSON"},
      {"version: 1", "it is not JSON"},
      {"[]", "it is not a JSON object"},
      {R"({"chainz": []})", "chainz"},
      {R"({"bootstrap": 7})", "it is no snapshot"},
      {R"({"chains": [{"name": "c", "targets": [3], "max_attempts": 1}]})", "chains[0].targets: out of range"},
      {R"({"providers": [{"name": "p", "base_url": "nowhere", "pool_scope": 1}]})", "providers[0]."},
      {R"({"client_keys": [{"name": "a", "sha256": "YWJj"}]})", "client_keys[0].sha256: not 32 bytes"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Snapshot> read = ParseBootstrap(c.text);
    ASSERT_FALSE(read.ok()) << c.text;
    EXPECT_NE(read.status().ToString().find(c.reason), std::string::npos) << c.text << "\n" << read.status();
  }
}

}  // namespace
}  // namespace chain429::wire
