#include "common/limits/window.h"

#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

// Where uses lie relative to a day's edge, and whether they count before it, within its guard and after that.
TEST(FixedWindow, UsesWithinTheGuardOfAnEdgeCountOnBothSides) {
  struct Case {
    absl::Duration used_at;  // relative to the edge
    bool before, just_after, later;
  };
  const absl::Duration s = absl::Seconds(1);
  for (const Case& c :
       {Case{-3600 * s, true, true, false}, Case{-6 * s, true, true, false}, Case{-4 * s, true, true, true},
        Case{1 * s, false, true, true}, Case{4 * s, false, true, true}}) {
    TurnedClock clock;
    Window window(Fixed(absl::Hours(24)), 100);
    const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
    clock.TurnTo(edge + c.used_at);
    window.Add(1, clock.mono(), clock.now);
    if (c.before) {
      clock.TurnTo(edge - absl::Nanoseconds(1));
      EXPECT_EQ(window.Used(clock.now), 1) << c.used_at;
    }
    clock.TurnTo(edge + std::max(c.used_at, absl::ZeroDuration()) + absl::Milliseconds(900));
    EXPECT_EQ(window.Used(clock.now), c.just_after ? 1 : 0) << c.used_at;
    clock.TurnTo(edge + kEdgeGuard);
    EXPECT_EQ(window.Used(clock.now), c.later ? 1 : 0) << c.used_at;
    clock.TurnTo(edge + absl::Hours(24) + kEdgeGuard);
    EXPECT_EQ(window.Used(clock.now), 0) << c.used_at;
  }
}

TEST(FixedWindow, ShortOnesHaveAGuardOfATwelfth) {
  TurnedClock clock;
  Window window(Fixed(absl::Seconds(12)), 100);
  const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
  clock.TurnTo(edge - absl::Milliseconds(1001));
  window.Add(1, clock.mono(), clock.now);
  clock.Turn(absl::Milliseconds(2));
  window.Add(2, clock.mono(), clock.now);
  clock.TurnTo(edge + absl::Milliseconds(999));
  EXPECT_EQ(window.Used(clock.now), 3);
  clock.TurnTo(edge + absl::Seconds(1));
  EXPECT_EQ(window.Used(clock.now), 2);
}

// What was used just before the edge counts on its other side too, and is free again a whole period later.
TEST(FixedWindow, TellsThatTheLastSecondsUseIsFreeOnlyAfterTheNextPeriod) {
  TurnedClock clock;
  Window window(Fixed(absl::Hours(24)), 100);
  const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
  clock.TurnTo(edge - absl::Minutes(1));
  window.Add(10, clock.mono(), clock.now);
  clock.TurnTo(edge - absl::Seconds(2));
  window.Add(5, clock.mono(), clock.now);
  for (const absl::Duration after_edge : {-absl::Seconds(1), absl::Seconds(1)}) {
    clock.TurnTo(edge + after_edge);
    EXPECT_EQ(window.UntilFreed(10, clock.now), kEdgeGuard - after_edge);
    EXPECT_EQ(window.UntilFreed(11, clock.now), absl::Hours(24) + kEdgeGuard - after_edge);
  }
}

TEST(FixedWindow, AcrossAClockChangeADayIsAsLongAsThatDay) {
  struct Case {
    absl::Time start;  // midnight in Los Angeles
    absl::Duration length;
  };
  for (const Case& c : {Case{absl::FromUnixSeconds(1772956800), absl::Hours(23)},
                        Case{absl::FromUnixSeconds(1793516400), absl::Hours(25)},
                        Case{absl::FromUnixSeconds(1780297200), absl::Hours(24)}}) {
    TurnedClock clock;
    clock.now.wall = c.start + absl::Hours(1);
    Window window(Fixed(absl::Hours(24), absl::ZeroDuration(), "America/Los_Angeles"), 100);
    window.Add(7, clock.mono(), clock.now);
    clock.TurnTo(c.start + c.length - absl::Seconds(6));
    EXPECT_EQ(window.Used(clock.now), 7);
    EXPECT_EQ(window.UntilFreed(1, clock.now), absl::Seconds(6) + kEdgeGuard);
    EXPECT_EQ(window.FullLength(clock.now), absl::Seconds(6) + kEdgeGuard);
    clock.TurnTo(c.start + c.length + kEdgeGuard - absl::Nanoseconds(1));
    EXPECT_EQ(window.Used(clock.now), 7);
    clock.Turn(absl::Nanoseconds(1));
    EXPECT_EQ(window.Used(clock.now), 0);
  }
}

