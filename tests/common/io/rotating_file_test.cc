#include "common/io/rotating_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

class RotatingFileTest : public testing::Test {
 protected:
  RotatingFileTest() {
    char folder[] = "/tmp/429chain-rotating-XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ + "/log";
  }
  ~RotatingFileTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<RotatingFile> Open(int64_t most_bytes, int64_t keep) {
    auto file = RotatingFile::Open({path_, most_bytes, keep});
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  static void Append(RotatingFile& file, std::string_view lines) {
    EXPECT_TRUE(file.Append(lines).ok());
    EXPECT_TRUE(lines.empty());
  }
  std::string Text(const std::string& suffix = "") const {
    std::ifstream file(path_ + suffix);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool Exists(const std::string& suffix) const { return std::filesystem::exists(path_ + suffix); }

  std::string folder_;
  std::string path_;
};

TEST_F(RotatingFileTest, AppendsToWhatIsThere) {
  Append(*Open(1000, 2), "one\n");
  Append(*Open(1000, 2), "two\nthree\n");
  EXPECT_EQ(Text(), "one\ntwo\nthree\n");
}

TEST_F(RotatingFileTest, AFullFileIsSetAsideAtTheEndOfALine) {
  const auto file = Open(10, 2);
  Append(*file, "aaaaaa\nbbbbbb\ncccccc\n");
  EXPECT_EQ(Text(".1"), "aaaaaa\nbbbbbb\n");
  EXPECT_EQ(Text(), "cccccc\n");
}

TEST_F(RotatingFileTest, OnlyTheNewestAreKept) {
  const auto file = Open(1, 2);
  for (int i = 0; i < 6; ++i) Append(*file, absl::StrCat("line", i, "\n"));
  EXPECT_EQ(Text(), "line5\n");
  EXPECT_EQ(Text(".1"), "line4\n");
  EXPECT_EQ(Text(".2"), "line3\n");
  EXPECT_FALSE(Exists(".3"));
}

TEST_F(RotatingFileTest, WithNothingToKeepTheFileStartsAnew) {
  const auto file = Open(1, 0);
  Append(*file, "a\nb\n");
  EXPECT_EQ(Text(), "b\n");
  EXPECT_FALSE(Exists(".1"));
}

TEST_F(RotatingFileTest, GoesOnInANewFileWhenThePathWasMovedAway) {
  const auto file = Open(1000, 2);
  Append(*file, "a\n");
  std::filesystem::rename(path_, path_ + ".moved");
  Append(*file, "b\n");
  EXPECT_EQ(Text(".moved"), "a\n");
  EXPECT_EQ(Text(), "b\n");
}

TEST_F(RotatingFileTest, AFolderThatIsNotThereIsAnErrorThatNamesThePath) {
  path_ = folder_ + "/none/log";
  const auto file = RotatingFile::Open({path_, 10, 1});
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find(path_), absl::string_view::npos);
}

TEST_F(RotatingFileTest, WhatAFullDiskDidNotTakeIsLeft) {
  path_ = "/dev/full";
  const auto file = Open(1000, 2);
  std::string_view lines = "a\n";
  EXPECT_FALSE(file->Append(lines).ok());
  EXPECT_EQ(lines, "a\n");
}

// As two programs on one host do with one path.
TEST_F(RotatingFileTest, SeveralWritersLoseNoLine) {
  constexpr int kWriters = 4;
  constexpr int kLines = 500;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      const auto file = Open(2000, 1000);
      for (int i = 0; i < kLines; ++i) Append(*file, absl::StrCat("writer", w, " line", i, "\n"));
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::vector<int> next(kWriters, 0);
  size_t lines = 0;
  size_t files = 0;
  while (Exists(absl::StrCat(".", files + 1))) ++files;
  EXPECT_GT(files, 5u);
  for (size_t n = files + 1; n-- > 0;) {
    std::istringstream text(n == 0 ? Text() : Text(absl::StrCat(".", n)));
    for (std::string line; std::getline(text, line); ++lines) {
      ASSERT_TRUE(line.starts_with("writer")) << line;
      const size_t writer = static_cast<size_t>(line[6] - '0');
      EXPECT_EQ(line, absl::StrCat("writer", writer, " line", next[writer]++));
    }
  }
  EXPECT_EQ(lines, size_t{kWriters} * kLines);
}

}  // namespace
}  // namespace chain429
