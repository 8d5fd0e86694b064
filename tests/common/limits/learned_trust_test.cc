// Providers that state nothing of use, or what is not so: that must not hold back what they would take.
#include <vector>

#include "common/base/random.h"
#include "common/limits/learned.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kUnnamed = absl::ZeroDuration();
const absl::Duration kMinute = absl::Minutes(1), kHour = absl::Hours(1), kDay = absl::Hours(24);
const Charge kOne{1, 100, 20};

Reading MakeReading(absl::Duration window, int64_t limit, int64_t remaining,
                    absl::Duration reset = absl::InfiniteDuration()) {
  Reading reading;
  reading.window = window;
  reading.limit = limit;
  reading.remaining = remaining;
  reading.reset_after = reset;
  return reading;
}

class LearnedTrustTest : public testing::Test {
 protected:
  bool Observe(const Reading& reading, const Charge& cost = {1, 100, 0}) {
    clock_.Turn(absl::Milliseconds(10));
    return learned_.Observe(reading, cost, clock_.mono(), clock_.mono());
  }
  std::vector<Limit> Merge() const { return learned_.Merge({}); }
  // Attempts that go well within a second.
  bool Succeed(int times) {
    bool changed = false;
    for (int i = 0; i < times; ++i) changed |= learned_.Succeed(kOne, clock_.mono());
    clock_.Turn(absl::Seconds(1));
    return changed;
  }

  TurnedClock clock_;
  LearnedLimits learned_;
};

TEST_F(LearnedTrustTest, NonsenseIsNotEvenRemembered) {
  Observe(MakeReading(kMinute, 0, 0));
  Observe(MakeReading(kMinute, -1, 5));
  Observe(MakeReading(kMinute, INT64_MAX, 5));
  Observe(MakeReading(-kMinute, 60, 5));
  Observe(MakeReading(absl::Hours(24 * 32), 60, 5));
  Observe(MakeReading(absl::InfiniteDuration(), 60, 5));
  Reading at_once = MakeReading(kMinute, 60, 5);
  at_once.unit = Unit::kConcurrency;
  Observe(at_once);
  EXPECT_TRUE(Merge().empty());
  EXPECT_TRUE(learned_.Known().empty());
}

TEST_F(LearnedTrustTest, ALimitWithoutWindowThatNeverCountsUsHoldsNothingBack) {
  for (int i = 0; i < 100; ++i) {
    Observe(MakeReading(kUnnamed, 60, 60, absl::Seconds(60)));
    Succeed(1);
    ASSERT_TRUE(Merge().empty());
  }
  EXPECT_TRUE(learned_.Known().empty());
}

TEST_F(LearnedTrustTest, ALimitWithoutWindowThatStatesTheSameWhateverComesHoldsNothingBack) {
  const Charge five{5, 500, 0};
  for (int i = 0; i < 50; ++i) {
    Observe(MakeReading(kUnnamed, 100, 98, absl::Seconds(60)), five);
    learned_.Succeed(five, clock_.mono());
    ASSERT_TRUE(Merge().empty());
  }
}

TEST_F(LearnedTrustTest, ALimitWithoutWindowOrRemainderCannotBeSeenToCountUs) {
  Observe(MakeReading(kUnnamed, 60, -1));
  Observe(MakeReading(kUnnamed, 60, -1, absl::Seconds(30)));
  EXPECT_TRUE(Merge().empty());
  Observe(MakeReading(kUnnamed, 60, 5000, absl::Seconds(30)));  // more left than there is
  EXPECT_TRUE(Merge().empty());
}

TEST_F(LearnedTrustTest, ARefusalThatCostNothingDoesNotShowThatALimitCountsUs) {
  Observe(MakeReading(kUnnamed, 60, 60, absl::Seconds(30)), {});
  EXPECT_TRUE(Merge().empty());
  Observe(MakeReading(kUnnamed, 60, 0, absl::Seconds(30)), {});
  EXPECT_EQ(Merge().size(), 1u);
}

TEST_F(LearnedTrustTest, ALimitWithoutWindowHoldsOnceItIsSeenToCountUs) {
  EXPECT_TRUE(Observe(MakeReading(kUnnamed, 60, 59, absl::Seconds(60))));
  EXPECT_EQ(Merge().size(), 1u);
  EXPECT_FALSE(Observe(MakeReading(kUnnamed, 60, 60, absl::Seconds(60))));  // it has been seen
  EXPECT_EQ(Merge().size(), 1u);
}

// A provider that counts late, or whose bucket refills meanwhile, has not counted all of it.
TEST_F(LearnedTrustTest, HalfOfWhatWeUsedIsEnoughToBeSeen) {
  Observe(MakeReading(kUnnamed, 60, 60, absl::Seconds(60)));
  Succeed(9);
  EXPECT_FALSE(Observe(MakeReading(kUnnamed, 60, 56, absl::Seconds(60))));
  EXPECT_TRUE(Merge().empty());
  EXPECT_TRUE(Observe(MakeReading(kUnnamed, 60, 55, absl::Seconds(60))));
  EXPECT_EQ(Merge().size(), 1u);
}

