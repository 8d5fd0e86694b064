#include "common/cli/flags.h"

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

class Flags : public testing::Test {
 protected:
  Flags() {
    app.add_option("--count", count)->envname("CHAIN429_TEST_COUNT")->check(CLI::Range(0, 9));
    app.add_option("--count-max", max)->envname("CHAIN429_TEST_COUNT_MAX");
    app.set_version_flag("--version", "1");
    unsetenv("CHAIN429_TEST_COUNT");
    unsetenv("CHAIN429_TEST_COUNT_MAX");
  }
  ~Flags() override {
    unsetenv("CHAIN429_TEST_COUNT");
    unsetenv("CHAIN429_TEST_COUNT_MAX");
  }
  // The exit code, -1 for none, and what was told.
  std::pair<int, std::string> Parse(std::vector<const char*> words) {
    argv = std::move(words);
    argv.insert(argv.begin(), "program");
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const int code = ParseFlags(app, static_cast<int>(argv.size()), argv.data()).value_or(-1);
    testing::internal::GetCapturedStdout();
    return {code, testing::internal::GetCapturedStderr()};
  }
  CLI::App app{"A program", "program"};
  std::vector<const char*> argv;
  int count = 1;
  int max = 1;
};

TEST_F(Flags, GoodOnesGoOn) {
  EXPECT_EQ(Parse({"--count", "3"}).first, -1);
  EXPECT_EQ(count, 3);
}

TEST_F(Flags, HelpAndVersionEndWell) {
  EXPECT_EQ(Parse({"--help"}).first, kExitOk);
  EXPECT_EQ(Parse({"--version"}).first, kExitOk);
}

TEST_F(Flags, WrongOnesEndWithTheCodeOfUsage) {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {"--count", "10"}, {"--count", "x"}, {"--count"}, {"--unknown"}, {"surplus"}}) {
    const auto [code, told] = Parse(words);
    EXPECT_EQ(code, kExitUsage) << words[0];
    EXPECT_EQ(told.rfind("program: ", 0), 0u) << told;
    EXPECT_EQ(told.find("CHAIN429"), std::string::npos) << told;
  }
}

TEST_F(Flags, AVariableIsNamedWhereItIsTheCause) {
  setenv("CHAIN429_TEST_COUNT", "10", 1);
  EXPECT_NE(Parse({}).second.find("(from CHAIN429_TEST_COUNT)"), std::string::npos);
  setenv("CHAIN429_TEST_COUNT", "5", 1);
  setenv("CHAIN429_TEST_COUNT_MAX", "x", 1);
  EXPECT_NE(Parse({}).second.find("(from CHAIN429_TEST_COUNT_MAX)"), std::string::npos) << "not the shorter name";
}

TEST_F(Flags, AFlagOnTheCommandLineIsNotItsVariable) {
  setenv("CHAIN429_TEST_COUNT", "5", 1);
  EXPECT_EQ(Parse({"--count=10"}).second.find("CHAIN429"), std::string::npos);
  ASSERT_EQ(Parse({"--count", "7"}).first, -1);
  EXPECT_EQ(count, 7);
  EXPECT_EQ(FlagSource(app, "--count"), "--count");
  EXPECT_EQ(FlagSource(app, "--count-max"), "--count-max") << "its variable is not set";
  ASSERT_EQ(Parse({}).first, -1);
  EXPECT_EQ(FlagSource(app, "--count"), "--count (from CHAIN429_TEST_COUNT)");
}

TEST(TlsFlags, BothOrNone) {
  EXPECT_FALSE((*TlsPaths({"", ""})).has_value());
  const auto both = TlsPaths({"c", "k"});
  ASSERT_TRUE(both.ok() && both->has_value());
  EXPECT_EQ((*both)->cert, "c");
  EXPECT_EQ((*both)->key, "k");
  EXPECT_EQ(FromAbsl(TlsPaths({"c", ""}).status().message()), "--tls-cert needs --tls-key too");
  EXPECT_EQ(FromAbsl(TlsPaths({"", "k"}).status().message()), "--tls-key needs --tls-cert too");
}

TEST(ControlTlsFlags, AllThreeOrNone) {
  EXPECT_FALSE((*ControlTlsPaths({"", "", ""})).has_value());
  ASSERT_TRUE(ControlTlsPaths({"a", "c", "k"}).ok());
  EXPECT_EQ((**ControlTlsPaths({"a", "c", "k"})).ca, "a");
  EXPECT_EQ(FromAbsl(ControlTlsPaths({"a", "", ""}).status().message()),
            "--control-ca needs --control-cert and --control-key too");
  EXPECT_EQ(FromAbsl(ControlTlsPaths({"", "c", "k"}).status().message()),
            "--control-cert and --control-key needs --control-ca too");
}

}  // namespace
}  // namespace chain429