TEST(FixedWindow, TurnsAtItsAnchor) {
  TurnedClock clock;
  Window window(Fixed(absl::Hours(24), absl::Hours(12) + absl::Minutes(10)), 100);
  window.Add(7, clock.mono(), clock.now);  // at 12:00
  clock.Turn(absl::Minutes(10));
  EXPECT_EQ(window.Used(clock.now), 7);
  clock.Turn(kEdgeGuard);
  EXPECT_EQ(window.Used(clock.now), 0);
}

TEST(FixedWindow, AWallClockThatStepsBackGrantsNothingTwice) {
  TurnedClock clock;
  Window window(Fixed(absl::Hours(24)), 100);
  const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
  clock.TurnTo(edge + absl::Minutes(1));
  window.Add(60, clock.mono(), clock.now);
  clock.StepWall(-absl::Hours(2));
  EXPECT_EQ(window.Used(clock.now), 60);
  window.Add(40, clock.mono(), clock.now);
  // Over the same edge once more.
  for (int i = 0; i < 180; ++i) {
    clock.Turn(absl::Minutes(1));
    ASSERT_EQ(window.Used(clock.now), 100) << clock.now.wall;
  }
  clock.TurnTo(edge + absl::Hours(24) + kEdgeGuard);
  EXPECT_EQ(window.Used(clock.now), 0);
}

// A machine that began with a clock years ahead must not keep a day's window shut for years.
TEST(FixedWindow, AWallClockThatWasFarAheadDelaysNoMoreThanOnePeriod) {
  for (const absl::Duration ahead : {absl::Hours(24 * 3), absl::Hours(24 * 365 * 4)}) {
    TurnedClock clock;
    clock.StepWall(ahead);
    Window window(Fixed(absl::Hours(24)), 100);
    window.Add(100, clock.mono(), clock.now);
    clock.StepWall(-ahead);
    EXPECT_EQ(window.Used(clock.now), 100);
    EXPECT_LE(window.UntilFreed(100, clock.now), absl::Hours(24) + kEdgeGuard);
    const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
    clock.TurnTo(edge - absl::Minutes(1));
    EXPECT_EQ(window.Used(clock.now), 100);
    clock.TurnTo(edge + kEdgeGuard);
    EXPECT_EQ(window.Used(clock.now), 0) << ahead;
  }
}

// A clock that was late is set right: what was used before the true edge is over, what came after it counts.
TEST(FixedWindow, AWallClockThatStepsOverAnEdgeBeginsThePeriodWhereItTrulyBegan) {
  TurnedClock clock;
  Window window(Fixed(absl::Hours(24)), 100);
  window.Add(60, clock.mono(), clock.now);
  clock.Turn(absl::Minutes(30));
  window.Add(7, clock.mono(), clock.now);
  clock.Turn(absl::Minutes(5));
  clock.StepWall(absl::Hours(11) + absl::Minutes(55));  // 12:35 was half past midnight, 12:00 was 23:55
  EXPECT_EQ(window.Used(clock.now), 7);
}

TEST(FixedWindow, ReadingsNearTheEdgeTellNothing) {
  TurnedClock clock;
  Window window(Fixed(absl::Hours(24)), 100);
  const absl::Time edge = PeriodOf(window.spec(), clock.now.wall).end;
  clock.TurnTo(edge - absl::Seconds(2));
  window.Add(8, clock.mono(), clock.now);
  clock.TurnTo(edge + absl::Seconds(4));
  window.Add(4, clock.mono(), clock.now);
  EXPECT_EQ(window.CountedAt(clock.mono(), clock.now), std::nullopt);
  clock.TurnTo(edge + absl::Minutes(3));
  window.Add(2, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(3));
  const auto counted = window.CountedAt(clock.mono(), clock.now);
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->least, 2);
  EXPECT_EQ(counted->most, 14);
}

}  // namespace
}  // namespace chain429
