#include "common/limits/use_log.h"

#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

const MonoTime kNever = MonoTime::FromNanos(INT64_MIN);
const absl::Duration kGrain = absl::Milliseconds(100);

MonoTime At(int64_t ms) { return MonoTime::FromNanos(1'000'000'000'000 + ms * 1'000'000); }

UseLog MakeLog() { return {kGrain, absl::Seconds(30), absl::Milliseconds(20)}; }

TEST(UseLog, CountsWhatWasUsedAfterTheCut) {
  UseLog log = MakeLog();
  log.Add(At(0), 1, kNever);
  log.Add(At(1000), 2, kNever);
  log.Add(At(2000), 4, kNever);
  EXPECT_EQ(log.After(At(-1)), 7);
  EXPECT_EQ(log.After(At(0)), 6);
  EXPECT_EQ(log.After(At(1999)), 4);
  EXPECT_EQ(log.After(At(2000)), 0);
}

TEST(UseLog, CutsOnlyMoveForward) {
  UseLog log = MakeLog();
  log.Add(At(0), 1, kNever);
  EXPECT_EQ(log.After(At(500)), 0);
  EXPECT_EQ(log.After(At(-500)), 0);
}

TEST(UseLog, NothingAndLessAreNoUse) {
  UseLog log = MakeLog();
  log.Add(At(0), 0, kNever);
  log.Add(At(0), -5, kNever);
  EXPECT_EQ(log.After(At(-1)), 0);
  EXPECT_EQ(log.entries(), 0u);
}

TEST(UseLog, UsesWithinAGrainShareAnEntryThatLeavesWithItsYoungest) {
  UseLog log = MakeLog();
  log.Add(At(0), 1, kNever);
  log.Add(At(99), 1, kNever);
  EXPECT_EQ(log.entries(), 1u);
  log.Add(At(100), 1, kNever);
  EXPECT_EQ(log.entries(), 2u);
  EXPECT_EQ(log.After(At(98)), 3);
  EXPECT_EQ(log.After(At(99)), 1);
}

TEST(UseLog, ALateReportJoinsTheEntryAfterIt) {
  UseLog log = MakeLog();
  log.Add(At(50), 1, kNever);
  log.Add(At(0), 1, kNever);
  EXPECT_EQ(log.entries(), 1u);
  log.Add(At(120), 1, kNever);  // the entry holds no more than one grain
  EXPECT_EQ(log.entries(), 2u);
}

TEST(UseLog, ABarrierKeepsUsesApartInEitherOrder) {
  for (const bool falling : {false, true}) {
    UseLog log = MakeLog();
    if (falling) log.Add(At(50), 2, At(40));
    log.Add(At(39), 1, kNever);
    if (!falling) log.Add(At(50), 2, At(40));
    EXPECT_EQ(log.entries(), 2u);
    EXPECT_EQ(log.After(At(39)), 2);
  }
}

