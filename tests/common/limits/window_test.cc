#include "common/limits/window.h"

#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

TEST(Window, ASlidingUseCountsForTheLengthAndTheGuard) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 30);
  window.Add(3, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(20));
  window.Add(2, clock.mono(), clock.now);
  EXPECT_EQ(window.Used(clock.now), 5);
  clock.Turn(absl::Seconds(40) + kSlidingGuard - absl::Nanoseconds(1));
  EXPECT_EQ(window.Used(clock.now), 5);
  clock.Turn(absl::Nanoseconds(1));
  EXPECT_EQ(window.Used(clock.now), 2);
  clock.Turn(absl::Seconds(20));
  EXPECT_EQ(window.Used(clock.now), 0);
}

TEST(Window, AUseIsDatedByItsWritingNotByItsReport) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 30);
  window.Add(1, clock.mono() - absl::Seconds(50), clock.now);
  EXPECT_EQ(window.Used(clock.now), 1);
  clock.Turn(absl::Seconds(11));
  EXPECT_EQ(window.Used(clock.now), 0);
  window.Add(1, clock.mono() - absl::Seconds(70), clock.now);  // of a window that is over
  EXPECT_EQ(window.Used(clock.now), 0);
}

TEST(Window, VeryShortWindowsHaveAGuardOfATenth) {
  TurnedClock clock;
  Window window(Sliding(absl::Milliseconds(500)), 30);
  window.Add(1, clock.mono(), clock.now);
  clock.Turn(absl::Milliseconds(549));
  EXPECT_EQ(window.Used(clock.now), 1);
  clock.Turn(absl::Milliseconds(1));
  EXPECT_EQ(window.Used(clock.now), 0);
}

TEST(Window, TellsExactlyWhenSoMuchIsFreeAgain) {
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)), Fixed(absl::Minutes(1)),
                                 Fixed(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    Random random(7);
    TurnedClock clock;
    Window window(spec, 40);
    for (int i = 0; i < 300; ++i) {
      clock.Turn(spec.length * (random.Uniform() / 40));
      if (window.Used(clock.now) < 40) window.Add(1, clock.mono(), clock.now);
      const int64_t used = window.Used(clock.now);
      EXPECT_EQ(window.UntilFreed(0, clock.now), absl::ZeroDuration());
      EXPECT_EQ(window.UntilFreed(used + 1, clock.now), absl::InfiniteDuration());
      if (used == 0) continue;
      const int64_t amount = 1 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(used)));
      const absl::Duration wait = window.UntilFreed(amount, clock.now);
      ASSERT_GT(wait, absl::ZeroDuration());
      Window before = window, after = window;
      TurnedClock later = clock;
      later.Turn(wait - absl::Microseconds(10));
      EXPECT_GT(before.Used(later.now), used - amount) << i;
      later.Turn(absl::Microseconds(20));
      EXPECT_LE(after.Used(later.now), used - amount) << i;
    }
  }
}

TEST(Window, TakesBackWhatItGotAtThatDate) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 1000);
  const MonoTime first = clock.mono();
  window.Add(100, first, clock.now);
  clock.Turn(absl::Seconds(30));
  window.Add(500, clock.mono(), clock.now);
  window.Subtract(400, clock.mono(), clock.now);
  EXPECT_EQ(window.Used(clock.now), 200);
  clock.Turn(absl::Seconds(31));
  EXPECT_EQ(window.Used(clock.now), 100);
}

// Sending and settling are two reports, and the network delays each in its own way: their dates of one use differ a
// little.
TEST(Window, TakesBackWhatItGotWhenTheDatesDifferByTheReportsDelay) {
  for (const absl::Duration length : {absl::Minutes(1), absl::Hours(24)}) {
    for (const absl::Duration apart : {absl::Microseconds(-300), absl::Microseconds(300), absl::Milliseconds(-40)}) {
      TurnedClock clock;
      Window window(Sliding(length), 10'000);
      window.Add(100, clock.mono(), clock.now);
      clock.Turn(length / 2);
      const MonoTime sent = clock.mono();
      window.Add(8000, sent, clock.now);
      clock.Turn(absl::Seconds(4));
      window.Subtract(7500, sent + apart, clock.now);
      EXPECT_EQ(window.Used(clock.now), 600) << length << " " << apart;
      clock.Turn(length / 2);
      EXPECT_EQ(window.Used(clock.now), 500) << length << " " << apart;
    }
  }
}

TEST(Window, WhatIsNotThereCannotBeTakenBack) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 1000);
  window.Add(10, clock.mono(), clock.now);
  clock.Turn(absl::Hours(1));
  window.Add(20, clock.mono(), clock.now);
  window.Subtract(10, clock.mono() - absl::Hours(1), clock.now);
  EXPECT_EQ(window.Used(clock.now), 20);
  window.Subtract(100, clock.mono(), clock.now);
  EXPECT_EQ(window.Used(clock.now), 0);
  window.Add(5, clock.mono(), clock.now);
  EXPECT_EQ(window.Used(clock.now), 5);
}

