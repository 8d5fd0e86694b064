#include "controlplane/ctl/text_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

TEST(TextFile, WhatWasWrittenIsReadByItsOwnerAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.File("file");
  const std::string text = "first\n" + std::string(200'000, 'x') + '\0' + "last";
  ASSERT_TRUE(WriteTextFile(path, text).ok());
  EXPECT_EQ(*ReadTextFile(path), text);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(TextFile, ReplacesAFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("file", "a longer text than the next");
  ASSERT_TRUE(WriteTextFile(path, "short").ok());
  EXPECT_EQ(folder.Read("file"), "short");
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(TextFile, WhatCannotBeWrittenLeavesWhatWasThere) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.File("in-the-way"));
  EXPECT_FALSE(WriteTextFile(folder.File("in-the-way"), "text").ok());
  EXPECT_FALSE(WriteTextFile(folder.File("missing/file"), "text").ok());
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing half written";
}

TEST(TextFile, AnErrorNamesTheFileAndTheReason) {
  const TemporaryFolder folder;
  const auto missing = ReadTextFile(folder.File("missing"));
  ASSERT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_NE(missing.status().message().find(folder.File("missing")), absl::string_view::npos);
  EXPECT_NE(missing.status().message().find("No such file"), absl::string_view::npos);
  const auto directory = ReadTextFile(folder.path());
  ASSERT_FALSE(directory.ok());
  EXPECT_NE(directory.status().message().find("directory"), absl::string_view::npos);
}

TEST(TextFile, WhatIsTooLargeIsAnError) {
  const auto zeros = ReadTextFile("/dev/zero");
  ASSERT_TRUE(absl::IsInvalidArgument(zeros.status()));
  EXPECT_NE(zeros.status().message().find("16 MiB"), absl::string_view::npos);
}

}  // namespace
}  // namespace chain429
