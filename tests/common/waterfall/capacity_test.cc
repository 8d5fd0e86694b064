#include "common/waterfall/capacity.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1), kDay = absl::Hours(24);

LimitState LimitOf(Unit unit, absl::Duration window, int64_t amount, int64_t remaining,
                   std::vector<Recovery> recoveries = {}) {
  return {
      .unit = unit, .window = window, .amount = amount, .remaining = remaining, .recoveries = std::move(recoveries)};
}
LimitState Rpm(int64_t amount, int64_t remaining, std::vector<Recovery> recoveries = {}) {
  return LimitOf(Unit::kRequests, kMinute, amount, remaining, std::move(recoveries));
}
LimitState Rpd(int64_t amount, int64_t remaining, std::vector<Recovery> recoveries = {}) {
  return LimitOf(Unit::kRequests, kDay, amount, remaining, std::move(recoveries));
}
LimitState Tpm(int64_t amount, int64_t remaining) { return LimitOf(Unit::kTokens, kMinute, amount, remaining); }

class CapacityTest : public testing::Test {
 protected:
  struct PoolNow {
    std::vector<LimitState> limits;
    absl::Duration age;
    absl::Duration closed_for;
  };
  void Add(const std::vector<uint64_t>& of) {
    Target target;
    for (const uint64_t pool : of) target.pools.push_back(PoolId(pool));
    targets.push_back(target);
    standings.emplace_back();
  }
  Capacity Sum() {
    std::vector<const Target*> pointers;
    for (const Target& target : targets) pointers.push_back(&target);
    std::map<uint64_t, int> asked;
    return CapacityPlan(pointers).Sum(
        [&](PoolId id) {
          EXPECT_EQ(++asked[id.value()], 1);
          const PoolNow& now = pools[id.value()];
          return PoolStanding{now.limits, now.age, now.closed_for};
        },
        [&](size_t i) { return standings[i]; });
  }
  std::vector<Target> targets;
  std::vector<TargetStanding> standings;
  std::map<uint64_t, PoolNow> pools;
};

void ExpectUnit(const UnitCapacity& unit, int64_t limit, int64_t remaining, absl::Duration reset) {
  EXPECT_TRUE(unit.known);
  EXPECT_EQ(unit.limit, limit);
  EXPECT_EQ(unit.remaining, remaining);
  EXPECT_EQ(unit.reset, reset);
}

TEST_F(CapacityTest, TargetsAddUpAndTheSlowestResetCounts) {
  Add({1});
  Add({2});
  pools[1].limits = {Rpm(30, 12, {{absl::Seconds(5), 20}, {absl::Seconds(41), 30}}), Tpm(6000, 100)};
  pools[2].limits = {Rpm(10, 10), Tpm(500, 500)};
  const Capacity capacity = Sum();
  ExpectUnit(capacity.requests, 40, 22, absl::Seconds(41));
  ExpectUnit(capacity.tokens, 6500, 600, absl::ZeroDuration());
}

TEST_F(CapacityTest, WhatRecoveredSinceItWasToldCounts) {
  Add({1});
  pools[1].limits = {Rpm(30, 0, {{absl::Seconds(5), 20}, {absl::Seconds(41), 30}})};
  pools[1].age = absl::Seconds(11);
  ExpectUnit(Sum().requests, 30, 20, absl::Seconds(30));
}

TEST_F(CapacityTest, APoolThatTwoTargetsShareCountsOnce) {
  Add({1, 11});
  Add({1, 12});
  pools[1].limits = {Rpm(30, 12)};
  ExpectUnit(Sum().requests, 30, 12, absl::ZeroDuration());
}

TEST_F(CapacityTest, OfAWideAndANarrowPoolTheTighterHolds) {
  Add({1, 11});
  Add({1, 12});
  pools[1].limits = {Rpm(30, 25)};
  pools[11].limits = {Rpm(10, 4)};
  pools[12].limits = {Rpm(10, 10)};
  ExpectUnit(Sum().requests, 20, 14, absl::ZeroDuration());
  pools[1].limits = {Rpm(15, 9)};
  ExpectUnit(Sum().requests, 15, 9, absl::ZeroDuration());
}

TEST_F(CapacityTest, TheLimitIsThatOfTheShortestWindowAndEveryWindowBoundsWhatRemains) {
  Add({1});
  pools[1].limits = {Rpm(30, 30), Rpd(1000, 7, {{absl::Hours(9), 1000}})};
  ExpectUnit(Sum().requests, 30, 7, absl::ZeroDuration());
  pools[1].limits = {Rpm(30, 30), Rpd(1000, 0, {{absl::Hours(9), 1000}})};
  ExpectUnit(Sum().requests, 30, 0, absl::Hours(9));
}

TEST_F(CapacityTest, AWideDayAndANarrowMinuteAreNotMixed) {
  Add({1, 11});
  Add({1, 12});
  pools[1].limits = {Rpd(50, 50)};
  pools[11].limits = {Rpm(30, 30)};
  pools[12].limits = {Rpm(30, 30)};
  ExpectUnit(Sum().requests, 60, 50, absl::ZeroDuration());
}

