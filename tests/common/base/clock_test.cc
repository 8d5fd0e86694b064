#include "common/base/clock.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(MonoTime, AddsAndSubtractsDurations) {
  const MonoTime t = MonoTime::FromNanos(5'000'000'000);
  EXPECT_EQ((t + absl::Milliseconds(1500)).nanos(), 6'500'000'000);
  EXPECT_EQ((t - absl::Seconds(7)).nanos(), -2'000'000'000);
  EXPECT_EQ((t + absl::Seconds(3)) - t, absl::Seconds(3));
  EXPECT_EQ(t - (t + absl::Nanoseconds(1)), absl::Nanoseconds(-1));
  EXPECT_LT(t, t + absl::Nanoseconds(1));
  EXPECT_EQ(MonoTime(), MonoTime::FromNanos(0));
}

TEST(MonoTime, StopsAtItsEndsInsteadOfWrapping) {
  const MonoTime least = MonoTime::FromNanos(INT64_MIN);
  EXPECT_EQ(MonoTime::FromNanos(1) + absl::InfiniteDuration(), MonoTime::Max());
  EXPECT_EQ(MonoTime::Max() + absl::Nanoseconds(1), MonoTime::Max());
  EXPECT_EQ(MonoTime::FromNanos(-2) - absl::InfiniteDuration(), least);
  EXPECT_EQ(least - absl::Hours(1), least);
}

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  Now before = clock.Read();
  for (int i = 0; i < 1000; ++i) {
    const Now now = clock.Read();
    ASSERT_GE(now.mono, before.mono);
    before = now;
  }
  EXPECT_GT(before.wall, absl::FromUnixSeconds(1'700'000'000));
}

}  // namespace
}  // namespace chain429
