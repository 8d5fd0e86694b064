#include "common/limits/model_split.h"

#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const TargetId kSmall(1), kLarge(2);

class ModelSplitTest : public testing::Test {
 protected:
  bool State(TargetId target, int64_t limit, Unit unit = Unit::kRequests) {
    clock_.Turn(absl::Seconds(1));
    Reading reading;
    reading.unit = unit;
    reading.limit = limit;
    return split_.Observe(target, reading, clock_.mono());
  }
  TurnedClock clock_;
  ModelSplit split_;
};

TEST_F(ModelSplitTest, TwoModelsThatKeepToDifferentAmountsAreApart) {
  int turns = 0;
  while (turns < 10 && !State(kSmall, 30)) {
    ++turns;
    if (State(kLarge, 10)) break;
  }
  EXPECT_LE(turns, 5);
  EXPECT_TRUE(State(kSmall, 30));
  EXPECT_TRUE(State(kLarge, 10));
  EXPECT_FALSE(State(kLarge, 10, Unit::kTokens));  // of another limit nothing is known
  EXPECT_TRUE(split_.any());
}

TEST_F(ModelSplitTest, AProviderThatChangesItsLimitDoesSoForBoth) {
  for (const int64_t limit : {30, 60, 20, 100}) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_FALSE(State(kSmall, limit));
      EXPECT_FALSE(State(kLarge, limit));
    }
  }
}

TEST_F(ModelSplitTest, AModelThatIsAlwaysAheadOfTheOtherInAChangeIsNot) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(State(kSmall, 100 - i));
    EXPECT_FALSE(State(kLarge, 101 - i));
  }
}

TEST_F(ModelSplitTest, RepeatedAndLateReadingsSayNothing) {
  Reading reading;
  reading.limit = 30;
  const MonoTime at = clock_.mono();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(split_.Observe(kSmall, reading, at));
    reading.limit = 40 - reading.limit;
    EXPECT_FALSE(split_.Observe(kLarge, reading, at));
  }
  EXPECT_FALSE(split_.any());
}

TEST_F(ModelSplitTest, EndlesslyManyModelsAreNotRemembered) {
  for (uint64_t i = 1; i <= 10'000; ++i) State(TargetId(i), static_cast<int64_t>(i));
  EXPECT_FALSE(split_.any());
}

}  // namespace
}  // namespace chain429
