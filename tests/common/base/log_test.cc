#include "common/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

class StillClock final : public Clock {
 public:
  Now Read() const override { return {MonoTime::FromNanos(1), absl::FromUnixMillis(1'795'521'600'123)}; }
};

// What a logger writes goes into a pipe.
class LogTest : public testing::Test {
 protected:
  LogTest() { EXPECT_EQ(pipe(ends_), 0); }
  ~LogTest() override {
    if (ends_[1] >= 0) close(ends_[1]);
    close(ends_[0]);
  }
  Logger MakeLogger(LogLevel level, LogFormat format) { return {clock_, "test", level, format, ends_[1]}; }
  // Everything written. Nothing can be logged after it.
  std::string Written() {
    close(ends_[1]);
    ends_[1] = -1;
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(n));
    return all;
  }

  StillClock clock_;
  int ends_[2] = {-1, -1};
};

TEST_F(LogTest, JsonLineWithEveryKindOfField) {
  MakeLogger(LogLevel::kInfo, LogFormat::kJson)
      .Info("started \"well\"",
            {{"address", "127.0.0.1:4290"}, {"workers", int64_t{2}}, {"load", 0.5}, {"ready", true}});
  EXPECT_EQ(Written(),
            R"({"time":"2026-11-24T12:00:00.123Z","level":"info","program":"test","message":"started \"well\"",)"
            R"("address":"127.0.0.1:4290","workers":2,"load":0.5,"ready":true})"
            "\n");
}

TEST_F(LogTest, JsonHasNoNumberForWhatIsNone) {
  MakeLogger(LogLevel::kInfo, LogFormat::kJson).Info("m", {{"a", std::nan("")}, {"b", INFINITY}, {"c", -INFINITY}});
  EXPECT_NE(Written().find(R"("a":null,"b":null,"c":null})"), std::string::npos);
}

TEST_F(LogTest, TextLineQuotesWhatWouldNotReadBack) {
  MakeLogger(LogLevel::kDebug, LogFormat::kText)
      .Warning("slow", {{"a", "word"}, {"b", "two words"}, {"c", ""}, {"d", "x=y"}, {"e", int64_t{-3}}, {"f", false}});
  EXPECT_EQ(Written(),
            "2026-11-24T12:00:00.123Z warning test: slow a=word b=\"two words\" c=\"\" d=\"x=y\" e=-3 f=false\n");
}

// A provider's message must not forge lines of ours.
TEST_F(LogTest, EveryCallIsOneLineWhateverTheTextHolds) {
  const Logger logger = MakeLogger(LogLevel::kInfo, LogFormat::kText);
  logger.Info("a\nb\r", {{"provider", "x\n2026-11-24 error forged"}});
  const std::string written = Written();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1);
  EXPECT_EQ(written.find('\r'), std::string::npos);
}

TEST_F(LogTest, IsQuietBelowItsLevelWhichMayChange) {
  Logger logger = MakeLogger(LogLevel::kWarning, LogFormat::kText);
  logger.Debug("d");
  logger.Info("i");
  EXPECT_FALSE(logger.enabled(LogLevel::kInfo));
  logger.Warning("w");
  logger.Error("e");
  logger.set_level(LogLevel::kDebug);
  logger.set_format(LogFormat::kJson);
  logger.Debug("now");
  const std::string written = Written();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 3);
  EXPECT_NE(written.find("warning test: w\n"), std::string::npos);
  EXPECT_NE(written.find("error test: e\n"), std::string::npos);
  EXPECT_NE(written.find(R"("level":"debug","program":"test","message":"now"})"), std::string::npos);
}

TEST_F(LogTest, AClosedDescriptorStopsNobody) {
  const Logger logger(clock_, "test", LogLevel::kInfo, LogFormat::kJson, -1);
  logger.Error("nobody hears this");
  EXPECT_EQ(Written(), "");
}

std::string Escaped(std::string_view text) {
  std::string out;
  AppendJsonEscaped(out, text);
  return out;
}

TEST(AppendJsonEscaped, EscapesWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(Escaped("plain / 'text' <b>"), "plain / 'text' <b>");
  EXPECT_EQ(Escaped("\"\\\n\r\t"), R"(\"\\\n\r\t)");
  EXPECT_EQ(Escaped(std::string_view("\0\x01\x1f\x7f", 4)), "\\u0000\\u0001\\u001f\\u007f");
  EXPECT_EQ(Escaped("é…😀\uFFFD"), "é…😀\uFFFD");
}

TEST(AppendJsonEscaped, ReplacesWhatIsNoUtf8) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(Escaped("a\x80z"), "a" + mark + "z");
  EXPECT_EQ(Escaped("\xC3"), mark);
  EXPECT_EQ(Escaped("\xC3\x28"), mark + "(");
  EXPECT_EQ(Escaped("\xE2\x80"), mark + mark);
  EXPECT_EQ(Escaped("\xF5\x80\x80\x80"), mark + mark + mark + mark);
  EXPECT_EQ(Escaped("\xFF"), mark);
}

// Overlong forms, surrogates and what lies beyond Unicode: strict readers refuse the whole document for one of them.
TEST(AppendJsonEscaped, ReplacesUtf8ThatNobodyMayWrite) {
  const std::string mark = "\xEF\xBF\xBD";
  for (const std::string text : {"\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                                 "\xF0\x80\x80\xAF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80"}) {
    std::string marks;
    for (size_t i = 0; i < text.size(); ++i) marks += mark;
    EXPECT_EQ(Escaped(text), marks);
  }
  for (const std::string text :
       {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(Escaped(text), text);
  }
}

TEST(CheckDeathTest, ABrokenInvariantSaysWhereAndWhatAndEnds) {
  const int one = 1;
  CHAIN429_CHECK(one == 1);
  EXPECT_DEATH(CHAIN429_CHECK(one == 2), "log_test\\.cc:[0-9]+: broken invariant: one == 2");
}

}  // namespace
}  // namespace chain429
