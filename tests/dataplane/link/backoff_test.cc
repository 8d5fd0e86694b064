#include "dataplane/link/backoff.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

TEST(Backoff, DoublesFromFiftyMillisecondsToTwoSeconds) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    Backoff backoff;
    for (const int64_t base_ms : {50, 100, 200, 400, 800, 1600, 2000, 2000}) {
      const absl::Duration pause = backoff.Next(random);
      EXPECT_GE(pause, absl::Milliseconds(base_ms) / 2) << seed;
      EXPECT_LE(pause, std::min(absl::Milliseconds(base_ms) * 1.5, Backoff::kLongest)) << seed;
    }
  }
}

TEST(Backoff, AFleetDoesNotComeBackInStep) {
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const absl::Duration pause = Backoff().Next(random);
    least = std::min(least, pause);
    most = std::max(most, pause);
  }
  EXPECT_LT(least, absl::Milliseconds(30));
  EXPECT_GT(most, absl::Milliseconds(70));
}

TEST(Backoff, BeginsAnewAfterReset) {
  Random random(1);
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.Next(random);
  backoff.Reset();
  EXPECT_LE(backoff.Next(random), absl::Milliseconds(75));
}

}  // namespace
}  // namespace chain429