TEST_F(LearnedTrustTest, ANamedLimitExceededTwofoldIsLeftOutUntilARefusal) {
  Observe(MakeReading(kMinute, 30, 29));
  EXPECT_FALSE(Succeed(70));
  EXPECT_EQ(Merge().size(), 1u);
  EXPECT_TRUE(Succeed(1));
  EXPECT_TRUE(Merge().empty());
  EXPECT_FALSE(Observe(MakeReading(kMinute, 30, 29)));
  EXPECT_TRUE(Merge().empty());
  EXPECT_TRUE(learned_.Refuse());
  EXPECT_EQ(Merge().size(), 1u);
  EXPECT_FALSE(learned_.Refuse());
}

TEST_F(LearnedTrustTest, ALeftOutLimitCountsAgainWhenTheProviderStatesAnother) {
  Observe(MakeReading(kMinute, 30, 29));
  Succeed(71);
  ASSERT_TRUE(Merge().empty());
  EXPECT_TRUE(Observe(MakeReading(kMinute, 200, 129)));
  EXPECT_EQ(Merge().size(), 1u);
}

TEST_F(LearnedTrustTest, AnUnnamedWindowExceededTwofoldIsTakenToBeShorter) {
  Observe(MakeReading(kUnnamed, 30, 29, absl::Hours(20)));
  EXPECT_EQ(Merge()[0].window.length, kDay);
  EXPECT_TRUE(Succeed(71));
  EXPECT_EQ(Merge()[0].window.length, kHour);
  Observe(MakeReading(kUnnamed, 30, 5, absl::Hours(20)));  // the header says the same again
  EXPECT_EQ(Merge()[0].window.length, kHour);
  EXPECT_TRUE(Succeed(71));
  EXPECT_EQ(Merge()[0].window.length, kMinute);
  EXPECT_TRUE(Succeed(71));
  EXPECT_TRUE(Merge().empty());
}

TEST_F(LearnedTrustTest, UseSpreadOverWindowsDisprovesNothing) {
  Observe(MakeReading(kMinute, 30, 29));
  for (int minute = 0; minute < 100; ++minute) {
    EXPECT_FALSE(Succeed(30));
    clock_.Turn(kMinute);
  }
  EXPECT_EQ(Merge().size(), 1u);
}

TEST_F(LearnedTrustTest, WhatWasLeftOutIsNotKnownAfterARestart) {
  Observe(MakeReading(kMinute, 30, 29));
  Succeed(71);
  EXPECT_TRUE(learned_.Known().empty());
}

TEST_F(LearnedTrustTest, AProviderThatNamesEndlesslyManyWindowsIsNotRemembered) {
  for (int i = 1; i <= 1000; ++i) Observe(MakeReading(absl::Seconds(i), 1000 + i, 5));
  EXPECT_LE(Merge().size(), 16u);
  const Limit limit = MakeLimit(Unit::kTokens, 5, Sliding(kHour), Provenance::kStated);
  for (int i = 0; i < 1000; ++i) learned_.Restore(limit, clock_.mono());
  EXPECT_LE(Merge().size(), 16u);
}

// Whatever is said, in whatever order: what is merged is sane, and a change that nobody is told of does not happen.
TEST_F(LearnedTrustTest, EveryChangeIsTold) {
  Random random(1);
  const std::vector<absl::Duration> windows = {kUnnamed, kMinute,           kHour,
                                               kDay,     absl::Seconds(-1), absl::InfiniteDuration()};
  for (int i = 0; i < 20'000; ++i) {
    const std::vector<Limit> before = Merge();
    bool told = false;
    clock_.Turn(absl::Seconds(static_cast<int64_t>(random.Below(40))));
    const uint64_t what = random.Below(20);
    if (what == 0) {
      told = learned_.Refuse();
    } else if (what < 8) {
      told = learned_.Succeed({static_cast<int64_t>(random.Below(60)), static_cast<int64_t>(random.Below(5000)), 0},
                              clock_.mono());
    } else {
      Reading reading =
          MakeReading(windows[random.Below(windows.size())], static_cast<int64_t>(random.Below(200)) - 20,
                      static_cast<int64_t>(random.Below(250)) - 20, absl::Seconds(100'000) * random.Uniform());
      reading.unit = static_cast<Unit>(random.Below(5));
      reading.project_scope = random.Below(5) == 0;
      told = learned_.Observe(reading, {static_cast<int64_t>(random.Below(2)), 100, 0},
                              clock_.mono() - absl::Seconds(static_cast<int64_t>(random.Below(30))), clock_.mono());
    }
    if (!told) {
      ASSERT_EQ(Merge(), before) << i;
    }
    for (const Limit& limit : Merge()) {
      ASSERT_GT(limit.amount, 0);
      ASSERT_GT(limit.window.length, absl::ZeroDuration());
      ASSERT_NE(limit.unit, Unit::kConcurrency);
    }
  }
}

}  // namespace
}  // namespace chain429
