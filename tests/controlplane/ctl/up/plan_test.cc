#include "controlplane/ctl/up/plan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "absl/strings/str_join.h"

#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    for (const std::string program : {"429chain-control", "429chain-proxy", "429chain-sim"}) AddProgram(program);
    options_.listen = options_.admin = options_.grpc_listen = options_.http_listen = "127.0.0.1:0";
  }

  void AddProgram(const std::string& name) { chmod(folder_.Write(name, "#!/bin/sh\n").c_str(), 0755); }

  absl::StatusOr<UpPlan> Make() {
    UpEnvironment environment;
    environment.has_variable = [this](const std::string& name) { return variables_.contains(name); };
    environment.program_folder = folder_.path();
    environment.state_folder = folder_.File("state/429chain");
    environment.find_servers = [this](const Catalogue& catalogue) {
      if (!server_) return std::vector<LocalServer>();
      return std::vector<LocalServer>{{catalogue.Find("ollama"), "http://127.0.0.1:11434/v1", {"llama3.2"}}};
    };
    return MakePlan(options_, environment);
  }
  static std::string Notes(const UpPlan& plan) { return absl::StrJoin(plan.notes, "\n"); }
  std::string ConfigFile() const { return folder_.File("state/429chain/429chain.yaml"); }
  UpPlan Plan() {
    auto plan = Make();
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? *plan : UpPlan();
  }
  void ExpectRefused(const std::string& part) {
    const auto plan = Make();
    ASSERT_FALSE(plan.ok());
    EXPECT_NE(plan.status().message().find(part), absl::string_view::npos) << plan.status();
  }

  static constexpr char kProvider[] =
      "version: 1\nproviders: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}\n";

  TemporaryFolder folder_;
  UpOptions options_;
  std::set<std::string> variables_;
  bool server_ = false;  // a local one answers
};

TEST_F(PlanTest, WithoutAnyKeyItIsTheDemo) {
  const UpPlan plan = Plan();
  EXPECT_TRUE(plan.demo);
  EXPECT_EQ(plan.chain, "demo");
  EXPECT_EQ(plan.config, "") << "written once the simulator has its ports";
  EXPECT_EQ(plan.programs.control, folder_.File("429chain-control"));
  EXPECT_EQ(plan.programs.proxy, folder_.File("429chain-proxy"));
  EXPECT_EQ(plan.programs.simulator, folder_.File("429chain-sim"));
  EXPECT_EQ(plan.client_key_variable, "");
  EXPECT_FALSE(std::filesystem::exists(folder_.File("state"))) << "nothing is written before it is needed";
}

TEST_F(PlanTest, TheDemoCanBeAskedForAlthoughThereAreKeys) {
  variables_ = {"GROQ_API_KEY"};
  options_.demo = true;
  EXPECT_TRUE(Plan().demo);
}

TEST_F(PlanTest, WithAKeyItWritesAConfigurationOnceAndKeepsIt) {
  variables_ = {"GROQ_API_KEY"};
  UpPlan plan = Plan();
  EXPECT_FALSE(plan.demo);
  EXPECT_EQ(plan.chain, "auto");
  EXPECT_EQ(plan.chains, (std::vector<std::string>{"auto", "fast", "smart", "long-context"}));
  ASSERT_EQ(plan.tiers.size(), 1u);
  EXPECT_EQ(plan.tiers[0].title, "Groq");
  EXPECT_EQ(plan.config, ConfigFile());
  EXPECT_NE(Notes(plan).find("for GROQ_API_KEY"), std::string::npos) << Notes(plan);
  struct stat status;
  ASSERT_EQ(stat(plan.config.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string mine = folder_.Read("state/429chain/429chain.yaml") + "# mine\n";
  folder_.Write("state/429chain/429chain.yaml", mine);
  plan.state.reset();
  plan = Plan();
  EXPECT_NE(Notes(plan).find("written before"), std::string::npos) << Notes(plan);
  EXPECT_EQ(Notes(plan).find("does not use"), std::string::npos) << Notes(plan);
  EXPECT_EQ(folder_.Read("state/429chain/429chain.yaml"), mine) << "it is its owner's";
}

TEST_F(PlanTest, WhatTheControlPlaneRemembersIsKeptInTheStateFolder) {
  variables_ = {"GROQ_API_KEY"};
  UpPlan plan = Plan();
  EXPECT_EQ(plan.store, "sqlite:" + folder_.File("state/429chain/state.db"));
  options_.config = folder_.Write("mine.yaml", kProvider);
  const UpPlan second = Plan();
  EXPECT_EQ(second.store, "memory:") << "one at a time";
  EXPECT_NE(Notes(second).find("another `429ctl up`"), std::string::npos) << Notes(second);
  options_.state = folder_.File("elsewhere");
  EXPECT_EQ(Plan().store, "sqlite:" + folder_.File("elsewhere/state.db"));
  plan.state.reset();
  options_.state.clear();
  EXPECT_EQ(Plan().store, "sqlite:" + folder_.File("state/429chain/state.db"));
  variables_.insert("CHAIN429_STORE");
  EXPECT_EQ(Plan().store, "") << "the control plane reads the variable itself";
}

TEST_F(PlanTest, TheStateFolderCanBeChosen) {
  variables_ = {"GROQ_API_KEY"};
  options_.state = folder_.File("mine");
  EXPECT_EQ(Plan().config, folder_.File("mine/429chain.yaml"));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("state")));
}