TEST(Window, CountsOurOwnUseAsTheProviderMayHaveSeenIt) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 1000);
  window.Add(4, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(10));
  window.Add(2, clock.mono(), clock.now);
  const MonoTime at = clock.mono() + absl::Milliseconds(100);  // within the jitter of the last two
  clock.Turn(absl::Seconds(5));
  window.Add(64, clock.mono(), clock.now);
  const auto counted = window.CountedAt(at, clock.now);
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->least, 4);
  EXPECT_EQ(counted->most, 6);
  EXPECT_EQ(window.CountedAt(clock.mono() - absl::Minutes(3), clock.now), std::nullopt);
  Window bucket(Bucket(absl::Minutes(1)), 10);
  EXPECT_EQ(bucket.CountedAt(clock.mono(), clock.now), std::nullopt);
}

// A day's window remembers uses by the minute and a half. What came after a reading's request, though it shares such an
// entry, may be counted or not: the truth lies between the bounds.
TEST(Window, TheTruthLiesBetweenTheBoundsHoweverCoarseTheMemory) {
  for (const WindowSpec& spec :
       {Sliding(absl::Minutes(1)), Sliding(absl::Hours(1)), Sliding(absl::Hours(24)), Fixed(absl::Hours(24))}) {
    Random random(3);
    TurnedClock clock;
    Window window(spec, 100'000);
    std::vector<MonoTime> uses;
    for (int i = 0; i < 3000; ++i) {
      clock.Turn(absl::Seconds(4) * random.Uniform());
      window.Add(1, clock.mono(), clock.now);
      uses.push_back(clock.mono());
      const MonoTime at = uses[uses.size() - 1 - random.Below(std::min<uint64_t>(uses.size(), 8))];
      const auto counted = window.CountedAt(at, clock.now);
      ASSERT_TRUE(counted.has_value());
      const MonoTime start = spec.kind == WindowKind::kFixed
                                 ? clock.mono() - (clock.now.wall - PeriodOf(spec, clock.now.wall).start)
                                 : at - spec.length;
      int64_t truth = 0;
      for (const MonoTime use : uses) truth += use > start && use <= at ? 1 : 0;
      ASSERT_LE(counted->least, truth) << i;
      ASSERT_GE(counted->most, truth) << i;
    }
  }
}

TEST(Window, ForgetsTheOldestThatTheProviderForgot) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 1000);
  window.Add(4, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(10));
  const MonoTime at = clock.mono();
  window.Add(3, at, clock.now);
  clock.Turn(absl::Seconds(10));
  window.Add(2, clock.mono(), clock.now);
  window.DropOldest(5, at);
  EXPECT_EQ(window.Used(clock.now), 4);
  window.DropOldest(100, at);
  EXPECT_EQ(window.Used(clock.now), 2);  // what was used after `at` stays
}

TEST(Window, TakesOverWhatAnotherKnowsWhateverItsKind) {
  for (const WindowSpec& from :
       {Sliding(absl::Hours(1)), Sliding(absl::Minutes(1)), Fixed(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    for (const WindowSpec& to :
         {Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)), Fixed(absl::Hours(1)), Bucket(absl::Minutes(1))}) {
      TurnedClock clock;
      clock.Turn(absl::Minutes(30));
      Window old(from, 1000);
      old.Add(500, clock.mono() - absl::Seconds(2), clock.now);
      old.Add(400, clock.mono(), clock.now);
      Window fresh(to, 1000);
      fresh.CopyFrom(old, clock.now);
      EXPECT_GE(fresh.Used(clock.now), 850) << static_cast<int>(from.kind) << static_cast<int>(to.kind);
      EXPECT_LE(fresh.Used(clock.now), 905) << static_cast<int>(from.kind) << static_cast<int>(to.kind);
    }
  }
}

