#include "controlplane/ctl/up/death_report.h"

#include <gtest/gtest.h>

#include <csignal>

namespace chain429 {
namespace {

TEST(DeathHint, FollowsFromHowItEndedAndWhatItSaidLast) {
  const struct {
    ChildEnd end;
    std::string words;
    std::string part;
  } cases[] = {{{SIGKILL, 0}, "", "want of memory"},
               {{SIGTERM, 0}, "", "somebody stopped it"},
               {{SIGSEGV, 0}, "", "report it"},
               {{0, 127}, "cannot be started", "./dev build"},
               {{0, 1}, "127.0.0.1:4292 is already In Use", "--grpc-listen"},
               {{0, 1}, "--store: the SQLite file cannot be used", "--state DIR"},
               {{0, 1}, "10.0.0.1:4290 is not loopback", "client_keys"},
               {{0, 1}, "mine.yaml:3:1: error: chainz", "429ctl validate"}};
  for (const auto& one : cases)
    EXPECT_NE(DeathHint(one.end, "control", one.words).find(one.part), std::string::npos) << one.part;
  EXPECT_NE(DeathHint({0, 1}, "proxy", "").find("429chain-proxy --help"), std::string::npos);
}

}  // namespace
}  // namespace chain429
