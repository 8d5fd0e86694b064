#include "common/limits/charge.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Charge, CountsEveryUnit) {
  const Charge charge{2, 100, 30, 7};
  EXPECT_EQ(charge.Of(Unit::kRequests), 2);
  EXPECT_EQ(charge.Of(Unit::kConcurrency), 2);
  EXPECT_EQ(charge.Of(Unit::kTokens), 130);
  EXPECT_EQ(charge.Of(Unit::kInputTokens), 100);
  EXPECT_EQ(charge.Of(Unit::kOutputTokens), 30);
  EXPECT_EQ(charge.Of(Unit::kCredits), 7);
}

TEST(Charge, AddsUp) {
  Charge sum{1, 10, 3, 100};
  sum += Charge{2, 20, 4, 50};
  EXPECT_EQ(sum, (Charge{3, 30, 7, 150}));
  sum -= Charge{1, 10, 3, 100};
  EXPECT_EQ(sum, (Charge{2, 20, 4, 50}));
  EXPECT_EQ((sum * 3), (Charge{6, 60, 12, 150}));
  EXPECT_EQ((sum * -1), (Charge{-2, -20, -4, -50}));
}

}  // namespace
}  // namespace chain429
