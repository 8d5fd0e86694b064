// How limits stand, as proxies are told it.
#include <vector>

#include "common/limits/ledger.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

class LedgerStates : public testing::Test {
 protected:
  void Set(std::vector<Limit> limits) { ledger_.SetLimits(limits, clock_.now); }
  void Use(const Charge& charge) {
    ledger_.SendUnreserved(charge, clock_.mono(), clock_.now);
    ledger_.Abandon(charge);
  }
  LimitState Only() {
    const std::vector<LimitState> states = ledger_.States(clock_.now);
    EXPECT_EQ(states.size(), 1u);
    return states.at(0);
  }
  TurnedClock clock_;
  Ledger ledger_;
};

TEST_F(LedgerStates, SayWhatIsLeftOfEachLimitAndWhenAllOfIt) {
  Set({MakeLimit(Unit::kRequests, 30), MakeLimit(Unit::kTokens, 1000, Fixed(absl::Hours(24))),
       MakeLimit(Unit::kConcurrency, 4)});
  Use({2, 100, 50});
  clock_.Turn(absl::Seconds(20));
  Use({1, 10, 0});
  ledger_.SendUnreserved({1, 0, 0}, clock_.mono(), clock_.now);
  const std::vector<LimitState> states = ledger_.States(clock_.now);
  ASSERT_EQ(states.size(), 3u);
  EXPECT_EQ(
      states[0],
      (LimitState{.unit = Unit::kRequests,
                  .window = absl::Minutes(1),
                  .amount = 30,
                  .remaining = 26,
                  .recoveries = {{absl::Seconds(40) + kSlidingGuard, 28}, {absl::Minutes(1) + kSlidingGuard, 30}}}));
  EXPECT_EQ(states[1].kind, WindowKind::kFixed);
  EXPECT_EQ(states[1].remaining, 840);
  EXPECT_EQ(states[1].recoveries, (std::vector<Recovery>{{absl::Hours(12) - absl::Seconds(20) + kEdgeGuard, 1000}}));
  EXPECT_EQ(states[2],
            (LimitState{.unit = Unit::kConcurrency, .window = {}, .amount = 4, .remaining = 3, .recoveries = {}}));
}

TEST_F(LedgerStates, AnUnusedLimitIsFull) {
  Set({MakeLimit(Unit::kRequests, 30)});
  EXPECT_EQ(Only().remaining, 30);
  EXPECT_TRUE(Only().recoveries.empty());
}

TEST_F(LedgerStates, WhatIsReservedOrSetAsideIsNotLeft) {
  Set({MakeLimit(Unit::kRequests, 30)});
  ledger_.Reserve({3, 0, 0});
  ledger_.SetAside({5, 0, 0});
  EXPECT_EQ(Only().remaining, 22);
  EXPECT_EQ(Only().recoveries, (std::vector<Recovery>{{absl::Minutes(1), 30}})) << "as if it were sent now";
}

TEST_F(LedgerStates, OutsideUseIsNotLeftAndGoesAtItsOwnTime) {
  Set({MakeLimit(Unit::kRequests, 30)});
  Use({1, 0, 0});
  CountReading reading;
  reading.at = clock_.mono();
  reading.used = 11;
  reading.charge = 1;
  reading.reset = absl::Seconds(25);
  ledger_.Observe({Unit::kRequests, absl::Minutes(1), 30, reading}, clock_.now);
  EXPECT_EQ(Only().remaining, 19);
  EXPECT_EQ(Only().recoveries,
            (std::vector<Recovery>{{absl::Seconds(25), 29}, {absl::Minutes(1) + kSlidingGuard, 30}}));
}

TEST_F(LedgerStates, ALimitThatIsOverrunRecoversWhenTheExcessHasGone) {
  Set({MakeLimit(Unit::kRequests, 2)});
  Use({3, 0, 0});
  clock_.Turn(absl::Seconds(10));
  Use({1, 0, 0});
  EXPECT_EQ(Only().remaining, 0);
  EXPECT_EQ(Only().recoveries,
            (std::vector<Recovery>{{absl::Seconds(50) + kSlidingGuard, 1}, {absl::Minutes(1) + kSlidingGuard, 2}}));
}

TEST_F(LedgerStates, ManyUsesAreToldInFewSteps) {
  Set({MakeLimit(Unit::kRequests, 1000)});
  for (int i = 0; i < 500; ++i) {
    Use({1, 0, 0});
    clock_.Turn(absl::Milliseconds(100));
  }
  ledger_.Reserve({1, 0, 0});
  const LimitState state = Only();
  EXPECT_LE(state.recoveries.size(), kMostRecoveries);
  EXPECT_GE(state.recoveries.size(), kMostRecoveries / 2);
  EXPECT_EQ(state.recoveries.back().remaining, 1000);
}

}  // namespace
}  // namespace chain429
