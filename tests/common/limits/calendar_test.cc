#include "common/limits/calendar.h"

#include <string>

#include "common/base/random.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const char* const kPacific = "America/Los_Angeles";

absl::Time At(const char* zone, int64_t y, int m, int d, int hh = 0, int mm = 0, int ss = 0) {
  return absl::FromCivil(absl::CivilSecond(y, m, d, hh, mm, ss), ZoneNamed(zone));
}

absl::Time Utc(int64_t y, int m, int d, int hh = 0, int mm = 0, int ss = 0) { return At("UTC", y, m, d, hh, mm, ss); }

WindowSpec Day(absl::Duration anchor = absl::ZeroDuration(), const char* zone = "UTC") {
  return Fixed(absl::Hours(24), anchor, zone);
}

TEST(Calendar, ADayBeginsAtMidnight) {
  const Period period = PeriodOf(Day(), Utc(2026, 11, 24, 12));
  EXPECT_EQ(period.start, Utc(2026, 11, 24));
  EXPECT_EQ(period.end, Utc(2026, 11, 25));
}

TEST(Calendar, AnEdgeBelongsToThePeriodThatItBegins) {
  EXPECT_EQ(PeriodOf(Day(), Utc(2026, 11, 24)).start, Utc(2026, 11, 24));
  EXPECT_EQ(PeriodOf(Day(), Utc(2026, 11, 24) - absl::Nanoseconds(1)).end, Utc(2026, 11, 24));
}

TEST(Calendar, ADayCountsFromItsAnchor) {
  const WindowSpec spec = Day(absl::Hours(8) + absl::Minutes(30));
  EXPECT_EQ(PeriodOf(spec, Utc(2026, 11, 24, 8, 29, 59)).start, Utc(2026, 11, 23, 8, 30));
  EXPECT_EQ(PeriodOf(spec, Utc(2026, 11, 24, 8, 30)).start, Utc(2026, 11, 24, 8, 30));
  EXPECT_EQ(PeriodOf(spec, Utc(2026, 11, 24, 8, 30)).end, Utc(2026, 11, 25, 8, 30));
}

TEST(Calendar, APacificDayWithAClockChangeHas23Or25Hours) {
  // 8 March 2026: 2:00 becomes 3:00. 1 November 2026: 2:00 becomes 1:00.
  const Period spring = PeriodOf(Day({}, kPacific), At(kPacific, 2026, 3, 8, 12));
  EXPECT_EQ(spring.start, Utc(2026, 3, 8, 8));
  EXPECT_EQ(spring.end, Utc(2026, 3, 9, 7));
  EXPECT_EQ(spring.end - spring.start, absl::Hours(23));
  const Period autumn = PeriodOf(Day({}, kPacific), At(kPacific, 2026, 11, 1, 12));
  EXPECT_EQ(autumn.start, Utc(2026, 11, 1, 7));
  EXPECT_EQ(autumn.end, Utc(2026, 11, 2, 8));
  EXPECT_EQ(autumn.end - autumn.start, absl::Hours(25));
}

TEST(Calendar, AnAnchorThatAClockChangeSkipsIsTheFirstMomentAfterIt) {
  const WindowSpec spec = Day(absl::Hours(2) + absl::Minutes(30), kPacific);
  const absl::Time change = Utc(2026, 3, 8, 10);
  EXPECT_EQ(PeriodOf(spec, change - absl::Seconds(1)).end, change);
  EXPECT_EQ(PeriodOf(spec, change).start, change);
  EXPECT_EQ(PeriodOf(spec, change).end, At(kPacific, 2026, 3, 9, 2, 30));
}

TEST(Calendar, AnAnchorThatComesTwiceIsItsFirstMoment) {
  const WindowSpec spec = Day(absl::Hours(1) + absl::Minutes(30), kPacific);
  const absl::Time first = Utc(2026, 11, 1, 8, 30);  // 1:30 in summer time; it is 1:30 again an hour later
  EXPECT_EQ(PeriodOf(spec, first - absl::Seconds(1)).end, first);
  EXPECT_EQ(PeriodOf(spec, first).start, first);
  EXPECT_EQ(PeriodOf(spec, first + absl::Minutes(90)).start, first);
  EXPECT_EQ(PeriodOf(spec, first).end, Utc(2026, 11, 2, 9, 30));
}

TEST(Calendar, ShortWindowsDivideTheDayFromItsAnchor) {
  const Period minute = PeriodOf(Fixed(absl::Minutes(1)), Utc(2026, 11, 24, 12, 34, 56));
  EXPECT_EQ(minute.start, Utc(2026, 11, 24, 12, 34));
  EXPECT_EQ(minute.end, Utc(2026, 11, 24, 12, 35));
  const Period hour = PeriodOf(Fixed(absl::Hours(1), absl::Minutes(20)), Utc(2026, 11, 24, 0, 10));
  EXPECT_EQ(hour.start, Utc(2026, 11, 23, 23, 20));
  EXPECT_EQ(hour.end, Utc(2026, 11, 24, 0, 20));
}

TEST(Calendar, TheLastShortWindowOfADayEndsWithIt) {
  // Seven hours do not divide a day, nor do six a day of 23.
  EXPECT_EQ(PeriodOf(Fixed(absl::Hours(7)), Utc(2026, 11, 24, 22)).start, Utc(2026, 11, 24, 21));
  EXPECT_EQ(PeriodOf(Fixed(absl::Hours(7)), Utc(2026, 11, 24, 22)).end, Utc(2026, 11, 25));
  const Period last = PeriodOf(Fixed(absl::Hours(6), {}, kPacific), At(kPacific, 2026, 3, 8, 22));
  EXPECT_EQ(last.end - last.start, absl::Hours(5));
  EXPECT_EQ(last.end, At(kPacific, 2026, 3, 9));
}

