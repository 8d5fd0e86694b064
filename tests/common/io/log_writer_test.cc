#include "common/io/log_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/io/log_control.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

// What goes to stderr of a program goes into a pipe here.
class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    EXPECT_EQ(pipe(ends_), 0);
    char folder[] = "/tmp/429chain-log-XXXXXX";
    folder_ = mkdtemp(folder);
  }
  ~LogWriterTest() override {
    if (ends_[1] >= 0) close(ends_[1]);
    close(ends_[0]);
    std::filesystem::remove_all(folder_);
  }
  int fd() const { return ends_[1]; }
  // Everything written. Nothing can be logged after it.
  std::string Written() {
    close(ends_[1]);
    ends_[1] = -1;
    std::string all;
    char buffer[65536];
    for (ssize_t n = 0; (n = read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(n));
    return all;
  }
  std::string File(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  int ends_[2] = {-1, -1};
  std::string folder_;
};

TEST_F(LogWriterTest, WritesWhatIsQueuedBeforeItEnds) {
  std::string want;
  {
    LogWriter writer(fd());
    for (int i = 0; i < 1000; ++i) {
      writer.Write(absl::StrCat("line ", i, "\n"), 1, LogFormat::kText);
      absl::StrAppend(&want, "line ", i, "\n");
    }
  }
  EXPECT_EQ(Written(), want);
}

TEST_F(LogWriterTest, CountsLinesNotBatches) {
  LogWriter writer(fd());
  writer.Write("a\nb\nc\n", 3, LogFormat::kText);
  writer.Flush();
  EXPECT_EQ(writer.written(), 3u);
  EXPECT_EQ(writer.dropped(), 0u);
}

// Whoever logs never waits: with a pipe that nobody reads the queue fills, and what does not fit is dropped and
// counted.
TEST_F(LogWriterTest, DropsAndCountsWhatNobodyTakes) {
  const std::string line = std::string(1023, 'x') + "\n";
  constexpr uint64_t kLines = 3 * LogWriter::kMostQueued / 1024;
  uint64_t dropped = 0;
  {
    LogWriter writer(fd());
    for (uint64_t i = 0; i < kLines; ++i) writer.Write(line, 1, LogFormat::kText);
    dropped = writer.dropped();
    EXPECT_GT(dropped, 0u);
    EXPECT_LT(dropped, kLines);
    // The reader comes late; nothing more is lost.
    std::thread reader([&] {
      char buffer[65536];
      while (writer.written() + dropped < kLines && read(ends_[0], buffer, sizeof buffer) > 0) {
      }
    });
    writer.Flush();
    writer.Write(line, 1, LogFormat::kText);  // wakes a reader that waits for the last of it
    reader.join();
    EXPECT_EQ(writer.dropped(), dropped);
  }
}

TEST_F(LogWriterTest, TellsOfDroppedLinesOnce) {
  std::mutex mutex;
  std::condition_variable told;
  int64_t lines = 0;
  LogWriter writer(fd());
  writer.set_trouble([&](std::string_view message, std::initializer_list<LogField> fields) {
    EXPECT_NE(message.find("dropped"), std::string_view::npos);
    const std::lock_guard lock(mutex);
    lines += std::get<int64_t>(fields.begin()->value);
    told.notify_all();
  });
  writer.Write(std::string(LogWriter::kMostQueued + 1, 'x'), 7, LogFormat::kText);
  EXPECT_EQ(writer.dropped(), 7u);
  writer.Write("next\n", 1, LogFormat::kText);
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return lines > 0; });
  EXPECT_EQ(lines, 7);
}

TEST_F(LogWriterTest, AFileTakesTheLinesFromThenOn) {
  LogWriter writer(fd());
  writer.Write("to stderr\n", 1, LogFormat::kText);
  writer.Flush();
  writer.SetFile(RotatingFile::Options{folder_ + "/log"}, LogFormat::kText);
  writer.Write("to the file\n", 1, LogFormat::kText);
  writer.Flush();
  writer.SetFile(std::nullopt, LogFormat::kText);
  writer.Write("to stderr again\n", 1, LogFormat::kText);
  writer.Flush();
  EXPECT_EQ(File("log"), "to the file\n");
  EXPECT_EQ(Written(), "to stderr\nto stderr again\n");
}

// Another thread may have made it just before the format changed with the file.
TEST_F(LogWriterTest, AFileTakesLinesOfItsFormatAlone) {
  LogWriter writer(fd());
  writer.SetFile(RotatingFile::Options{folder_ + "/log"}, LogFormat::kJson);
  writer.Write("late text\n", 1, LogFormat::kText);
  writer.Write("{}\n", 1, LogFormat::kJson);
  writer.Write("later text\n", 1, LogFormat::kText);
  writer.Flush();
  EXPECT_EQ(File("log"), "{}\n");
  EXPECT_EQ(Written(), "late text\nlater text\n");
}

