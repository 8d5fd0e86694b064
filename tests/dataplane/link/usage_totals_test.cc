#include "dataplane/link/usage_totals.h"

#include <gtest/gtest.h>

#include "chain429/v1/fleet.pb.h"

namespace chain429 {
namespace {

Settlement Ended(uint64_t target, ErrorClass error = ErrorClass::kOk, uint32_t count = 1) {
  Settlement settlement;
  settlement.target = TargetId(target);
  settlement.error_class = error;
  settlement.count = count;
  settlement.usage = {.prompt_tokens = 10, .completion_tokens = 4, .seen = true};
  return settlement;
}

v1::TargetUsage UsageOf(const v1::UsageReport& report, uint64_t target) {
  for (const v1::TargetUsage& usage : report.targets()) {
    if (usage.target() == target) return usage;
  }
  return {};
}

TEST(UsageTotals, AddUpPerTargetAndNeverStartAnew) {
  UsageTotals totals;
  totals.Add(Ended(1));
  v1::UsageReport first;
  ASSERT_TRUE(totals.TakeReport(nullptr, &first));
  EXPECT_EQ(UsageOf(first, 1).attempts(), 1u);
  totals.Add(Ended(1, ErrorClass::kOk, 5));
  totals.Add(Ended(1, ErrorClass::kRateLimited));
  totals.Add(Ended(1, ErrorClass::kQuotaExhausted));
  totals.Add(Ended(1, ErrorClass::kOverloaded));
  totals.Add(Ended(2));
  v1::UsageReport second;
  ASSERT_TRUE(totals.TakeReport(nullptr, &second));
  const v1::TargetUsage usage = UsageOf(second, 1);
  EXPECT_EQ(usage.attempts(), 9u);
  EXPECT_EQ(usage.ok(), 6u);
  EXPECT_EQ(usage.rate_limited(), 2u);
  EXPECT_EQ(usage.prompt_tokens(), 50u);
  EXPECT_EQ(usage.completion_tokens(), 20u);
  EXPECT_EQ(UsageOf(second, 2).attempts(), 1u);
}

TEST(UsageTotals, WithoutNewsThereIsNoReport) {
  UsageTotals totals;
  v1::UsageReport report;
  EXPECT_FALSE(totals.TakeReport(nullptr, &report));
  totals.Add(Ended(1));
  EXPECT_TRUE(totals.TakeReport(nullptr, &report));
  EXPECT_FALSE(totals.TakeReport(nullptr, &report));
}

TEST(UsageTotals, ANewStreamIsToldEverythingAgain) {
  UsageTotals totals;
  totals.Restart();
  v1::UsageReport report;
  EXPECT_FALSE(totals.TakeReport(nullptr, &report));
  totals.Add(Ended(1));
  ASSERT_TRUE(totals.TakeReport(nullptr, &report));
  totals.Restart();
  v1::UsageReport again;
  ASSERT_TRUE(totals.TakeReport(nullptr, &again));
  EXPECT_EQ(UsageOf(again, 1).attempts(), 1u);
}

TEST(UsageTotals, WhatWasNotWrittenIsNoUse) {
  UsageTotals totals;
  Settlement settlement = Ended(1);
  settlement.charged = false;
  totals.Add(settlement);
  v1::UsageReport report;
  EXPECT_FALSE(totals.TakeReport(nullptr, &report));
}

TEST(UsageTotals, NamesComeFromTheSnapshotOrFromWhoAsked) {
  Snapshot snapshot;
  snapshot.providers.emplace_back().name = "p";
  Pool& pool = snapshot.pools.emplace_back();
  pool.id = PoolId(1);
  Target& target = snapshot.targets.emplace_back();
  target.id = TargetId(1);
  target.name = "p/listed";
  target.pools = {PoolId(1)};
  ASSERT_TRUE(snapshot.Index().ok());
  UsageTotals totals;
  totals.Name(TargetId(2), {"p", "", "unlisted"});
  totals.Name(TargetId(3), {"p", "", "asked for and never called"});
  totals.Add(Ended(1));
  totals.Add(Ended(2));
  v1::UsageReport report;
  ASSERT_TRUE(totals.TakeReport(&snapshot, &report));
  EXPECT_EQ(report.targets_size(), 2);
  EXPECT_EQ(UsageOf(report, 1).name(), "p/listed");
  EXPECT_EQ(UsageOf(report, 2).name(), "p/unlisted");
  // A later snapshot without the target does not take its name away.
  totals.Add(Ended(1));
  v1::UsageReport later;
  ASSERT_TRUE(totals.TakeReport(nullptr, &later));
  EXPECT_EQ(UsageOf(later, 1).name(), "p/listed");
}

TEST(UsageTotals, EndlessNamesAreCut) {
  UsageTotals totals;
  totals.Name(TargetId(2), {"p", "", std::string(100'000, 'x')});
  totals.Add(Ended(2));
  v1::UsageReport report;
  ASSERT_TRUE(totals.TakeReport(nullptr, &report));
  EXPECT_LE(UsageOf(report, 2).name().size(), 128u);
}

TEST(UsageTotals, BeyondSoManyTargetsTheRestIsSummedUp) {
  UsageTotals totals;
  const uint64_t count = 5000;
  for (uint64_t id = 1; id <= count; ++id) totals.Add(Ended(id));
  totals.Add(Ended(1));
  v1::UsageReport report;
  ASSERT_TRUE(totals.TakeReport(nullptr, &report));
  EXPECT_LE(report.targets_size(), 4097);
  EXPECT_LT(report.ByteSizeLong(), size_t{1} << 20);
  uint64_t attempts = 0;
  for (const v1::TargetUsage& usage : report.targets()) attempts += usage.attempts();
  EXPECT_EQ(attempts, count + 1);
  EXPECT_EQ(UsageOf(report, 1).attempts(), 2u);
  EXPECT_EQ(UsageOf(report, 0).name(), "other");
}

}  // namespace
}  // namespace chain429
