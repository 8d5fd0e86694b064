#include "controlplane/ctl/up/demo.h"

#include <gtest/gtest.h>

#include "common/provider/catalogue.h"
#include "controlplane/revisions/config_source.h"
#include "tests/sim/scenario.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

class DemoTest : public testing::Test {
 protected:
  DemoTest() {
    const auto document = sim::ParseYaml(DemoScenario(), "scenario.yaml");
    EXPECT_TRUE(document.ok()) << document.status();
    const auto scenario = sim::ReadScenario(*document);
    EXPECT_TRUE(scenario.ok()) << scenario.status();
    providers_ = scenario->providers;
    for (const auto& [name, key] : DemoKeys()) folder_.Write(name + ".key", key + "\n");
    std::map<std::string, std::string> urls;
    for (const sim::ProviderSpec& provider : providers_)
      urls[provider.name] = "http://127.0.0.1:8001/" + provider.name + "/v1";
    config_ = DemoConfig(urls, folder_.path());
  }

  TemporaryFolder folder_;
  std::vector<sim::ProviderSpec> providers_;
  std::string config_;
};

TEST_F(DemoTest, TheSimulatorTakesTheScenarioAndTakesNothingButTheDemosKeys) {
  ASSERT_EQ(providers_.size(), DemoKeys().size());
  for (const sim::ProviderSpec& provider : providers_) {
    ASSERT_TRUE(DemoKeys().contains(provider.name)) << provider.name;
    ASSERT_EQ(provider.keys.size(), 1u) << provider.name;
    EXPECT_EQ(provider.keys[0].key, DemoKeys().at(provider.name));
    EXPECT_FALSE(provider.limits.empty()) << provider.name;
  }
}

TEST_F(DemoTest, TheControlPlaneTakesTheConfigurationWithoutAWarning) {
  const Catalogue catalogue = *Catalogue::Builtin();
  ConfigSource source({&catalogue, LookUpZone, SystemEnvironment(), Version(1)});
  const LoadReport report = source.Load(config_, "429chain.yaml");
  EXPECT_TRUE(report.accepted) << source.last_error();
  EXPECT_EQ(FormatProblems("429chain.yaml", report.problems), "");
  const Snapshot& snapshot = *source.snapshot();
  EXPECT_EQ(snapshot.default_chain, kDemoChain);
  EXPECT_EQ(snapshot.chains.at(0).targets.size(), 3u);
  for (const Provider& provider : snapshot.providers) {
    EXPECT_EQ(provider.credentials.at(0).key.Reveal(), DemoKeys().at(provider.name));
    EXPECT_EQ(provider.endpoint.path, "/" + provider.name + "/v1");
  }
}

TEST_F(DemoTest, EveryTargetIsAModelThatItsProviderSimulates) {
  const Catalogue catalogue = *Catalogue::Builtin();
  ConfigSource source({&catalogue, LookUpZone, SystemEnvironment(), Version(1)});
  ASSERT_TRUE(source.Load(config_, "429chain.yaml").accepted);
  const Snapshot& snapshot = *source.snapshot();
  for (const uint32_t index : snapshot.chains.at(0).targets) {
    const Target& target = snapshot.targets[index];
    const auto provider = std::find_if(providers_.begin(), providers_.end(), [&](const sim::ProviderSpec& candidate) {
      return candidate.name == snapshot.providers[target.provider].name;
    });
    ASSERT_NE(provider, providers_.end());
    EXPECT_NE(std::find(provider->models.begin(), provider->models.end(), target.model), provider->models.end())
        << target.name;
  }
}

TEST_F(DemoTest, TheConfigurationHoldsNoKey) {
  for (const auto& [name, key] : DemoKeys()) EXPECT_EQ(config_.find(key), std::string::npos) << name;
}

}  // namespace
}  // namespace chain429
