#include "common/base/log_line.h"

#include <cmath>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(LogTime, WritesMillisecondsOfEverySecond) {
  LogTime time;
  EXPECT_EQ(time.Format(absl::FromUnixMillis(1'795'521'600'123)), "2026-11-24T12:00:00.123Z");
  EXPECT_EQ(time.Format(absl::FromUnixMillis(1'795'521'600'004)), "2026-11-24T12:00:00.004Z");
  EXPECT_EQ(time.Format(absl::FromUnixMillis(1'795'521'601'999)), "2026-11-24T12:00:01.999Z");
  EXPECT_EQ(time.Format(absl::FromUnixMillis(1'795'521'600'000)), "2026-11-24T12:00:00.000Z");
}

TEST(LogTime, TakesTimesBefore1970) {
  LogTime time;
  EXPECT_EQ(time.Format(absl::FromUnixMillis(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(time.Format(absl::FromUnixMillis(-1000)), "1969-12-31T23:59:59.000Z");
}

TEST(LogLine, MillisecondsHaveThreeDecimals) {
  std::string out;
  LogLine line(out, LogFormat::kJson, "T", LogLevel::kInfo, "p", "m");
  line.AddMillis("a", absl::Microseconds(1'234'005));
  line.AddMillis("b", absl::Microseconds(7));
  line.AddMillis("c", absl::Seconds(-1));
  line.End();
  EXPECT_EQ(out, R"({"time":"T","level":"info","program":"p","message":"m","a":1234.005,"b":0.007,"c":0.000})"
                 "\n");
}

TEST(LogLine, LinesFollowEachOther) {
  std::string out;
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    LogLine line(out, format, "T", LogLevel::kWarning, "p", "m");
    line.Add("k", "a b");
    line.Add("n", int64_t{-3});
    line.Add("f", false);
    line.End();
  }
  EXPECT_EQ(out,
            "T warning p: m k=\"a b\" n=-3 f=false\n"
            R"({"time":"T","level":"warning","program":"p","message":"m","k":"a b","n":-3,"f":false})"
            "\n");
}

TEST(LogSettings, NamesReadBack) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError})
    EXPECT_EQ(LogLevelFrom(LogLevelName(level)), level);
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson})
    EXPECT_EQ(LogFormatFrom(LogFormatName(format)), format);
  EXPECT_EQ(LogLevelFrom("loud"), std::nullopt);
  EXPECT_EQ(LogFormatFrom(""), std::nullopt);
}

}  // namespace
}  // namespace chain429
