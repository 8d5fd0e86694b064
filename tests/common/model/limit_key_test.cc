#include "common/model/limit_key.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(LimitKeys, EveryUnitHasEveryWindowOnce) {
  std::set<std::string_view> names;
  std::set<std::pair<Unit, absl::Duration>> limits;
  for (const LimitKey& key : kLimitKeys) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_TRUE(limits.emplace(key.unit, key.window).second) << key.name;
    EXPECT_EQ(key.unit == Unit::kConcurrency, key.window == absl::ZeroDuration()) << key.name;
  }
  EXPECT_EQ(limits.size(), 5u * 5u + 1u);
}

TEST(LimitKeys, AreFoundByNameAndByWhatTheySay) {
  for (size_t i = 0; i < kLimitKeys.size(); ++i) {
    EXPECT_EQ(LimitKeyIndex(kLimitKeys[i].name), i);
    EXPECT_EQ(LimitKeyName(kLimitKeys[i].unit, kLimitKeys[i].window), kLimitKeys[i].name);
  }
  for (const char* name : {"", "rp", "rpx", "rpmm", "RPM", "xpm", "itp", "concurrenc"})
    EXPECT_EQ(LimitKeyIndex(name), kLimitKeys.size()) << name;
  EXPECT_EQ(LimitKeyName(Unit::kRequests, absl::Seconds(90)), "");
  EXPECT_EQ(LimitKeyName(Unit::kConcurrency, absl::Minutes(1)), "concurrency");
}

TEST(Limit, OnlyABucketHasABurst) {
  Limit limit{Unit::kRequests, 60, {}, Provenance::kConfigured};
  EXPECT_EQ(limit.at_once(), 60);
  limit.window.burst = 5;
  EXPECT_EQ(limit.at_once(), 60);
  limit.window.kind = WindowKind::kBucket;
  EXPECT_EQ(limit.at_once(), 5);
  EXPECT_EQ(limit.least(), 5);
  limit.window.burst = 100;
  EXPECT_EQ(limit.at_once(), 100);
  EXPECT_EQ(limit.least(), 60);
}

TEST(UsualCost, TurnsSharesIntoRequests) {
  Pool pool;
  EXPECT_EQ(UsualCost(pool, Unit::kRequests), 1);
  EXPECT_EQ(UsualCost(pool, Unit::kConcurrency), 1);
  EXPECT_EQ(UsualCost(pool, Unit::kTokens), 1000);
  EXPECT_GT(UsualCost(pool, Unit::kCredits), 1'000'000'000 * kMicrosPerCredit) << "of what costs who knows what: none";
  pool.rates = CreditRates{7, 1'000'000, 3'000'000};
  EXPECT_EQ(UsualCost(pool, Unit::kCredits), 7 + 500 + 1500);
  pool.rates = CreditRates{};
  EXPECT_EQ(UsualCost(pool, Unit::kCredits), 1);
}

TEST(AmountText, OnlyCreditsHaveAPoint) {
  EXPECT_EQ(AmountText(Unit::kTokens, 2'500'000), "2500000");
  EXPECT_EQ(AmountText(Unit::kCredits, 2'500'000), "2.5");
}

}  // namespace
}  // namespace chain429
