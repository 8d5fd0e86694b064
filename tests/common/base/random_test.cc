#include "common/base/random.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

// The published sequence of splitmix64 for this seed.
TEST(Random, IsSplitmix64) {
  Random random(1234567);
  for (const uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                  4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(random.Next(), expected);
  }
}

TEST(Random, TheSameSeedGivesTheSameRunAndAnotherSeedAnotherOne) {
  Random a(42), b(42), c(43);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t next = a.Next();
    ASSERT_EQ(next, b.Next());
    equal += next == c.Next() ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(Random, BelowStaysBelowAndReachesEverything) {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.Below(7));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.Below(0), 0u);
}

TEST(Random, UniformIsInTheUnitInterval) {
  Random random(2);
  double least = 1, most = 0, sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double u = random.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    least = std::min(least, u);
    most = std::max(most, u);
    sum += u;
  }
  EXPECT_LT(least, 0.01);
  EXPECT_GT(most, 0.99);
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(Random, JitterStaysWithinItsSpreadOnBothSides) {
  Random random(3);
  absl::Duration least = absl::InfiniteDuration(), most;
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration wait = random.Jitter(absl::Seconds(10), 0.2);
    ASSERT_GE(wait, absl::Seconds(8));
    ASSERT_LE(wait, absl::Seconds(12));
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_LT(least, absl::Milliseconds(8100));
  EXPECT_GT(most, absl::Milliseconds(11'900));
  EXPECT_EQ(random.Jitter(absl::Seconds(10), 0), absl::Seconds(10));
  EXPECT_EQ(random.Jitter(absl::ZeroDuration(), 0.5), absl::ZeroDuration());
}

TEST(Random, SystemSeedsDiffer) { EXPECT_NE(SystemSeed(), SystemSeed()); }

}  // namespace
}  // namespace chain429