TEST_F(PlanTest, AConfigurationOfOnesOwnNeedsNoStateFolder) {
  folder_.Write("state", "a file in its place");
  options_.config = folder_.Write("mine.yaml", kProvider);
  const UpPlan plan = Plan();
  EXPECT_EQ(plan.store, "");
  EXPECT_EQ(plan.state, nullptr);
  EXPECT_NE(Notes(plan).find("nothing outlives this run"), std::string::npos) << Notes(plan);
  options_.state = folder_.File("state");
  ExpectRefused("cannot make the folder " + folder_.File("state"));
}

TEST_F(PlanTest, AKeyThatTheKeptConfigurationDoesNotUseIsNamed) {
  variables_ = {"GROQ_API_KEY"};
  Plan();
  variables_ = {"GROQ_API_KEY", "CEREBRAS_API_KEY", "GROQ_API_KEY_2"};
  const std::string notes = Notes(Plan());
  EXPECT_NE(notes.find("does not use GROQ_API_KEY_2, CEREBRAS_API_KEY: "), std::string::npos) << notes;
}

TEST_F(PlanTest, AKeptConfigurationWhoseKeysAreGoneGivesWayToTheDemo) {
  variables_ = {"GROQ_API_KEY"};
  Plan();
  variables_.clear();
  const UpPlan plan = Plan();
  EXPECT_TRUE(plan.demo);
  EXPECT_EQ(plan.config, "");
  EXPECT_EQ(plan.store, "");
  EXPECT_NE(Notes(plan).find(ConfigFile() + " is left alone"), std::string::npos) << Notes(plan);
  EXPECT_NE(Notes(plan).find("GROQ_API_KEY"), std::string::npos) << Notes(plan);
}

TEST_F(PlanTest, AKeptConfigurationWithoutItsKeysButWithOthersSaysWhatToDo) {
  variables_ = {"GROQ_API_KEY"};
  Plan();
  variables_ = {"CEREBRAS_API_KEY"};
  ExpectRefused(ConfigFile() + " uses GROQ_API_KEY, of which none is set; CEREBRAS_API_KEY is");
  ExpectRefused("429ctl init --force --out " + ConfigFile());
}

TEST_F(PlanTest, AKeptConfigurationIsUsedWithKeysOfItsOwnOrWithNone) {
  variables_ = {"GROQ_API_KEY"};
  Plan();
  variables_.clear();
  for (const std::string credentials : {"", ", credentials: [{name: a, file: /run/key}]"}) {
    folder_.Write(
        "state/429chain/429chain.yaml",
        "version: 1\nproviders: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'" + credentials + "}}\n");
    EXPECT_FALSE(Plan().demo) << credentials;
  }
  folder_.Write("state/429chain/429chain.yaml",
                "version: 1\nproviders: {groq: {kind: groq, credentials: [{name: a, env: MY_KEY}]}}\n");
  EXPECT_TRUE(Plan().demo);
  variables_ = {"MY_KEY"};
  EXPECT_FALSE(Plan().demo);
}

TEST_F(PlanTest, ALocalServerIsPartOfWhatIsWrittenAndASuggestionWithoutKeys) {
  server_ = true;
  UpPlan plan = Plan();
  EXPECT_TRUE(plan.demo);
  EXPECT_NE(Notes(plan).find("Ollama answers at http://127.0.0.1:11434/v1: 429ctl init"), std::string::npos)
      << Notes(plan);
  variables_ = {"GROQ_API_KEY"};
  plan = Plan();
  EXPECT_FALSE(plan.demo);
  EXPECT_NE(folder_.Read("state/429chain/429chain.yaml").find("kind: ollama"), std::string::npos);
}

TEST_F(PlanTest, AKeyThatCannotBeUsedIsSaid) {
  variables_ = {"ANTHROPIC_API_KEY"};
  const UpPlan plan = Plan();
  EXPECT_TRUE(plan.demo);
  EXPECT_NE(Notes(plan).find("left out ANTHROPIC_API_KEY"), std::string::npos) << Notes(plan);
}

TEST_F(PlanTest, AKeptConfigurationThatIsBadIsSaidWithItsPlaces) {
  variables_ = {"GROQ_API_KEY"};
  const std::string path = Plan().config;
  folder_.Write("state/429chain/429chain.yaml", "version: 1\nchainz: {}\n");
  ExpectRefused(path + ":2:1: error: chainz: ");
}

