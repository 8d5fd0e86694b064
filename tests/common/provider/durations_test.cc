#include "common/provider/durations.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

using absl::Milliseconds;
using absl::Seconds;

const absl::Time kNow = absl::FromUnixSeconds(1795521600);  // 2026-11-24T12:00:00Z

TEST(Durations, ReadsGoDurations) {
  EXPECT_EQ(ParseUnitDuration("2m59.56s"), Seconds(179) + Milliseconds(560));
  EXPECT_EQ(ParseUnitDuration("6m0s"), Seconds(360));
  EXPECT_EQ(ParseUnitDuration("1s"), Seconds(1));
  EXPECT_EQ(ParseUnitDuration("7.66s"), Milliseconds(7660));
  EXPECT_EQ(ParseUnitDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ParseUnitDuration("156h14m36.752463453s"), Seconds(562476) + absl::Nanoseconds(752463453));
  EXPECT_EQ(ParseUnitDuration("1d"), absl::Hours(24));
  EXPECT_EQ(ParseUnitDuration("0s"), absl::ZeroDuration());
  EXPECT_EQ(ParseUnitDuration(" 47s "), Seconds(47));
  EXPECT_EQ(ParseUnitDuration(".5s"), Milliseconds(500));
  EXPECT_EQ(ParseUnitDuration("1.5h"), absl::Minutes(90));
}

TEST(Durations, DoesNotTakeMillisecondsForMinutes) {
  EXPECT_EQ(ParseUnitDuration("20ms"), Milliseconds(20));
  EXPECT_EQ(ParseUnitDuration("1m20ms"), Seconds(60) + Milliseconds(20));
  EXPECT_EQ(ParseUnitDuration("370.5ms"), absl::Microseconds(370500));
  EXPECT_EQ(ParseUnitDuration("15us"), absl::Microseconds(15));
  EXPECT_EQ(ParseUnitDuration("15µs"), absl::Microseconds(15));
  EXPECT_EQ(ParseUnitDuration("7ns"), absl::Nanoseconds(7));
}

TEST(Durations, ReadsNumbers) {
  EXPECT_EQ(ParseSeconds("30"), Seconds(30));
  EXPECT_EQ(ParseSeconds("0"), absl::ZeroDuration());
  EXPECT_EQ(ParseSeconds("0.5"), Milliseconds(500));
  EXPECT_EQ(ParseSeconds("33011.382867097855"), Seconds(33011) + absl::Nanoseconds(382867097));
  EXPECT_EQ(ParseSeconds("3e-05"), absl::Microseconds(30));
  EXPECT_EQ(ParseSeconds("1.5e3"), Seconds(1500));
  EXPECT_EQ(ParseMilliseconds("1200"), Milliseconds(1200));
  EXPECT_EQ(ParseMilliseconds("0.5"), absl::Microseconds(500));
  EXPECT_EQ(ParseCount("1000000000"), 1000000000);
  EXPECT_EQ(ParseCount("59.0"), 59);
  EXPECT_EQ(ParseCount(" 7 "), 7);
}

TEST(Durations, WhatCannotBeReadIsUnknownNotZero) {
  const std::vector<std::string> bad = {"",      " ",   "soon", "-1",   "-0.5",  "NaN",  "nan",    "inf",   "infinity",
                                        "1h-2m", "-3s", "+5",   "1 2",  "1,5",   "0x10", "1e",     "e5",    "..",
                                        "1.2.3", "s",   "ms",   "1x",   "1s2",   "--1",  "1m 2s",  "\x00s", "١",
                                        "5S5",   "1e-", "1ee5", "4:30", "1_000", "null", "unknown"};
  for (const std::string& text : bad) {
    EXPECT_EQ(ParseSeconds(text), std::nullopt) << text;
    EXPECT_EQ(ParseUnitDuration(text), std::nullopt) << text;
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
    EXPECT_EQ(ParseRfc3339(text), std::nullopt) << text;
    EXPECT_EQ(ParseReset(text, kNow), std::nullopt) << text;
    EXPECT_EQ(ParseCount(text), std::nullopt) << text;
  }
}

TEST(Durations, HugeNumbersSaturate) {
  EXPECT_EQ(ParseSeconds("99999999999999999999999999"), kLongestWait);
  EXPECT_EQ(ParseSeconds("1e400"), kLongestWait);
  EXPECT_EQ(ParseSeconds("1e-400"), absl::ZeroDuration());
  EXPECT_EQ(ParseSeconds("9999999999999999"), kLongestWait);
  EXPECT_EQ(ParseUnitDuration("999999999999999h"), kLongestWait);
  EXPECT_EQ(ParseUnitDuration("99999999999999999999999h"), std::nullopt);
  EXPECT_EQ(ParseUnitDuration("99999999d99999999d99999999d"), kLongestWait);
  EXPECT_EQ(ParseCount("99999999999999999999"), std::nullopt);
  EXPECT_EQ(ParseSeconds(std::string(100000, '9')), kLongestWait);
  EXPECT_EQ(ParseSeconds("0." + std::string(100000, '3')), absl::Nanoseconds(333333333));
}

