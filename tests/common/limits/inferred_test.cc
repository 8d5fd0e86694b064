#include "common/limits/inferred.h"

#include <deque>
#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

class InferredLimitTest : public testing::Test {
 protected:
  // Minutes in which the limit is used in full; how often it rises.
  int FullMinutes(int minutes) {
    int rises = 0;
    for (int i = 0; i < minutes; ++i) {
      clock_.Turn(absl::Seconds(30));
      rises += limit_.Turn(limit_.amount(), clock_.mono()) ? 1 : 0;
      clock_.Turn(absl::Seconds(30));
      rises += limit_.Turn(limit_.amount(), clock_.mono()) ? 1 : 0;
    }
    return rises;
  }

  TurnedClock clock_;
  InferredLimit limit_;
};

TEST_F(InferredLimitTest, IsUnknownUntilARefusal) {
  EXPECT_FALSE(limit_.known());
  EXPECT_FALSE(limit_.Turn(100, clock_.mono()));
  EXPECT_FALSE(limit_.known());
}

TEST_F(InferredLimitTest, IsWhatWentWellInTheMinuteBeforeTheRefusal) {
  EXPECT_TRUE(limit_.Refuse(10, clock_.mono()));
  EXPECT_EQ(limit_.amount(), 10);
  const Limit limit = limit_.AsLimit();
  EXPECT_EQ(limit.unit, Unit::kRequests);
  EXPECT_EQ(limit.amount, 10);
  EXPECT_EQ(limit.window, Sliding(absl::Minutes(1)));
  EXPECT_EQ(limit.provenance, Provenance::kInferred);
}

TEST_F(InferredLimitTest, TooFewSuccessesSayNothing) {
  EXPECT_FALSE(limit_.Refuse(0, clock_.mono()));
  EXPECT_FALSE(limit_.Refuse(1, clock_.mono()));
  EXPECT_FALSE(limit_.known());
  limit_.Refuse(10, clock_.mono());
  EXPECT_FALSE(limit_.Refuse(1, clock_.mono()));
  EXPECT_EQ(limit_.amount(), 10);
}

TEST_F(InferredLimitTest, RisesByATenthAfterAFullMinuteWithoutRefusal) {
  limit_.Refuse(50, clock_.mono());
  EXPECT_EQ(FullMinutes(1), 1);
  EXPECT_EQ(limit_.amount(), 55);
  EXPECT_EQ(FullMinutes(1), 1);
  EXPECT_EQ(limit_.amount(), 66);
}

TEST_F(InferredLimitTest, RisesByOneAtLeast) {
  limit_.Refuse(4, clock_.mono());
  FullMinutes(1);
  EXPECT_EQ(limit_.amount(), 5);
}

TEST_F(InferredLimitTest, DoesNotRiseWhileItIsNotUsedInFull) {
  limit_.Refuse(50, clock_.mono());
  for (int i = 0; i < 60; ++i) {
    clock_.Turn(absl::Minutes(1));
    EXPECT_FALSE(limit_.Turn(44, clock_.mono()));
  }
  EXPECT_EQ(limit_.amount(), 50);
  clock_.Turn(absl::Minutes(1));
  EXPECT_TRUE(limit_.Turn(45, clock_.mono()));  // nine tenths are full
}

TEST_F(InferredLimitTest, WhereRefusalsComeBackAtTheSameNumberItRisesEverMoreRarely) {
  limit_.Refuse(20, clock_.mono());
  int patience = 1;
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(FullMinutes(patience), 1) << i;
    EXPECT_EQ(limit_.amount(), 22);
    limit_.Refuse(21, clock_.mono());
    EXPECT_EQ(limit_.amount(), 20);
    patience = std::min(patience * 2, 500 / 21);
    EXPECT_EQ(FullMinutes(patience - 1), 0) << i;
    limit_.Refuse(20, clock_.mono());
    patience = std::min(patience * 2, 500 / 20);
  }
}

TEST_F(InferredLimitTest, WhatGoesWellMakesItRiseFaster) {
  limit_.Refuse(100, clock_.mono());
  std::vector<int64_t> amounts;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(FullMinutes(1), 1);
    amounts.push_back(limit_.amount());
  }
  EXPECT_EQ(amounts, (std::vector<int64_t>{110, 132, 184, 331, 595, 1071}));
  limit_.Refuse(700, clock_.mono());
  FullMinutes(1);
  EXPECT_EQ(limit_.amount(), 770);
}

TEST_F(InferredLimitTest, AtAnotherNumberItStartsAnew) {
  limit_.Refuse(20, clock_.mono());
  limit_.Refuse(20, clock_.mono());
  limit_.Refuse(20, clock_.mono());
  EXPECT_TRUE(limit_.Refuse(60, clock_.mono()));
  EXPECT_EQ(limit_.amount(), 60);
  EXPECT_EQ(FullMinutes(1), 1);
  EXPECT_TRUE(limit_.Refuse(5, clock_.mono()));
  EXPECT_EQ(limit_.amount(), 5);
}

TEST_F(InferredLimitTest, FurtherRefusalsOfTheSameMomentOnlyLowerIt) {
  EXPECT_FALSE(limit_.Correct(5));
  limit_.Refuse(20, clock_.mono());
  EXPECT_TRUE(limit_.Correct(17));
  EXPECT_EQ(limit_.amount(), 17);
  EXPECT_FALSE(limit_.Correct(19));
  EXPECT_FALSE(limit_.Correct(1));
  EXPECT_EQ(limit_.amount(), 17);
}

TEST_F(InferredLimitTest, IsRestoredAfterARestart) {
  limit_.Restore(30, clock_.mono());
  EXPECT_TRUE(limit_.known());
  EXPECT_EQ(limit_.amount(), 30);
  EXPECT_EQ(FullMinutes(1), 1);
}

// A provider that allows ten a minute and says so to nobody: hours of plentiful demand.
TEST_F(InferredLimitTest, SettlesAtTheTrueLimitWithFewRefusals) {
  std::deque<MonoTime> taken;
  int refusals = 0, late_refusals = 0, successes = 0;
  for (int second = 0; second < 4 * 3600; ++second) {
    clock_.Turn(absl::Seconds(1));
    while (!taken.empty() && clock_.mono() - taken.front() >= absl::Minutes(1)) taken.pop_front();
    const auto used = static_cast<int64_t>(taken.size());
    if (limit_.known() && used >= limit_.amount()) {
      limit_.Turn(used, clock_.mono());
      continue;
    }
    if (used >= 10) {
      limit_.Refuse(used, clock_.mono());
      ++refusals;
      late_refusals += second > 2 * 3600 ? 1 : 0;
      continue;
    }
    taken.push_back(clock_.mono());
    ++successes;
    limit_.Turn(used + 1, clock_.mono());
  }
  EXPECT_GE(successes, 4 * 60 * 10 * 9 / 10);
  EXPECT_LE(refusals, 15);
  EXPECT_LE(late_refusals, 5);
  EXPECT_GE(limit_.amount(), 9);
  EXPECT_LE(limit_.amount(), 11);
}

}  // namespace
}  // namespace chain429