// Memory is a matter of time, not of traffic: an entry a 1024th of the window, and as much again of the last two
// minutes.
TEST(Window, MemoryIsBoundedHoweverMuchIsUsedThoughNobodyAsks) {
  for (const WindowSpec& spec : {Sliding(absl::Seconds(1)), Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)),
                                 Fixed(absl::Minutes(1)), Fixed(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    Random random(5);
    TurnedClock clock;
    Window window(spec, 1'000'000);
    const absl::Duration step = 5 * spec.length / 200'000;
    size_t most = 0;
    for (int i = 0; i < 200'000; ++i) {
      clock.Turn(step);
      window.Add(1, clock.mono(), clock.now);
      most = std::max(most, window.entries());
    }
    EXPECT_GT(most, 500u);
    EXPECT_LT(most, 3200u) << static_cast<int>(spec.kind) << " " << spec.length;
  }
}

TEST(Window, MemoryIsBoundedInWhateverOrderUsesAreReported) {
  TurnedClock clock;
  Window falling(Sliding(absl::Minutes(1)), 1'000'000), shuffled(Sliding(absl::Minutes(1)), 1'000'000);
  Random random(6);
  constexpr int kUses = 50'000;
  for (int i = 0; i < kUses; ++i) {
    falling.Add(1, clock.mono() - absl::Seconds(59) * (static_cast<double>(i) / kUses), clock.now);
    shuffled.Add(1, clock.mono() - absl::Seconds(59) * random.Uniform(), clock.now);
  }
  EXPECT_EQ(falling.Used(clock.now), kUses);
  EXPECT_EQ(shuffled.Used(clock.now), kUses);
  EXPECT_LT(falling.entries(), 2100u);
  EXPECT_LT(shuffled.entries(), 2100u);
}

// However much is used, in whatever order the reports come.
TEST(Window, AMillionUsesTakeABoundedNumberOfEntries) {
  for (const absl::Duration length : {absl::Seconds(1), absl::Minutes(1), absl::Hours(24), kMonth}) {
    for (const WindowSpec& spec : {Sliding(length), Fixed(length), Bucket(length)}) {
      for (const bool in_order : {true, false}) {
        Random random(11);
        TurnedClock clock;
        Window window(spec, 1'000'000);
        size_t most = 0;
        constexpr int kUses = 50'000;
        for (int i = 0; i < kUses; ++i) {
          clock.Turn(length * (2.5 / kUses));
          const absl::Duration late = in_order ? absl::ZeroDuration() : length * (random.Uniform() / 2);
          window.Add(20, clock.mono() - late, clock.now);
          most = std::max(most, window.entries());
        }
        EXPECT_LE(most, kMostEntries) << length << " kind " << static_cast<int>(spec.kind) << " order " << in_order;
        if (in_order) {
          EXPECT_LE(most, kMostEntries / 2) << length << " kind " << static_cast<int>(spec.kind);
        }
      }
    }
  }
}

TEST(Window, AFixedMonthIsCountedToItsEdge) {
  TurnedClock clock;  // 24 November
  Window window(Fixed(kMonth), 1000);
  window.Add(40, clock.mono(), clock.now);
  clock.Turn(absl::Hours(24 * 6));
  window.Add(2, clock.mono(), clock.now);
  EXPECT_EQ(window.Used(clock.now), 42);
  EXPECT_EQ(window.UntilFreed(42, clock.now), absl::Hours(12) + kEdgeGuard);
  clock.Turn(absl::Hours(12) + kEdgeGuard);
  EXPECT_EQ(window.Used(clock.now), 0);
  window.Add(7, clock.mono(), clock.now);
  clock.Turn(absl::Hours(24 * 31) - kEdgeGuard - absl::Seconds(10));
  EXPECT_EQ(window.Used(clock.now), 7) << "December has 31 days";
}

TEST(Window, ASlidingMonthHasThirtyDays) {
  TurnedClock clock;
  Window window(Sliding(kMonth), 1000);
  window.Add(40, clock.mono(), clock.now);
  clock.Turn(absl::Hours(24 * 30));
  EXPECT_EQ(window.Used(clock.now), 40);
  clock.Turn(kSlidingGuard);
  EXPECT_EQ(window.Used(clock.now), 0);
}

}  // namespace
}  // namespace chain429