TEST(Durations, ReadsRfc3339) {
  EXPECT_EQ(ParseRfc3339("2026-11-24T12:00:30Z"), kNow + Seconds(30));
  EXPECT_EQ(ParseRfc3339("2026-11-24T12:00:30.25Z"), kNow + Milliseconds(30250));
  EXPECT_EQ(ParseRfc3339("2026-11-24T14:00:30+02:00"), kNow + Seconds(30));
  EXPECT_EQ(ParseRfc3339("2026-11-24T04:00:30-08:00"), kNow + Seconds(30));
  EXPECT_EQ(ParseRfc3339("2026-11-24t12:00:30z"), kNow + Seconds(30));
  for (const std::string text : {"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-24T25:00:00Z",
                                 "2026-11-24T12:00:30", "2026-11-24T12:00:30+2:00", "2026-11-24T12:00:30.Z",
                                 "2026-11-24", "0000-00-00T00:00:00Z", "2026-11-24T12:00:30Zjunk"}) {
    EXPECT_EQ(ParseRfc3339(text), std::nullopt) << text;
  }
}

TEST(Durations, ReadsAllThreeFormsOfHttpDates) {
  EXPECT_EQ(ParseHttpDate("Tue, 24 Nov 2026 12:01:30 GMT"), kNow + Seconds(90));
  EXPECT_EQ(ParseHttpDate("Tuesday, 24-Nov-26 12:01:30 GMT"), kNow + Seconds(90));
  EXPECT_EQ(ParseHttpDate("Tue Nov 24 12:01:30 2026"), kNow + Seconds(90));
  EXPECT_EQ(ParseHttpDate("Sun Nov  1 00:00:00 2026"), absl::FromUnixSeconds(1793491200));
  EXPECT_EQ(ParseHttpDate("Tue, 24 Nov 2026 12:01:30 PST"), std::nullopt);
  EXPECT_EQ(ParseHttpDate("Tue, 31 Jun 2026 12:01:30 GMT"), std::nullopt);
}

TEST(Durations, ResetsTellEpochsFromDeltasBySize) {
  EXPECT_EQ(ParseReset("45", kNow), Seconds(45));
  EXPECT_EQ(ParseReset("11.382867097854614", kNow), Seconds(11) + absl::Nanoseconds(382867097));
  EXPECT_EQ(ParseReset("1795521645", kNow), Seconds(45));
  EXPECT_EQ(ParseReset("1795521645000", kNow), Seconds(45));
  EXPECT_EQ(ParseReset("1795521645.5", kNow), Milliseconds(45500));
  EXPECT_EQ(ParseReset("2m59.56s", kNow), Milliseconds(179560));
  EXPECT_EQ(ParseReset("2026-11-24T12:00:02Z", kNow), Seconds(2));
  EXPECT_EQ(ParseReset("Tue, 24 Nov 2026 12:01:30 GMT", kNow), Seconds(90));
  EXPECT_GT(ParseReset("99999999999999999999999", kNow), absl::Hours(24 * 365 * 40));
}

TEST(Durations, ATimeThatIsOverIsNow) {
  EXPECT_EQ(ParseReset("1795521500", kNow), absl::ZeroDuration());
  EXPECT_EQ(ParseReset("2026-11-24T11:59:59Z", kNow), absl::ZeroDuration());
}

TEST(Durations, WindowEdgesFollowTheCalendar) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_EQ(UntilWindowEdge(kNow, absl::Hours(24), absl::ZeroDuration(), utc), absl::Hours(12));
  EXPECT_EQ(UntilWindowEdge(kNow, absl::Hours(24), absl::Hours(13), utc), absl::Hours(1));
  EXPECT_EQ(UntilWindowEdge(kNow, absl::Hours(24), absl::Hours(12), utc), absl::Hours(24));
  EXPECT_EQ(UntilWindowEdge(kNow + Milliseconds(48689), absl::Minutes(1), absl::ZeroDuration(), utc),
            Milliseconds(11311));
  EXPECT_EQ(UntilWindowEdge(kNow, absl::Minutes(1), absl::ZeroDuration(), utc), Seconds(60));
  EXPECT_EQ(UntilNextMonth(kNow, utc), absl::Hours(24 * 6 + 12));
}

}  // namespace
}  // namespace chain429