TEST_F(PlanTest, AConfigurationOfOnesOwnGoesBeforeKeys) {
  variables_ = {"GROQ_API_KEY"};
  options_.config = folder_.Write(
      "mine.yaml",
      std::string(kProvider) + "chains: {a: {targets: [{provider: mine, model: m}]}, b: {targets: [{chain: a}]}}\n");
  UpPlan plan = Plan();
  EXPECT_FALSE(plan.demo);
  EXPECT_EQ(plan.config, options_.config);
  EXPECT_EQ(plan.chain, "a") << "the first one";
  EXPECT_EQ(Notes(plan), "");
  folder_.Write("mine.yaml", folder_.Read("mine.yaml") + "default_chain: b\n");
  plan.state.reset();
  EXPECT_EQ(Plan().chain, "b");
  EXPECT_FALSE(std::filesystem::exists(ConfigFile())) << "nothing is written for the keys";
}

TEST_F(PlanTest, WithoutAChainAModelOfAProviderIsCalled) {
  options_.config = folder_.Write("mine.yaml", kProvider);
  EXPECT_EQ(Plan().chain, "mine/MODEL");
  folder_.Write("mine.yaml",
                "version: 1\n"
                "providers:\n"
                "  off: {kind: openai, base_url: 'http://127.0.0.1:1/v1', enabled: false}\n"
                "  mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1', models: {big: {}}}\n");
  EXPECT_EQ(Plan().chain, "mine/big");
  folder_.Write("mine.yaml", "version: 1\n");
  EXPECT_EQ(Plan().chain, "");
}

TEST_F(PlanTest, TheExamplesUseAClientKeyThatMayCallTheChain) {
  const std::string chains = "chains: {a: {targets: [{provider: mine, model: m}]}, b: {targets: [{chain: a}]}}\n";
  const std::pair<std::string, std::string> cases[] = {
      {"auth: {client_keys: [{name: app, env: APP_KEY}]}\n", "APP_KEY"},
      {"auth: {client_keys: [{name: other, env: OTHER_KEY, chains: [b]}, {name: app, env: APP_KEY, chains: [a]}]}\n",
       "APP_KEY"},
      {"auth: {client_keys: [{name: app, file: /run/key}]}\n", "CHAIN429_API_KEY"},
      {"", ""}};
  for (const auto& [auth, variable] : cases) {
    options_.config = folder_.Write("mine.yaml", std::string(kProvider).append(auth).append(chains));
    EXPECT_EQ(Plan().client_key_variable, variable) << auth;
  }
}

TEST_F(PlanTest, ABadConfigurationIsSaidWithEveryErrorBeforeAnythingStarts) {
  options_.config = folder_.Write("bad.yaml", "version: 1\nchainz: {}\nproviders: {p: {kind: opnai}}\n");
  ExpectRefused(options_.config + ":2:1: error: chainz: ");
  ExpectRefused(options_.config + ":3:");
  options_.config = folder_.File("missing.yaml");
  ExpectRefused("cannot read " + options_.config);
}

TEST_F(PlanTest, DemoAndAConfigurationContradictEachOther) {
  options_.demo = true;
  options_.config = folder_.Write("mine.yaml", kProvider);
  ExpectRefused("either --demo or --config");
}

TEST_F(PlanTest, AMissingProgramIsNamedWithWhatToDo) {
  std::filesystem::remove(folder_.File("429chain-proxy"));
  ExpectRefused("429chain-proxy is not in " + folder_.path());
  ExpectRefused("./dev build");
}

TEST_F(PlanTest, TheSimulatorIsOnlyNeededForTheDemo) {
  std::filesystem::remove(folder_.File("429chain-sim"));
  ExpectRefused("429chain-sim is not in ");
  variables_ = {"GROQ_API_KEY"};
  EXPECT_EQ(Plan().programs.simulator, "");
}

TEST_F(PlanTest, EveryPortIsClaimed) {
  const UpPlan plan = Plan();
  for (const SocketAddress& address : {plan.listen, plan.admin, plan.grpc, plan.http}) {
    EXPECT_EQ(address.host, "127.0.0.1");
    EXPECT_GT(address.port, 0);
  }
}

TEST_F(PlanTest, AnAddressThatIsNoneIsAnErrorWithItsFlag) {
  const std::pair<std::string*, std::string> cases[] = {{&options_.listen, "--listen: "},
                                                        {&options_.admin, "--admin: "},
                                                        {&options_.grpc_listen, "--grpc-listen: "},
                                                        {&options_.http_listen, "--http-listen: "}};
  for (const auto& [option, flag] : cases) {
    for (const std::string wrong : {"4290", "localhost", "example.org:80", "127.0.0.1:99999"}) {
      *option = wrong;
      ExpectRefused(flag);
    }
    *option = "127.0.0.1:0";
  }
}

TEST_F(PlanTest, AStateFolderThatCannotBeMadeIsAnError) {
  variables_ = {"GROQ_API_KEY"};
  folder_.Write("state", "a file in its place");
  ExpectRefused("cannot make the folder " + folder_.File("state/429chain"));
}

TEST(SystemUpEnvironmentTest, FindsThisProgramsFolder) {
  const UpEnvironment environment = SystemUpEnvironment();
  EXPECT_TRUE(std::filesystem::is_directory(environment.program_folder)) << environment.program_folder;
  EXPECT_TRUE(environment.state_folder.ends_with("/429chain"));
}

}  // namespace
}  // namespace chain429
