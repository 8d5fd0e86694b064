#include "common/model/limit_state.h"

#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

LimitState Told(int64_t remaining, std::vector<Recovery> recoveries) {
  return {.window = absl::Minutes(1), .amount = 30, .remaining = remaining, .recoveries = std::move(recoveries)};
}

TEST(LimitState, RecoversByItselfFromStepToStep) {
  const LimitState told = Told(0, {{absl::Seconds(10), 3}, {absl::Seconds(40), 30}});
  struct Case {
    int64_t age, remaining, frees_in, full_in;
  };
  for (const Case& c :
       std::vector<Case>{{0, 0, 10, 40}, {9, 0, 1, 31}, {10, 3, 0, 30}, {40, 30, 0, 0}, {999, 30, 0, 0}}) {
    const LimitNow now = LookAt(told, absl::Seconds(c.age));
    EXPECT_EQ(now.remaining, c.remaining) << c.age;
    EXPECT_EQ(now.frees_in, absl::Seconds(c.frees_in)) << c.age;
    EXPECT_EQ(now.full_in, absl::Seconds(c.full_in)) << c.age;
    // Told later it is the same.
    const LimitState later = After(told, absl::Seconds(c.age));
    EXPECT_EQ(later.remaining, c.remaining) << c.age;
    EXPECT_EQ(LookAt(later, absl::ZeroDuration()).frees_in, now.frees_in) << c.age;
    EXPECT_EQ(LookAt(later, absl::ZeroDuration()).full_in, now.full_in) << c.age;
  }
}

TEST(LimitState, WithoutAnyRecoveryItIsUnknownWhenSomethingFrees) {
  EXPECT_EQ(LookAt(Told(0, {}), absl::ZeroDuration()).frees_in, absl::InfiniteDuration());
  EXPECT_EQ(LookAt(Told(1, {}), absl::ZeroDuration()).frees_in, absl::ZeroDuration());
}

TEST(SmallestRemaining, IsThatOfTheTightestLimitOfTheUnit) {
  std::vector<LimitState> limits = {Told(7, {}), Told(5, {}), Told(9, {}), Told(8, {})};
  limits[2].unit = Unit::kTokens;
  limits[3].unit = Unit::kInputTokens;
  EXPECT_EQ(SmallestRemaining(limits, Unit::kRequests), 5);
  EXPECT_EQ(SmallestRemaining(limits, Unit::kTokens), 8) << "of input, which is one of all";
  EXPECT_EQ(SmallestRemaining(limits, Unit::kInputTokens), 8);
  EXPECT_EQ(SmallestRemaining(limits, Unit::kOutputTokens), -1);
}

}  // namespace
}  // namespace chain429
