// The demo's simulator, and what is written for it.
#include <filesystem>

#include "common/config/parse.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"
#include "controlplane/ctl/up/demo.h"
#include "tests/controlplane/ctl/up/launcher_fixture.h"

namespace chain429 {
namespace {

class LauncherDemo : public LauncherTest {
 protected:
  LauncherDemo() {
    plan_.demo = true;
    plan_.config.clear();
    plan_.chain = kDemoChain;
    options_.no_traffic = true;
    ready_after_.emplace_back("sim started");
    // Keeps what it was given: the demo's folder goes when the demo ends.
    plan_.programs.control =
        Script("429chain-control", "cp \"$2\" $LOG.config\nls $(dirname \"$2\") > $LOG.files\n" + Steady("control"));
    Simulate(
        "echo listening groq http://127.0.0.1:8001/openai/v1\n"
        "echo listening cerebras http://127.0.0.1:8002\n"
        "echo listening openrouter http://127.0.0.1:8003/api/v1\n"
        "echo ready\n");
  }
  void Simulate(const std::string& lines) {
    plan_.programs.simulator = Script("429chain-sim", "cp \"$2\" $LOG.scenario\n" + lines + Steady("sim"));
  }
  size_t DemoFolders() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) count += entry.is_directory() ? 1 : 0;
    return count;
  }
};

TEST_F(LauncherDemo, WritesAConfigurationForTheSimulatedProvidersAndRemovesItAtTheEnd) {
  OnBanner([&] {
    EXPECT_EQ(DemoFolders(), 1u);
    PressCtrlC();
  });
  EXPECT_EQ(Run(), kExitOk) << err_.Text();
  EXPECT_EQ(folder_.Read("log.scenario"), DemoScenario());
  const std::string config = folder_.Read("log.config");
  for (const std::string url :
       {"http://127.0.0.1:8001/openai/v1", "http://127.0.0.1:8002", "http://127.0.0.1:8003/api/v1"}) {
    EXPECT_NE(config.find("base_url: " + url + "\n"), std::string::npos) << config;
  }
  ConfigProblems problems;
  EXPECT_NE(ParseConfig(config, "c.yaml", *Catalogue::Builtin(), LookUpZone, problems), nullptr)
      << FormatProblems("c.yaml", problems.Sorted());
  EXPECT_EQ(folder_.Read("log.files"), "429chain.yaml\ncerebras.key\ngroq.key\nopenrouter.key\nscenario.yaml\n");
  EXPECT_EQ(DemoFolders(), 0u);
  EXPECT_NE(out_.Text().find("The providers are simulated"), std::string::npos);
  EXPECT_NE(Log().find("proxy stopped\ncontrol stopped\nsim stopped\n"), std::string::npos) << Log();
}

TEST_F(LauncherDemo, ASimulatorThatLeavesAProviderOutIsSaid) {
  Simulate("echo listening groq http://127.0.0.1:8001/openai/v1\necho ready\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas("429chain-sim did not say where it simulates cerebras")) << err_.Text();
  EXPECT_EQ(DemoFolders(), 0u);
}

TEST_F(LauncherDemo, ASimulatorThatDiesIsNamedWithItsLastLines) {
  Simulate("echo 'scenario.yaml:3:1: no such style' >&2\nexit 1\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas("sim has ended unasked: exit status 1\nits last lines:\n    scenario.yaml:3:1: no such style\n"))
      << err_.Text();
  EXPECT_EQ(DemoFolders(), 0u);
}

TEST_F(LauncherDemo, OnlyItsOwnerCanReadTheDemosKeys) {
  OnBanner([&] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() != ".key") continue;
      EXPECT_EQ(entry.status().permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
          << entry.path();
    }
    PressCtrlC();
  });
  EXPECT_EQ(Run(), kExitOk);
}

}  // namespace
}  // namespace chain429
