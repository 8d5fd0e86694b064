#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "controlplane/revisions/environment.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

TEST(SystemEnvironment, TellsAVariableThatIsEmptyFromOneThatIsNotSet) {
  const Environment environment = SystemEnvironment();
  ASSERT_EQ(setenv("CHAIN429_TEST_VARIABLE", "", 1), 0);
  EXPECT_EQ(environment.variable("CHAIN429_TEST_VARIABLE"), "");
  ASSERT_EQ(setenv("CHAIN429_TEST_VARIABLE", "value", 1), 0);
  EXPECT_EQ(environment.variable("CHAIN429_TEST_VARIABLE"), "value");
  ASSERT_EQ(unsetenv("CHAIN429_TEST_VARIABLE"), 0);
  EXPECT_EQ(environment.variable("CHAIN429_TEST_VARIABLE"), std::nullopt);
}

TEST(SystemEnvironment, ReadsAFileWhole) {
  const TemporaryFolder folder;
  const std::string text = std::string(70'000, 'x') + '\0' + "end\n";
  const auto read = SystemEnvironment().file(folder.Write("file", text), 1'000'000);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, text);
  EXPECT_EQ(*SystemEnvironment().file(folder.Write("empty", ""), 10), "");
}

TEST(SystemEnvironment, AFileLongerThanTheLimitIsAnErrorAndOneJustAsLongIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("file", std::string(100, 'x'));
  EXPECT_TRUE(SystemEnvironment().file(path, 100).ok());
  const auto longer = SystemEnvironment().file(path, 99);
  ASSERT_FALSE(longer.ok());
  EXPECT_NE(longer.status().message().find("longer than 99 bytes"), absl::string_view::npos);
}

TEST(SystemEnvironment, WhatIsNoFileIsAnErrorAndIsNotWaitedFor) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.File("pipe").c_str(), 0600), 0);
  for (const std::string& path :
       {folder.File("missing"), folder.path(), folder.File("pipe"), std::string("/dev/zero")}) {
    const auto read = SystemEnvironment().file(path, 1000);
    EXPECT_FALSE(read.ok()) << path;
    EXPECT_FALSE(read.status().message().empty());
  }
}

}  // namespace
}  // namespace chain429
