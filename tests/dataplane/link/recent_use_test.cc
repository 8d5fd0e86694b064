#include "dataplane/link/recent_use.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace chain429 {
namespace {

class RecentUseTest : public testing::Test {
 protected:
  void Turn(absl::Duration by) { now = now + by; }
  void Use(PoolId pool, int64_t requests = 1, int64_t tokens = 0, absl::Duration age = {}) {
    log.Add(pool, now - age, requests, tokens, now);
  }
  // Requests that were sent no longer ago than `age`, as the report says it.
  int64_t Within(absl::Duration age, PoolId pool = PoolId(1)) {
    int64_t requests = 0;
    for (const RecentUse& use : log.Report(now)) {
      if (use.pool == pool && use.age <= age) requests += use.requests;
    }
    return requests;
  }
  RecentUseLog log;
  MonoTime now = MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000);
};

TEST_F(RecentUseTest, ReportsWhatWasUsedAndWhen) {
  Use(PoolId(1), 2, 300);
  Turn(absl::Seconds(10));
  Use(PoolId(2), 1, 5);
  const std::vector<RecentUse> report = log.Report(now);
  ASSERT_EQ(report.size(), 2u);
  for (const RecentUse& use : report) {
    if (use.pool == PoolId(1)) {
      EXPECT_EQ(use.age, absl::Seconds(10));
      EXPECT_EQ(use.requests, 2);
      EXPECT_EQ(use.tokens, 300);
    } else {
      EXPECT_EQ(use.pool, PoolId(2));
      EXPECT_EQ(use.age, absl::ZeroDuration());
    }
  }
}

TEST_F(RecentUseTest, YoungestFirstWithinAPool) {
  for (int i = 0; i < 200; ++i) {
    Use(PoolId(1));
    Turn(absl::Seconds(7));
  }
  const std::vector<RecentUse> report = log.Report(now);
  for (size_t i = 1; i < report.size(); ++i) EXPECT_GE(report[i].age, report[i - 1].age);
}

TEST_F(RecentUseTest, UsesOfOneSecondAreOneEntryDatedByTheYoungest) {
  Use(PoolId(1), 1, 10);
  Turn(absl::Milliseconds(400));
  Use(PoolId(1), 1, 20);
  const std::vector<RecentUse> report = log.Report(now);
  ASSERT_EQ(report.size(), 1u);
  EXPECT_EQ(report[0].requests, 2);
  EXPECT_EQ(report[0].tokens, 30);
  EXPECT_EQ(report[0].age, absl::ZeroDuration());
}

TEST_F(RecentUseTest, IsExactToTheSecondForAMinute) {
  for (int i = 0; i < 60; ++i) {
    Use(PoolId(1));
    Turn(absl::Seconds(1));
  }
  EXPECT_EQ(Within(absl::Seconds(20)), 20);
  EXPECT_EQ(Within(absl::Seconds(60)), 60);
}

TEST_F(RecentUseTest, NeverForgetsUseThatStillCounts) {
  // However coarse an entry has become: of any window's use, no less is reported than there was.
  Random random(3);
  std::vector<MonoTime> uses;
  for (int i = 0; i < 5000; ++i) {
    Turn(absl::Seconds(40) * random.Uniform());
    Use(PoolId(1));
    uses.push_back(now);
    if (i % 250 != 0) continue;
    for (const absl::Duration window : {absl::Seconds(10), absl::Minutes(1), absl::Hours(1), absl::Hours(24)}) {
      const auto real = std::count_if(uses.begin(), uses.end(), [&](MonoTime at) { return now - at <= window; });
      EXPECT_GE(Within(window), real) << window;
    }
  }
}

TEST_F(RecentUseTest, RemembersADayWithFewEntries) {
  for (int i = 0; i < 24 * 60; ++i) {
    Use(PoolId(1));
    Turn(absl::Minutes(1));
  }
  EXPECT_EQ(Within(absl::Hours(25)), 24 * 60);
  EXPECT_LE(log.Report(now).size(), 60u + 60 + 25);
}

TEST_F(RecentUseTest, ForgetsWhatIsOlderThanADayCanBe) {
  Use(PoolId(1));
  Turn(absl::Hours(27));
  EXPECT_TRUE(log.Report(now).empty());
  EXPECT_EQ(log.pool_count(), 0u);
}

TEST_F(RecentUseTest, AUseThatIsReportedLateIsDatedWhenItWasSent) {
  Use(PoolId(1), 1, 0, absl::Minutes(5));
  EXPECT_EQ(Within(absl::Minutes(4)), 0);
  EXPECT_EQ(Within(absl::Minutes(5)), 1);
}

TEST_F(RecentUseTest, ALongReportIsShortenedByDatingUsesLater) {
  for (uint64_t pool = 1; pool <= 20; ++pool) {
    for (int second = 0; second < 50; ++second) Use(PoolId(pool), 1, 3, absl::Seconds(second));
  }
  ASSERT_EQ(log.Report(now).size(), 1000u);
  const std::vector<RecentUse> report = log.Report(now, /*max_entries=*/100);
  EXPECT_LE(report.size(), 100u);
  int64_t requests = 0;
  int64_t tokens = 0;
  for (const RecentUse& use : report) {
    requests += use.requests;
    tokens += use.tokens;
    EXPECT_EQ(use.age, absl::ZeroDuration());
  }
  EXPECT_EQ(requests, 1000);
  EXPECT_EQ(tokens, 3000);
}

TEST_F(RecentUseTest, TooManyPoolsDisplaceThoseUsedLongestAgo) {
  Use(PoolId(1'000'000));
  Turn(absl::Seconds(1));
  for (uint64_t pool = 1; pool < 8192; ++pool) Use(PoolId(pool));
  Turn(absl::Seconds(1));
  Use(PoolId(2'000'000));
  EXPECT_LE(log.pool_count(), 8192u);
  EXPECT_EQ(Within(absl::Minutes(1), PoolId(2'000'000)), 1);
  EXPECT_EQ(Within(absl::Minutes(1), PoolId(1'000'000)), 0);
}

}  // namespace
}  // namespace chain429
