#include "controlplane/ctl/up/launcher.h"

#include "tests/controlplane/ctl/up/launcher_fixture.h"

namespace chain429 {
namespace {

TEST_F(LauncherTest, StartsBothPlanesAnnouncesThemAndStopsTheProxyFirst) {
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk) << err_.Text();
  EXPECT_NE(out_.Text().find("Base URL http://127.0.0.1:1/v1, model coding"), std::string::npos) << out_.Text();
  EXPECT_NE(out_.Text().find(plan_.config), std::string::npos);
  const size_t control = err_.Text().find("==> starting the control plane");
  const size_t proxy = err_.Text().find("==> starting the proxy");
  ASSERT_NE(proxy, std::string::npos) << err_.Text();
  EXPECT_LT(control, proxy);
  EXPECT_NE(Log().find("proxy stopped\ncontrol stopped\n"), std::string::npos) << Log();
}

TEST_F(LauncherTest, HandsTheProgramsTheirAddresses) {
  options_.workers = 3;
  options_.insecure_listen = true;
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
  const std::string grpc = plan_.grpc.ToString();
  EXPECT_NE(Log().find("control started --config " + plan_.config + " --grpc-listen " + grpc +
                       " --http-listen 127.0.0.1:2\n"),
            std::string::npos)
      << Log();
  EXPECT_NE(Log().find("proxy started --control " + grpc + " --listen 127.0.0.1:1 --admin " + plan_.admin.ToString() +
                       " --node local --workers 3 --insecure-listen\n"),
            std::string::npos)
      << Log();
}

TEST_F(LauncherTest, HandsTheControlPlaneItsStoreAndSaysWhereTheStateIs) {
  plan_.state = *StateFolder::Open(folder_.File("state"));
  plan_.store = "sqlite:" + plan_.state->StoreFile();
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_NE(Log().find(" --store " + plan_.store + "\n"), std::string::npos) << Log();
  EXPECT_NE(out_.Text().find(plan_.state->path() + "    what outlives a restart"), std::string::npos) << out_.Text();
}

TEST_F(LauncherTest, SaysNowAndThenWhatItWaitsFor) {
  unready_wanted_ = 45;
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_TRUE(ErrHas("==> still waiting for the proxy: no snapshot yet\n")) << err_.Text();
}

TEST_F(LauncherTest, AnnouncesNothingBeforeTheProxyIsReady) {
  unready_wanted_ = 3;
  int unready_at_banner = 0;
  OnBanner([&] {
    unready_at_banner = unready_;
    PressCtrlC();
  });
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_GE(unready_at_banner, 3);
}

TEST_F(LauncherTest, AChildThatDiesIsNamedWithItsLastLogLines) {
  plan_.programs.control = Script("429chain-control",
                                  "echo '{\"level\":\"error\",\"message\":\"cannot listen\",\"port\":4292}'\n"
                                  "echo 'mine.yaml:3:1: error: chainz: unknown' >&2\n"
                                  "exit 3\n");
  ready_after_ = {"never"};
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(
      ErrHas("control has ended unasked: exit status 3\nits last lines:\n    cannot listen port=4292\n    "
             "mine.yaml:3:1: error: chainz: "
             "unknown\nhint: its lines say what it did not like; 429ctl validate FILE checks a configuration\n"))
      << err_.Text();
  EXPECT_EQ(out_.Text(), "") << "nothing is announced";
}

TEST_F(LauncherTest, WhenOneDiesLaterTheOtherIsStoppedInOrder) {
  OnBanner([&] { Kill("proxy"); });
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas("proxy has ended unasked: killed by signal 9 (SIGKILL)")) << err_.Text();
  EXPECT_NE(Log().find("control stopped"), std::string::npos) << Log();
}

TEST_F(LauncherTest, WhenAllDieAtOnceItEnds) {
  OnBanner([&] {
    Kill("proxy");
    Kill("control");
  });
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas("has ended unasked: killed by signal 9")) << err_.Text();
}

TEST_F(LauncherTest, ASecondCtrlCStopsThoseAtOnceThatDoNotListen) {
  plan_.programs.control = Script("429chain-control", Deaf("control"));
  plan_.programs.proxy = Script("429chain-proxy", Deaf("proxy"));
  OnBanner(PressCtrlC);
  err_.When("stopping; once more to stop at once", PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
}

TEST_F(LauncherTest, AProgramThatIsAskedToStopIsAskedOnce) {
  // While the proxy finishes what is open the control plane dies, which is another end that the launcher hears of.
  plan_.programs.proxy = Script("429chain-proxy",
                                "trap 'echo asked >> $LOG; kill -9 $(cat $LOG.control)' TERM\n"
                                "echo proxy started >> $LOG\n"
                                "until grep -q asked $LOG; do /bin/true; done\n"
                                "while kill -0 $(cat $LOG.control) 2>/dev/null; do /bin/true; done\n"
                                "for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done\n");
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
  const std::string log = Log();
  EXPECT_NE(log.find("asked\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("asked\n"), log.rfind("asked\n")) << log;
}

TEST_F(LauncherTest, AProgramThatCannotBeStartedIsSaid) {
  plan_.programs.proxy = folder_.File("no-such-program");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(
      ErrHas("proxy has ended unasked: exit status 127\nits last lines:\n    cannot be started\nhint: it could not be "
             "started"))
      << err_.Text();
}

TEST_F(LauncherTest, ShowsWhatTheProgramsSayUnderTheirNames) {
  plan_.programs.control =
      Script("429chain-control", "echo '{\"message\":\"snapshot\",\"version\":7}'\n" + Steady("control"));
  plan_.notes = {"using mine.yaml, written before", "that file does not use A_KEY"};
  OnBanner(PressCtrlC);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_TRUE(ErrHas("control | ")) << err_.Text();
  EXPECT_TRUE(ErrHas("snapshot version=7")) << err_.Text();
  EXPECT_TRUE(ErrHas("==> using mine.yaml, written before\n==> that file does not use A_KEY\n")) << err_.Text();
}

}  // namespace
}  // namespace chain429