TEST(UseLog, WhatComesBehindTheCutIsKnownButDoesNotCount) {
  UseLog log = MakeLog();
  log.Add(At(10'000), 1, kNever);
  log.After(At(9000));
  log.Add(At(5000), 2, kNever);
  EXPECT_EQ(log.After(At(9000)), 1);
  EXPECT_EQ(log.Within(At(4000), At(11'000)), 3);
  log.Add(At(-40'000), 4, kNever);  // too long ago to be of any interest
  EXPECT_EQ(log.entries(), 2u);
}

TEST(UseLog, OldEntriesAreForgotten) {
  UseLog log = MakeLog();
  for (int i = 0; i < 1000; ++i) log.Add(At(i * 1000), 1, kNever);
  log.After(At(999'000));
  EXPECT_LE(log.entries(), 31u);
}

TEST(UseLog, TakesBackFromTheEntryOfThatDateThenFromOlderOnes) {
  UseLog log = MakeLog();
  log.Add(At(0), 10, kNever);
  log.Add(At(1000), 10, kNever);
  log.Add(At(2000), 10, kNever);
  EXPECT_EQ(log.Subtract(At(1050), 4), 4);
  EXPECT_EQ(log.Within(At(500), At(1500)), 6);
  EXPECT_EQ(log.Subtract(At(1050), 9), 9);  // 6 left there, 3 from the first
  EXPECT_EQ(log.Within(At(500), At(1500)), 0);
  EXPECT_EQ(log.After(At(-1)), 17);
  EXPECT_EQ(log.Subtract(At(1050), 100), 7);
  EXPECT_EQ(log.After(At(-1)), 10);
  EXPECT_EQ(log.Subtract(At(-500), 1), 0);
}

TEST(UseLog, TakesBackFromAnEntryThatBeginsWithinTheSlack) {
  UseLog log = MakeLog();
  log.Add(At(0), 10, kNever);
  log.Add(At(1000), 10, kNever);
  EXPECT_EQ(log.Subtract(At(980), 4), 4);
  EXPECT_EQ(log.After(At(500)), 6);
  EXPECT_EQ(log.Subtract(At(979), 4), 4);
  EXPECT_EQ(log.After(At(500)), 6);
}

TEST(UseLog, SaysWhenSoMuchIsOver) {
  UseLog log = MakeLog();
  log.Add(At(0), 3, kNever);
  log.Add(At(50), 1, kNever);
  log.Add(At(1000), 2, kNever);
  log.After(At(-1));
  EXPECT_EQ(log.DateOf(1), At(50));
  EXPECT_EQ(log.DateOf(4), At(50));
  EXPECT_EQ(log.DateOf(5), At(1000));
  EXPECT_EQ(log.DateOf(7), MonoTime::Max());
}

TEST(UseLog, DropsTheOldestUpToADate) {
  UseLog log = MakeLog();
  for (int i = 0; i < 5; ++i) log.Add(At(i * 1000), 2, kNever);
  EXPECT_EQ(log.DropOldest(3, At(4000)), 3);
  EXPECT_EQ(log.After(At(-1)), 7);
  EXPECT_EQ(log.After(At(1000)), 6);
  EXPECT_EQ(log.DropOldest(100, At(3500)), 4);
  EXPECT_EQ(log.After(At(1000)), 2);
}

struct Use {
  MonoTime at;
  int64_t amount;
};

// Uses on a raster of one grain, so that sharing an entry changes nothing: the log is then exact.
TEST(UseLog, IsExactWhereNoTwoTimesShareAnEntry) {
  Random random(11);
  for (int round = 0; round < 20; ++round) {
    UseLog log = MakeLog();
    std::vector<Use> uses;
    int64_t now = 0, cut = -1;
    const auto truth = [&](MonoTime from, MonoTime to) {
      int64_t sum = 0;
      for (const Use& use : uses) sum += use.at > from && use.at <= to ? use.amount : 0;
      return sum;
    };
    for (int i = 0; i < 2000; ++i) {
      now += static_cast<int64_t>(random.Below(3));
      const uint64_t what = random.Below(10);
      if (what < 5) {
        const int64_t at = now - static_cast<int64_t>(random.Below(20));
        const auto amount = static_cast<int64_t>(1 + random.Below(50));
        log.Add(At(at * 100), amount, kNever);
        uses.push_back({At(at * 100), amount});
      } else if (what < 7 && !uses.empty()) {
        Use& use = uses[uses.size() - 1 - random.Below(std::min<uint64_t>(uses.size(), 30))];
        const auto amount = static_cast<int64_t>(random.Below(static_cast<uint64_t>(use.amount) + 1));
        ASSERT_EQ(log.Subtract(use.at, amount), amount);
        use.amount -= amount;
      } else {
        cut = std::max(cut, now - 40);
      }
      ASSERT_EQ(log.After(At(cut * 100)), truth(At(cut * 100), MonoTime::Max()));
      const int64_t from = now - static_cast<int64_t>(random.Below(250)),
                    to = from + static_cast<int64_t>(random.Below(250));
      ASSERT_EQ(log.Within(At(from * 100), At(to * 100)), truth(At(from * 100), At(to * 100)));
      ASSERT_EQ(log.Touching(At(from * 100), At(to * 100)), truth(At(from * 100), At(to * 100)));
    }
  }
}

// At any times: never too little, and too much by no more than the uses of one grain.
TEST(UseLog, EntriesLeaveNeverEarlyAndAtMostOneGrainLate) {
  Random random(12);
  UseLog log = MakeLog();
  std::vector<Use> uses;
  int64_t now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(random.Below(20));
    const MonoTime at = At(now - static_cast<int64_t>(random.Below(3) == 0 ? random.Below(500) : 0));
    log.Add(at, 1, kNever);
    uses.push_back({at, 1});
    const MonoTime cut = At(now - 2000);
    const int64_t counted = log.After(cut);
    int64_t least = 0, most = 0, within = 0;
    const MonoTime from = At(now - 1000), to = At(now - 300);
    for (size_t j = uses.size(); j > 0 && j + 2000 > uses.size(); --j) {
      least += uses[j - 1].at > cut ? 1 : 0;
      most += uses[j - 1].at > cut - kGrain ? 1 : 0;
      within += uses[j - 1].at > from && uses[j - 1].at <= to ? 1 : 0;
    }
    ASSERT_GE(counted, least) << i;
    ASSERT_LE(counted, most) << i;
    ASSERT_LE(log.Within(from, to), within) << i;
    ASSERT_GE(log.Touching(from, to), within) << i;
  }
}

TEST(UseLog, VisitsEntriesFromTheOldest) {
  UseLog log = MakeLog();
  for (int i = 0; i < 4; ++i) log.Add(At(i * 1000), i + 1, kNever);
  std::vector<int64_t> seen;
  log.VisitAfter(At(1000), [&](MonoTime at, int64_t amount) {
    EXPECT_EQ(at, At((amount - 1) * 1000));
    seen.push_back(amount);
  });
  EXPECT_EQ(seen, (std::vector<int64_t>{3, 4}));
}

}  // namespace
}  // namespace chain429