TEST(Calendar, LongWindowsAreWholeDaysCountedFrom1970) {
  const WindowSpec week = Fixed(absl::Hours(24 * 7));
  const Period period = PeriodOf(week, Utc(2026, 11, 24, 12));
  EXPECT_EQ(period.end - period.start, absl::Hours(24 * 7));
  EXPECT_EQ((period.start - absl::UnixEpoch()) % absl::Hours(24 * 7), absl::ZeroDuration());
  EXPECT_EQ(PeriodOf(week, Utc(1969, 12, 31)).start, Utc(1969, 12, 25));
}

TEST(Calendar, AMonthIsTheCalendars) {
  const WindowSpec month = Fixed(kMonth);
  EXPECT_EQ(PeriodOf(month, Utc(2026, 11, 24, 12)).start, Utc(2026, 11, 1));
  EXPECT_EQ(PeriodOf(month, Utc(2026, 11, 24, 12)).end, Utc(2026, 12, 1));
  EXPECT_EQ(PeriodOf(month, Utc(2026, 12, 31, 23, 59, 59)).end, Utc(2027, 1, 1));
  EXPECT_EQ(PeriodOf(month, Utc(2027, 1, 1)).start, Utc(2027, 1, 1));
  EXPECT_EQ(PeriodOf(month, Utc(2027, 2, 28, 12)).end, Utc(2027, 3, 1));
  EXPECT_EQ(PeriodOf(month, Utc(2028, 2, 29, 12)).end - PeriodOf(month, Utc(2028, 2, 29, 12)).start,
            absl::Hours(24 * 29));
}

TEST(Calendar, AMonthBeginsOnItsFirstDayAtTheAnchor) {
  const WindowSpec month = Fixed(kMonth, absl::Hours(8) + absl::Minutes(30));
  EXPECT_EQ(PeriodOf(month, Utc(2026, 12, 1, 8, 29, 59)).start, Utc(2026, 11, 1, 8, 30));
  EXPECT_EQ(PeriodOf(month, Utc(2026, 12, 1, 8, 29, 59)).end, Utc(2026, 12, 1, 8, 30));
  EXPECT_EQ(PeriodOf(month, Utc(2026, 12, 1, 8, 30)).start, Utc(2026, 12, 1, 8, 30));
  EXPECT_EQ(PeriodOf(month, Utc(2027, 1, 1, 3)).start, Utc(2026, 12, 1, 8, 30));
}

TEST(Calendar, AMonthFollowsItsZonesClockChanges) {
  // March 2026 loses an hour in California, November gains one.
  const Period march = PeriodOf(Fixed(kMonth, {}, kPacific), At(kPacific, 2026, 3, 15));
  EXPECT_EQ(march.start, Utc(2026, 3, 1, 8));
  EXPECT_EQ(march.end, Utc(2026, 4, 1, 7));
  const Period november = PeriodOf(Fixed(kMonth, {}, kPacific), At(kPacific, 2026, 11, 15));
  EXPECT_EQ(november.start, Utc(2026, 11, 1, 7));
  EXPECT_EQ(november.end, Utc(2026, 12, 1, 8));
  // The first moments of a month by UTC are the last of the one before there.
  EXPECT_EQ(PeriodOf(Fixed(kMonth, {}, kPacific), Utc(2026, 12, 1, 7, 59)).end, Utc(2026, 12, 1, 8));
}

TEST(Calendar, AnUnknownZoneCountsAsUtc) {
  EXPECT_EQ(PeriodOf(Day({}, "Mars/Olympus"), Utc(2026, 11, 24, 12)).start, Utc(2026, 11, 24));
}

// Whatever the zone does: periods hold their moment, follow each other without gap or overlap, and no moment within one
// names another.
TEST(Calendar, PeriodsTileTimeInEveryZone) {
  Random random(1);
  for (const char* zone : {"UTC", kPacific, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
                           "America/Sao_Paulo", "Africa/Casablanca"}) {
    for (const absl::Duration length :
         {absl::Minutes(1), absl::Hours(1), absl::Hours(5), absl::Hours(24), absl::Hours(24 * 30)}) {
      for (const absl::Duration anchor : {absl::ZeroDuration(), absl::Hours(2) + absl::Minutes(15), absl::Hours(23)}) {
        const WindowSpec spec = Fixed(length, anchor, zone);
        absl::Time t = Utc(2011, 12, 25) + absl::Seconds(static_cast<int64_t>(random.Below(86'400 * 365)));
        for (int i = 0; i < 60; ++i) {
          const Period period = PeriodOf(spec, t);
          ASSERT_TRUE(period.Contains(t)) << zone << " " << t;
          ASSERT_LE(period.end - period.start, std::max(length, absl::Hours(24)) + absl::Hours(25));
          const Period next = PeriodOf(spec, period.end);
          ASSERT_EQ(next.start, period.end) << zone << " " << t;
          ASSERT_EQ(PeriodOf(spec, period.end - absl::Nanoseconds(1)).start, period.start) << zone << " " << t;
          t = random.Below(4) == 0 ? t + absl::Seconds(static_cast<int64_t>(random.Below(40'000'000))) : period.end;
        }
      }
    }
  }
}

}  // namespace
}  // namespace chain429
