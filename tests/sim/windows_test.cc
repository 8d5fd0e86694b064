#include "tests/sim/windows.h"

#include "gtest/gtest.h"

namespace chain429::sim {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'795'521'600);  // 2026-11-24T12:00:00Z

WindowSpec Spec(WindowKind kind, int64_t limit, absl::Duration length = absl::Minutes(1)) {
  WindowSpec spec;
  spec.kind = kind;
  spec.limit = limit;
  spec.length = length;
  return spec;
}

TEST(SimSlidingWindow, AnEntryCountsUntilExactlyOneLengthLater) {
  auto window = MakeWindow(Spec(WindowKind::kSliding, 2));
  window->Add(kStart, 1);
  window->Add(kStart + absl::Seconds(10), 1);
  EXPECT_EQ(window->WaitFor(kStart + absl::Seconds(20), 1), absl::Seconds(40));
  absl::Duration tick = absl::Nanoseconds(1);
  EXPECT_EQ(window->Used(kStart + absl::Minutes(1) - tick), 2);
  EXPECT_EQ(window->Used(kStart + absl::Minutes(1)), 1);
  EXPECT_EQ(window->WaitFor(kStart + absl::Minutes(1), 1), absl::ZeroDuration());
}

TEST(SimSlidingWindow, WaitsForAsManyEntriesAsTheAmountNeeds) {
  auto window = MakeWindow(Spec(WindowKind::kSliding, 100));
  window->Add(kStart, 30);
  window->Add(kStart + absl::Seconds(5), 30);
  window->Add(kStart + absl::Seconds(9), 40);
  absl::Time now = kStart + absl::Seconds(10);
  EXPECT_EQ(window->WaitFor(now, 30), absl::Seconds(50));
  EXPECT_EQ(window->WaitFor(now, 31), absl::Seconds(55));
  EXPECT_EQ(window->WaitFor(now, 100), absl::Seconds(59));
  EXPECT_EQ(window->WaitFor(now, 101), absl::InfiniteDuration());
  EXPECT_EQ(window->UntilReset(now), absl::Seconds(59));
}

TEST(SimSlidingWindow, CorrectsAnEntryOnlyWhileItCounts) {
  auto window = MakeWindow(Spec(WindowKind::kSliding, 100));
  window->Add(kStart, 80);
  window->Correct(kStart, kStart + absl::Seconds(30), -60);
  EXPECT_EQ(window->Used(kStart + absl::Seconds(30)), 20);
  window->Correct(kStart, kStart + absl::Minutes(1), -20);
  EXPECT_EQ(window->Used(kStart + absl::Minutes(1)), 0);
  EXPECT_EQ(window->max_used(), 80);
}

TEST(SimFixedWindow, MinutesBeginAtTheFullMinute) {
  auto window = MakeWindow(Spec(WindowKind::kFixed, 2));
  absl::Time now = kStart + absl::Seconds(45);
  window->Add(now, 2);
  EXPECT_EQ(window->WaitFor(now, 1), absl::Seconds(15));
  EXPECT_EQ(window->Used(kStart + absl::Seconds(59)), 2);
  EXPECT_EQ(window->Used(kStart + absl::Seconds(60)), 0);
  EXPECT_EQ(window->UntilReset(kStart + absl::Seconds(60)), absl::Seconds(60));
}

TEST(SimFixedWindow, AnAnchoredDayFollowsItsTimeZone) {
  WindowSpec spec = Spec(WindowKind::kFixed, 10, absl::Hours(24));
  if (!absl::LoadTimeZone("America/Los_Angeles", &spec.zone)) GTEST_SKIP() << "no time-zone data installed";
  auto window = MakeWindow(spec);
  window->Add(kStart, 10);
  EXPECT_EQ(window->WaitFor(kStart, 1), absl::Hours(20));  // midnight Pacific is 08:00 UTC in winter
  // The clocks go back on 2026-11-01: that day lasts 25 hours.
  auto autumn = MakeWindow(spec);
  absl::Time midnight = absl::FromCivil(absl::CivilSecond(2026, 11, 1, 0, 0, 0), spec.zone);
  autumn->Add(midnight, 10);
  EXPECT_EQ(autumn->WaitFor(midnight, 1), absl::Hours(25));
}

TEST(SimFixedWindow, CanBeginWithTheFirstUse) {
  WindowSpec spec = Spec(WindowKind::kFixed, 1);
  spec.from_first = true;
  auto window = MakeWindow(spec);
  EXPECT_EQ(window->UntilReset(kStart), absl::ZeroDuration());
  window->Add(kStart + absl::Seconds(7), 1);
  EXPECT_EQ(window->WaitFor(kStart + absl::Seconds(8), 1), absl::Seconds(59));
  EXPECT_EQ(window->WaitFor(kStart + absl::Seconds(67), 1), absl::ZeroDuration());
}

TEST(SimTokenBucket, RefillsContinuously) {
  auto window = MakeWindow(Spec(WindowKind::kBucket, 30));
  for (int i = 0; i < 30; ++i) window->Add(kStart, 1);
  EXPECT_EQ(window->WaitFor(kStart, 1), absl::Seconds(2));
  EXPECT_EQ(window->UntilReset(kStart), absl::Minutes(1));
  EXPECT_EQ(window->Used(kStart + absl::Seconds(1)), 30);
  EXPECT_EQ(window->Used(kStart + absl::Seconds(2)), 29);
}

// Groq's published example: (97050 + 3619 - 100000) * 86400 / 100000 seconds.
TEST(SimTokenBucket, GivesGroqsWait) {
  auto window = MakeWindow(Spec(WindowKind::kBucket, 100'000, absl::Hours(24)));
  window->Add(kStart, 97'050);
  EXPECT_EQ(window->WaitFor(kStart, 3'619), absl::Milliseconds(578'016));
}

TEST(SimTokenBucket, LosesNothingToRounding) {
  auto window = MakeWindow(Spec(WindowKind::kBucket, 7));
  absl::Time now = kStart;
  for (int i = 0; i < 7; ++i) window->Add(now, 1);
  // A seventh of a minute is no whole number of nanoseconds: waiting as told must be enough, one less must not.
  for (int i = 0; i < 1000; ++i) {
    absl::Duration wait = window->WaitFor(now, 1);
    ASSERT_GT(wait, absl::ZeroDuration());
    ASSERT_NE(window->WaitFor(now + wait - absl::Nanoseconds(1), 1), absl::ZeroDuration());
    now += wait;
    ASSERT_EQ(window->WaitFor(now, 1), absl::ZeroDuration());
    window->Add(now, 1);
  }
  // 1,000 refills at 7 a minute, less than a microsecond late in all.
  EXPECT_LT(now - kStart - absl::Minutes(1000) / 7, absl::Microseconds(1));
}

TEST(SimTokenBucket, ABurstIsItsCapacity) {
  WindowSpec spec = Spec(WindowKind::kBucket, 60);
  spec.burst = 5;
  auto window = MakeWindow(spec);
  window->Add(kStart, 5);
  EXPECT_EQ(window->WaitFor(kStart, 1), absl::Seconds(1));
  EXPECT_EQ(window->WaitFor(kStart, 6), absl::InfiniteDuration());
}

TEST(SimWindow, WithoutALimitCountsAndNeverRefuses) {
  auto window = MakeWindow(Spec(WindowKind::kSliding, 0));
  for (int i = 0; i < 100; ++i) window->Add(kStart, 1);
  EXPECT_EQ(window->WaitFor(kStart, 1'000'000), absl::ZeroDuration());
  EXPECT_EQ(window->max_used(), 100);
}

TEST(SimWindow, ALowerLimitHoldsAtOnce) {
  auto window = MakeWindow(Spec(WindowKind::kSliding, 30));
  for (int i = 0; i < 12; ++i) window->Add(kStart, 1);
  window->SetLimit(10, 0);
  EXPECT_EQ(window->WaitFor(kStart + absl::Seconds(1), 1), absl::Seconds(59));
  EXPECT_EQ(window->Used(kStart), 12);
}

}  // namespace
}  // namespace chain429::sim
