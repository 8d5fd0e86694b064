#include "dataplane/link/bootstrap.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/wire/bootstrap.h"
#include "tests/support/captured_log.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

class BootstrapFile : public testing::Test {
 protected:
  BootstrapFile() {
    AddProvider("own").credentials[0].proxy_env = "CHAIN429_BOOTSTRAP_TEST_KEY";
    AddProvider("far");
    AddChain("near", 0);
    AddChain("away", 1);
    EXPECT_TRUE(made.Index().ok());
  }
  Provider& AddProvider(const std::string& name) {
    Provider provider;
    provider.name = name;
    provider.endpoint = {.tls = false, .host = "127.0.0.1", .port = 1, .path = "", .host_header = "127.0.0.1:1"};
    provider.credentials.emplace_back();
    provider.credentials[0].name = "main";
    provider.credentials[0].pool = PoolId(StableId(name + "#main"));
    provider.limits = {{.unit = Unit::kRequests, .amount = 30, .window = {}, .provenance = Provenance::kConfigured},
                       {.unit = Unit::kTokens, .amount = 8000, .window = {}, .provenance = Provenance::kConfigured}};
    made.providers.push_back(std::move(provider));
    return made.providers.back();
  }
  void AddChain(const std::string& name, uint32_t provider) {
    Chain chain;
    chain.name = name;
    for (TargetPlan& plan : PlanTargets(made.providers, provider, "m")) {
      chain.targets.push_back(static_cast<uint32_t>(made.targets.size()));
      made.targets.push_back(std::move(plan.target));
      for (Pool& pool : plan.pools) made.pools.push_back(std::move(pool));
    }
    made.chains.push_back(std::move(chain));
  }
  std::string Write(const std::string& text) const { return folder.Write("b.json", text); }

  Snapshot made;
  TemporaryFolder folder;
  CapturedLog log;
};

TEST_F(BootstrapFile, TakesTheKeysThatTheProxyHasAndSaysWhichChainsHaveNone) {
  setenv("CHAIN429_BOOTSTRAP_TEST_KEY", "key-of-the-proxy", 1);
  const auto read = LoadBootstrap(Write(wire::ToBootstrap(made).json), log.logger());
  unsetenv("CHAIN429_BOOTSTRAP_TEST_KEY");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->providers[0].credentials[0].key.Reveal(), "key-of-the-proxy");
  EXPECT_TRUE((*read)->providers[0].credentials[0].usable);
  EXPECT_FALSE((*read)->providers[1].credentials[0].usable);
  EXPECT_NE(log.Text().find("chain=away"), std::string::npos) << log.Text();
  EXPECT_EQ(log.Text().find("chain=near"), std::string::npos) << log.Text();
  EXPECT_EQ(log.Text().find("key-of-the-proxy"), std::string::npos);
}

TEST_F(BootstrapFile, WhatCannotBeReadIsRefusedWithAWordOnHowToGetOne) {
  for (const std::string& path : {folder.File("missing.json"), folder.path(), Write("version: 1\n"), Write("")}) {
    const auto read = LoadBootstrap(path, log.logger());
    ASSERT_FALSE(read.ok()) << path;
    const std::string message(read.status().message());
    EXPECT_NE(message.find(path), std::string::npos) << message;
    EXPECT_NE(message.find("429ctl snapshot --out"), std::string::npos) << message;
  }
}

TEST_F(BootstrapFile, UntilAShareIsToldTheWholeOfEveryStatedLimitIsTheProxys) {
  const std::vector<PoolState> states = BootstrapShares(made);
  ASSERT_EQ(states.size(), 2u) << "pools without limits have nothing to share";
  for (const PoolState& state : states) {
    EXPECT_TRUE(state.limited);
    const SafeShare requests{.first = 30, .steady = 30, .window = absl::Minutes(1)};
    const SafeShare tokens{.first = 8, .steady = 8, .window = absl::Minutes(1)};
    EXPECT_EQ(state.shares, (std::vector<SafeShare>{requests, tokens}));
  }
}

}  // namespace
}  // namespace chain429
