// Buckets whose burst is another amount than their limit, before the simulator's bucket: it shares no code with ours.
#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/limits/ledger.h"
#include "common/model/limit_state.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"
#include "tests/sim/windows.h"

namespace chain429 {
namespace {

WindowSpec Bursting(absl::Duration length, int64_t burst) {
  WindowSpec spec = Bucket(length);
  spec.burst = burst;
  return spec;
}

int64_t Granted(Ledger& ledger, const Charge& charge, TurnedClock& clock) {
  int64_t granted = 0;
  while (granted < 10'000 && ledger.Wait(charge, clock.now) == absl::ZeroDuration()) {
    ledger.SendUnreserved(charge, clock.mono(), clock.now);
    ledger.Abandon(charge);
    ++granted;
  }
  return granted;
}

TEST(LedgerBurst, AtOnceTheBurstAndThenTheRate) {
  for (const int64_t burst : {1, 5, 60, 200}) {
    TurnedClock clock;
    Ledger ledger;
    ledger.SetLimits(std::vector<Limit>{MakeLimit(Unit::kRequests, 60, Bursting(absl::Minutes(1), burst))}, clock.now);
    EXPECT_EQ(ledger.Capacity({1, 0, 0}), burst);
    EXPECT_EQ(SmallestRemaining(ledger.States(clock.now), Unit::kRequests), burst);
    EXPECT_EQ(Granted(ledger, {1, 0, 0}, clock), burst);
    EXPECT_EQ(SmallestRemaining(ledger.States(clock.now), Unit::kRequests), 0);
    const absl::Duration wait = ledger.Wait({1, 0, 0}, clock.now);
    EXPECT_NEAR(absl::ToDoubleSeconds(wait), 1.2, 0.01) << "a second, and the guard";
    clock.Turn(wait);
    EXPECT_EQ(Granted(ledger, {1, 0, 0}, clock), 1);
  }
}

TEST(LedgerBurst, WhatIsLargerThanTheBurstNeverFits) {
  TurnedClock clock;
  Ledger ledger;
  ledger.SetLimits(std::vector<Limit>{MakeLimit(Unit::kTokens, 10'000, Bursting(absl::Minutes(1), 500))}, clock.now);
  EXPECT_EQ(ledger.Wait({1, 501, 0}, clock.now), absl::InfiniteDuration());
  ASSERT_NE(ledger.TooSmallFor({1, 501, 0}), nullptr);
  EXPECT_EQ(ledger.TooSmallFor({1, 501, 0})->at_once(), 500);
  EXPECT_EQ(ledger.TooSmallFor({1, 500, 0}), nullptr);
  EXPECT_EQ(ledger.Wait({1, 500, 0}, clock.now), absl::ZeroDuration());
}

// Random demand, seen by the provider up to a guard later: its bucket never refuses, and of a lasting demand nothing is
// held back.
TEST(LedgerBurst, TheSimulatedBucketIsNeverOverrunAndUsedInFull) {
  for (const auto& [limit, burst] : {std::pair<int64_t, int64_t>{60, 5}, {60, 60}, {60, 300}, {6000, 100}}) {
    for (const bool pauses : {false, true}) {
      Random random(static_cast<uint64_t>(limit * 1000 + burst));
      TurnedClock clock;
      Ledger ledger;
      ledger.SetLimits(std::vector<Limit>{MakeLimit(Unit::kTokens, limit, Bursting(absl::Minutes(1), burst))},
                       clock.now);
      const auto provider = sim::MakeWindow(
          {.kind = sim::WindowKind::kBucket, .length = absl::Minutes(1), .limit = limit, .burst = burst});
      int64_t sent = 0;
      const absl::Time begin = clock.now.wall;
      absl::Time seen = begin;
      while (clock.now.wall < begin + absl::Minutes(20)) {
        const Charge charge{1, 1 + static_cast<int64_t>(random.Below(5)), 0};
        if (const absl::Duration wait = ledger.Wait(charge, clock.now); wait > absl::ZeroDuration()) {
          clock.Turn(wait);
          continue;
        }
        seen = std::max(seen, clock.now.wall + kSlidingGuard * random.Uniform());
        ASSERT_EQ(provider->WaitFor(seen, charge.input), absl::ZeroDuration()) << limit << " " << burst;
        provider->Add(seen, charge.input);
        ledger.SendUnreserved(charge, clock.mono(), clock.now);
        ledger.Abandon(charge);
        sent += charge.input;
        if (pauses && random.Below(100) == 0) clock.Turn(absl::Minutes(2) * random.Uniform());
      }
      if (!pauses) {
        EXPECT_GE(sent, limit * 20 * 95 / 100) << limit << " " << burst;
      }
    }
  }
}

}  // namespace
}  // namespace chain429
