#include "common/base/text.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(ParseConfigDuration, TakesANumberWithAUnit) {
  const std::vector<std::pair<std::string, absl::Duration>> cases = {
      {"500ms", absl::Milliseconds(500)},
      {"3s", absl::Seconds(3)},
      {"10m", absl::Minutes(10)},
      {"1h", absl::Hours(1)},
      {"0s", absl::ZeroDuration()},
      {"0ms", absl::ZeroDuration()},
      {"1m30s", absl::Seconds(90)},
      {"1h2m3s4ms", absl::Hours(1) + absl::Minutes(2) + absl::Seconds(3) + absl::Milliseconds(4)},
      {"1.5s", absl::Milliseconds(1500)},
      {"007s", absl::Seconds(7)},
      {"8784h", absl::Hours(24 * 366)},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseConfigDuration(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(ParseConfigDuration, RefusesEverythingElseAndSaysWhatIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty"},
      {"3", "unit is missing"},
      {"0", "unit is missing"},
      {"1m30", "unit is missing"},
      {"-3s", "negative"},
      {"3d", "unknown unit"},
      {"3S", "unknown unit"},
      {"3 s", "unknown unit"},
      {"3s ", "unknown unit"},
      {"3sec", "unknown unit"},
      {"3us", "unknown unit"},
      {"s", "no number"},
      {" 3s", "no number"},
      {"+3s", "no number"},
      {".5s", "no number"},
      {"infs", "no number"},
      {"nans", "no number"},
      {"1m-3s", "unknown unit"},
      {"1e3s", "unknown unit"},
      {"0x10s", "unknown unit"},
      {"30s1m", "units must fall"},
      {"1s1s", "units must fall"},
      {"8785h", "longer than a year"},
      {std::string(400, '9') + "h", "no number"},
      {std::string("3s\0", 3), "unknown unit"},
  };
  for (const auto& [text, why] : cases) {
    const auto parsed = ParseConfigDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    const std::string message(parsed.status().message());
    EXPECT_NE(message.find(why), std::string::npos) << text << ": " << message;
    EXPECT_NE(message.find("write a number with a unit: 500ms, 3s, 10m, 1h"), std::string::npos) << message;
  }
}

TEST(FormatDuration, WritesTheShortestFormThatParsesBack) {
  const std::vector<std::pair<absl::Duration, std::string>> cases = {
      {absl::ZeroDuration(), "0s"},
      {absl::Milliseconds(1), "1ms"},
      {absl::Milliseconds(1500), "1s500ms"},
      {absl::Seconds(90), "1m30s"},
      {absl::Seconds(60), "1m"},
      {absl::Hours(24), "24h"},
      {absl::Hours(1) + absl::Seconds(1), "1h1s"},
      {absl::Microseconds(900), "0s"},
      {-absl::Seconds(3), "0s"},
  };
  for (const auto& [duration, expected] : cases) EXPECT_EQ(chain429::FormatDuration(duration), expected);
  for (int64_t ms = 0; ms < 8'000'000; ms += 12'347) {
    EXPECT_EQ(ParseConfigDuration(chain429::FormatDuration(absl::Milliseconds(ms))).value(), absl::Milliseconds(ms))
        << ms;
  }
}

TEST(HumanDuration, IsReadByPeopleAndNeverRoundsDownToZero) {
  EXPECT_EQ(HumanDuration(absl::ZeroDuration()), "0 s");
  EXPECT_EQ(HumanDuration(-absl::Seconds(5)), "0 s");
  EXPECT_EQ(HumanDuration(absl::Nanoseconds(1)), "1 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(42)), "42 s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(59'001)), "1 min");
  EXPECT_EQ(HumanDuration(absl::Seconds(185)), "3 min 5 s");
  EXPECT_EQ(HumanDuration(absl::Minutes(130)), "2 h 10 min");
  EXPECT_EQ(HumanDuration(absl::Hours(3)), "3 h");
}

TEST(CeilSeconds, RoundsUpAndIsNeverNegative) {
  EXPECT_EQ(CeilSeconds(absl::ZeroDuration()), 0);
  EXPECT_EQ(CeilSeconds(-absl::Hours(1)), 0);
  EXPECT_EQ(CeilSeconds(absl::Nanoseconds(1)), 1);
  EXPECT_EQ(CeilSeconds(absl::Seconds(7)), 7);
  EXPECT_EQ(CeilSeconds(absl::Seconds(7) + absl::Nanoseconds(1)), 8);
}

}  // namespace
}  // namespace chain429