TEST_F(LogWriterTest, ReopenMakesTheFileAnew) {
  LogWriter writer(fd());
  writer.SetFile(RotatingFile::Options{folder_ + "/log"}, LogFormat::kText);
  writer.Flush();
  std::filesystem::rename(folder_ + "/log", folder_ + "/old");
  writer.Reopen();
  writer.Flush();
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/log"));
}

TEST_F(LogWriterTest, AFileThatCannotBeOpenedLeavesTheLogOnStderr) {
  LogWriter writer(fd());
  std::string told;
  writer.set_trouble([&](std::string_view message, std::initializer_list<LogField> fields) {
    told = std::string(message) + ": " + std::string(std::get<std::string_view>(fields.begin()->value));
  });
  writer.SetFile(RotatingFile::Options{folder_ + "/none/log"}, LogFormat::kText);
  writer.Write("line\n", 1, LogFormat::kText);
  writer.Flush();
  EXPECT_NE(told.find("none/log"), std::string::npos) << told;
  EXPECT_EQ(Written(), "line\n");
}

class LogControlTest : public LogWriterTest {
 protected:
  const SystemClock clock_;
};

TEST_F(LogControlTest, RequestBeforeFlagBeforeConfigurationBeforeDefault) {
  LogControl plain(clock_, "test", "", {}, fd());
  EXPECT_EQ(plain.state().level, LogLevel::kInfo);
  EXPECT_EQ(plain.state().format, LogFormat::kText);
  LogSettings settings;
  settings.level = LogLevel::kDebug;
  settings.format = LogFormat::kJson;
  plain.Apply(settings);
  EXPECT_EQ(plain.state().level, LogLevel::kDebug);
  EXPECT_EQ(plain.state().level_from, "configuration");
  EXPECT_EQ(plain.state().format, LogFormat::kJson);
  plain.SetLevel(LogLevel::kError);
  EXPECT_EQ(plain.state().level, LogLevel::kError);
  EXPECT_EQ(plain.state().level_from, "request");
  plain.SetLevel(std::nullopt);
  EXPECT_EQ(plain.state().level, LogLevel::kDebug);
  plain.Apply({});
  EXPECT_EQ(plain.state().level_from, "default");

  LogControl flagged(clock_, "test", "", {LogLevel::kWarning, LogFormat::kText}, fd());
  flagged.Apply(settings);
  EXPECT_EQ(flagged.state().level, LogLevel::kWarning);
  EXPECT_EQ(flagged.state().level_from, "flag");
  EXPECT_EQ(flagged.state().format, LogFormat::kText);
  flagged.SetLevel(LogLevel::kDebug);
  EXPECT_EQ(flagged.logger().level(), LogLevel::kDebug);
}

TEST_F(LogControlTest, ARequestedLevelHoldsUntilTheConfigurationAsksForAnother) {
  LogControl log(clock_, "test", "", {}, fd());
  log.SetLevel(LogLevel::kDebug);
  LogSettings settings;
  settings.format = LogFormat::kJson;
  log.Apply(settings);
  EXPECT_EQ(log.state().level, LogLevel::kDebug);
  settings.level = LogLevel::kWarning;
  log.Apply(settings);
  EXPECT_EQ(log.state().level, LogLevel::kWarning);
}

TEST_F(LogControlTest, ThePathTakesProgramAndNode) {
  LogControl log(clock_, "proxy", "team/a", {}, fd());
  EXPECT_EQ(log.PathOf("/var/log/{program}-{node}.log"), "/var/log/proxy-team_a.log");
  LogControl nameless(clock_, "control", "", {}, fd());
  EXPECT_EQ(nameless.PathOf("{node}"), "control");
}

TEST_F(LogControlTest, AnnouncementsGoToStderrAtAnyLevelAndToTheFile) {
  {
    LogControl log(clock_, "test", "", {}, fd());
    LogSettings settings;
    settings.level = LogLevel::kError;
    settings.file = folder_ + "/log";
    log.Apply(settings);
    log.Announce("listening");
    log.logger().Info("not said");
  }
  EXPECT_NE(File("log").find("info test: listening\n"), std::string::npos);
  const std::string written = Written();
  EXPECT_TRUE(written.ends_with("info test: listening\n")) << written;
  EXPECT_EQ(written.find("not said"), std::string::npos);
}

}  // namespace
}  // namespace chain429