TEST_F(CapacityTest, WithOneTargetThatIsUnlimitedNothingIsToBeHeldBack) {
  Add({1});
  Add({2});
  pools[1].limits = {Rpm(30, 12), Tpm(100, 100)};
  pools[2].limits = {Tpm(500, 500)};
  const Capacity capacity = Sum();
  EXPECT_FALSE(capacity.requests.known);
  ExpectUnit(capacity.tokens, 600, 600, absl::ZeroDuration());
}

TEST_F(CapacityTest, AClosedPoolHasNothingLeftUntilItOpens) {
  Add({1});
  Add({2});
  pools[1].limits = {Rpm(30, 12)};
  pools[1].closed_for = absl::Seconds(50);
  pools[2].limits = {Rpm(10, 9, {{absl::Seconds(20), 10}})};
  ExpectUnit(Sum().requests, 40, 9, absl::Seconds(50));
}

TEST_F(CapacityTest, AnUnlimitedTargetThatIsClosedHasNothingNow) {
  Add({1});
  Add({2});
  pools[1].limits = {Rpm(30, 0, {{absl::Seconds(8), 30}})};
  pools[2].closed_for = absl::Seconds(50);
  ExpectUnit(Sum().requests, 30, 0, absl::Seconds(50));
  EXPECT_FALSE(Sum().tokens.known) << "of tokens no limit is known at all";
}

TEST_F(CapacityTest, WhatCannotBeCalledCountsForNothing) {
  Add({1});
  Add({2});
  Add({3});
  pools[1].limits = {Rpm(30, 12)};
  pools[2].limits = {Rpm(10, 9)};
  standings[1].usable = false;
  standings[2].usable = false;  // or it would be unlimited
  ExpectUnit(Sum().requests, 30, 12, absl::ZeroDuration());
  standings[0].usable = false;
  EXPECT_FALSE(IsKnown(Sum()));
}

TEST_F(CapacityTest, PermitsAtHandAreLeftThoughTheyAreReserved) {
  Add({1});
  standings[0].permits = 5;
  pools[1].limits = {Rpm(3000, 2000)};
  ExpectUnit(Sum().requests, 3000, 2005, absl::ZeroDuration());
}

TEST_F(CapacityTest, ConcurrencyIsNoRate) {
  Add({1});
  pools[1].limits = {LimitOf(Unit::kConcurrency, absl::ZeroDuration(), 4, 0)};
  EXPECT_FALSE(IsKnown(Sum()));
}

TEST_F(CapacityTest, InputAndOutputTokensAreTokens) {
  Add({1});
  pools[1].limits = {Tpm(1000, 900), LimitOf(Unit::kInputTokens, kMinute, 600, 500),
                     LimitOf(Unit::kOutputTokens, kDay, 5000, 300)};
  ExpectUnit(Sum().tokens, 600, 300, absl::ZeroDuration());
}

TEST(AppendRateLimitFields, AreInOpenAisFormatAndOnlyOfWhatIsKnown) {
  Capacity capacity;
  std::string fields;
  AppendRateLimitFields(fields, capacity);
  EXPECT_EQ(fields, "");
  capacity.requests = {true, 40, 12, absl::Seconds(41.2)};
  AppendRateLimitFields(fields, capacity);
  EXPECT_EQ(fields,
            "x-ratelimit-limit-requests: 40\r\nx-ratelimit-remaining-requests: 12\r\n"
            "x-ratelimit-reset-requests: 42s\r\n");
  fields.clear();
  capacity.requests.known = false;
  capacity.tokens = {true, 100, 120, absl::ZeroDuration()};  // a batch of permits may be told twice for a moment
  AppendRateLimitFields(fields, capacity);
  EXPECT_EQ(fields,
            "x-ratelimit-limit-tokens: 100\r\nx-ratelimit-remaining-tokens: 100\r\nx-ratelimit-reset-tokens: 0s\r\n");
}

TEST(AppendGoDuration, RoundsUp) {
  for (const auto& [duration, text] :
       std::vector<std::pair<absl::Duration, std::string>>{{absl::ZeroDuration(), "0s"},
                                                           {absl::Seconds(-1), "0s"},
                                                           {absl::Microseconds(10), "1ms"},
                                                           {absl::Milliseconds(20), "20ms"},
                                                           {absl::Microseconds(999'001), "1s"},
                                                           {absl::Seconds(1), "1s"},
                                                           {absl::Milliseconds(1001), "2s"},
                                                           {absl::Seconds(59.5), "1m0s"},
                                                           {absl::Seconds(360), "6m0s"},
                                                           {absl::Seconds(3723), "1h2m3s"},
                                                           {absl::Hours(24), "24h0m0s"}}) {
    std::string out;
    AppendGoDuration(out, duration);
    EXPECT_EQ(out, text) << duration;
  }
}

}  // namespace
}  // namespace chain429
