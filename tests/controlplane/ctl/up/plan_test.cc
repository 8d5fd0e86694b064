#include "controlplane/ctl/up/plan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

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
    return MakePlan(options_, environment);
  }
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
  const UpPlan first = Plan();
  EXPECT_FALSE(first.demo);
  EXPECT_EQ(first.chain, "auto");
  EXPECT_EQ(first.config, folder_.File("state/429chain/429chain.yaml"));
  EXPECT_NE(first.note.find("for GROQ_API_KEY"), std::string::npos) << first.note;
  struct stat status;
  ASSERT_EQ(stat(first.config.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string mine = folder_.Read("state/429chain/429chain.yaml") + "# mine\n";
  folder_.Write("state/429chain/429chain.yaml", mine);
  const UpPlan second = Plan();
  EXPECT_NE(second.note.find("written before"), std::string::npos) << second.note;
  EXPECT_EQ(second.note.find("does not use"), std::string::npos) << second.note;
  EXPECT_EQ(folder_.Read("state/429chain/429chain.yaml"), mine) << "it is its owner's";
}

TEST_F(PlanTest, AKeyThatTheKeptConfigurationDoesNotUseIsNamed) {
  variables_ = {"GROQ_API_KEY"};
  Plan();
  variables_ = {"GROQ_API_KEY", "CEREBRAS_API_KEY"};
  const std::string note = Plan().note;
  EXPECT_NE(note.find("does not use CEREBRAS_API_KEY"), std::string::npos) << note;
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
  EXPECT_EQ(plan.note, "");
  folder_.Write("mine.yaml", folder_.Read("mine.yaml") + "default_chain: b\n");
  EXPECT_EQ(Plan().chain, "b");
  EXPECT_FALSE(std::filesystem::exists(folder_.File("state")));
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

TEST(SystemUpEnvironmentTest, FindsThisProgramsFolderAndTakesAnEmptyVariableForUnset) {
  const UpEnvironment environment = SystemUpEnvironment();
  EXPECT_TRUE(std::filesystem::is_directory(environment.program_folder)) << environment.program_folder;
  setenv("CHAIN429_TEST_VARIABLE", "", 1);
  EXPECT_FALSE(environment.has_variable("CHAIN429_TEST_VARIABLE"));
  setenv("CHAIN429_TEST_VARIABLE", "x", 1);
  EXPECT_TRUE(environment.has_variable("CHAIN429_TEST_VARIABLE"));
  unsetenv("CHAIN429_TEST_VARIABLE");
  EXPECT_TRUE(environment.state_folder.ends_with("/429chain"));
}

}  // namespace
}  // namespace chain429
