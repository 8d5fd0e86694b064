#include "common/limits/drift.h"

#include <algorithm>
#include <vector>

#include "common/limits/ledger.h"
#include "common/model/limit_state.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kMinute = absl::Minutes(1);

class DriftTest : public testing::Test {
 protected:
  // A request of ours, a second after the one before.
  MonoTime Send() {
    clock_.Turn(absl::Seconds(1));
    window_.Add(1, clock_.mono(), clock_.now);
    return clock_.mono();
  }
  void Read(MonoTime at, int64_t used, absl::Duration reset = absl::InfiniteDuration(), bool both_ways = true) {
    CountReading reading;
    reading.at = at;
    reading.used = used;
    reading.charge = 1;
    reading.reset = reset;
    drift_.Observe(reading, both_ways, window_, clock_.now);
  }
  int64_t Extra() const { return drift_.Extra(clock_.mono()); }
  int64_t Used() { return window_.Used(clock_.now); }

  TurnedClock clock_;
  Window window_{Sliding(kMinute), 100};
  Drift drift_;
};

TEST_F(DriftTest, TrueReadingsMoveNothing) {
  for (int64_t rank = 1; rank <= 20; ++rank) {
    Read(Send(), rank);
    EXPECT_EQ(Extra(), 0);
    EXPECT_EQ(Used(), rank);
  }
}

TEST_F(DriftTest, WhatSomebodyElseUsesIsSeen) {
  Read(Send(), 1);
  Read(Send(), 12);
  EXPECT_EQ(Extra(), 10);
  EXPECT_EQ(Used(), 2);
  Read(Send(), 13);
  EXPECT_EQ(Extra(), 10);
}

TEST_F(DriftTest, ARepeatedReadingChangesNothing) {
  const MonoTime at = Send();
  for (int i = 0; i < 5; ++i) {
    Read(at, 8);
    EXPECT_EQ(Extra(), 7);
    EXPECT_EQ(Used(), 1);
  }
}

TEST_F(DriftTest, AnOlderReadingIsLateAndSaysNothingNew) {
  const MonoTime first = Send(), second = Send();
  Read(second, 7);
  EXPECT_EQ(Extra(), 5);
  Read(first, 1);
  EXPECT_EQ(Extra(), 5);
  Read(first, 90);
  EXPECT_EQ(Extra(), 5);
}

// Whatever order the readings of five requests come in, what is known at the end is what the youngest says.
TEST_F(DriftTest, ReorderedReadingsEndAlike) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  const std::vector<int64_t> used = {1, 2, 8, 9,
                                     14};  // five of somebody else's before the third, four before the fifth
  do {
    TurnedClock clock;
    Window window(Sliding(kMinute), 100);
    Drift drift;
    std::vector<MonoTime> at;
    for (int i = 0; i < 5; ++i) {
      clock.Turn(absl::Seconds(1));
      window.Add(1, clock.mono(), clock.now);
      at.push_back(clock.mono());
    }
    for (const int i : order) {
      const auto index = static_cast<size_t>(i);
      drift.Observe({at[index], used[index], 1, 0, absl::InfiniteDuration()}, true, window, clock.now);
    }
    EXPECT_EQ(drift.Extra(clock.mono()), 9);
    EXPECT_EQ(window.Used(clock.now), 5);
  } while (std::next_permutation(order.begin(), order.end()));
}

// Written within the network's jitter of each other, requests arrive in any order: the first may be counted as the
// fifth.
TEST_F(DriftTest, RequestsThatOvertakeEachOtherAreNoOutsideUse) {
  clock_.Turn(absl::Seconds(1));
  std::vector<MonoTime> at;
  for (int i = 0; i < 5; ++i) {
    window_.Add(1, clock_.mono(), clock_.now);
    at.push_back(clock_.mono());
    clock_.Turn(absl::Milliseconds(20));
  }
  clock_.Turn(absl::Seconds(1));
  const std::vector<int64_t> arrived_as = {5, 4, 1, 2, 3};
  for (size_t i = 0; i < 5; ++i) {
    Read(at[i], arrived_as[i]);
    EXPECT_EQ(Extra(), 0) << i;
  }
  EXPECT_EQ(Used(), 5);
}

TEST_F(DriftTest, WhatTheProviderForgotIsForgottenOldestFirst) {
  for (int i = 0; i < 10; ++i) Send();
  clock_.Turn(absl::Seconds(10));
  Read(Send(), 3);  // two of the ten, and this one
  EXPECT_EQ(Extra(), 0);
  EXPECT_EQ(Used(), 3);
  // What is left leaves the window at its own time.
  clock_.Turn(kMinute - absl::Seconds(12) + kSlidingGuard);
  EXPECT_EQ(Used(), 2);
}

TEST_F(DriftTest, AConfiguredLimitIsNotForgottenBecauseAProviderCountsLess) {
  for (int i = 0; i < 10; ++i) Send();
  clock_.Turn(absl::Seconds(10));
  Read(Send(), 1, absl::InfiniteDuration(), /*both_ways=*/false);
  EXPECT_EQ(Extra(), 0);
  EXPECT_EQ(Used(), 11);
}

TEST_F(DriftTest, OutsideUseLeavesWithTheWindowOrWhenTheProviderSaysSo) {
  Read(Send(), 31);
  EXPECT_EQ(Extra(), 30);
  EXPECT_EQ(drift_.Until(clock_.mono()), kMinute);
  clock_.Turn(kMinute - absl::Nanoseconds(1));
  EXPECT_EQ(Extra(), 30);
  clock_.Turn(absl::Nanoseconds(1));
  EXPECT_EQ(Extra(), 0);
  EXPECT_EQ(drift_.Until(clock_.mono()), absl::ZeroDuration());
  Read(Send(), 21, absl::Seconds(10));
  EXPECT_EQ(Extra(), 20);
  clock_.Turn(absl::Seconds(10));
  EXPECT_EQ(Extra(), 0);
}

TEST_F(DriftTest, AReadingAfterTheOutsideUseIsOverLowersIt) {
  Read(Send(), 31);
  Read(Send(), 2);
  EXPECT_EQ(Extra(), 0);
}

// Tokens in flight may be counted only when their answers end: the provider's smaller number is no reason to forget
// ours.
TEST_F(DriftTest, WhatIsStillOpenMayBeMissingFromTheProvidersCount) {
  Window window(Sliding(kMinute), 100'000);
  Drift drift;
  window.Add(5000, clock_.mono(), clock_.now);
  clock_.Turn(absl::Seconds(2));
  window.Add(800, clock_.mono(), clock_.now);
  CountReading reading;
  reading.at = clock_.mono();
  reading.used = 800;
  reading.open = 5800;
  drift.Observe(reading, true, window, clock_.now);
  EXPECT_EQ(window.Used(clock_.now), 5800);
  EXPECT_EQ(drift.Extra(clock_.mono()), 0);
  reading.open = 800;
  drift.Observe(reading, true, window, clock_.now);
  EXPECT_LT(window.Used(clock_.now), 5800);
  EXPECT_GE(window.Used(clock_.now), 1600);
}

TEST_F(DriftTest, ReadingsTooOldSayNothing) {
  const MonoTime at = Send();
  clock_.Turn(absl::Minutes(5));
  Read(at, 50);
  EXPECT_EQ(Extra(), 0);
}

class BucketDriftTest : public testing::Test {
 protected:
  MonoTime Send(int64_t amount = 1) {
    clock_.Turn(absl::Seconds(1));
    bucket_.Add(amount, clock_.mono(), clock_.now);
    return clock_.mono();
  }
  void Read(MonoTime at, int64_t used, bool both_ways = true) {
    drift_.Observe({at, used, 1, 0, absl::InfiniteDuration()}, both_ways, bucket_, clock_.now);
  }
  int64_t Used() { return bucket_.Used(clock_.now); }
  int64_t Outside() const { return bucket_.Outside(clock_.now); }

  TurnedClock clock_;
  Window bucket_{Bucket(kMinute), 60};  // one a second
  Drift drift_;
};

TEST_F(BucketDriftTest, WhatSomebodyElseUsesFlowsBackLikeOurs) {
  Read(Send(10), 40);
  EXPECT_GE(Used(), 39);  // a unit is left to rounding
  EXPECT_NEAR(static_cast<double>(Outside()), 30, 2);
  EXPECT_EQ(drift_.Extra(clock_.mono()), 0);
  clock_.Turn(absl::Seconds(20));
  EXPECT_NEAR(static_cast<double>(Used()), 20, 2);
  clock_.Turn(absl::Seconds(25));
  EXPECT_EQ(Used(), 0);
  EXPECT_EQ(Outside(), 0);
}

TEST_F(BucketDriftTest, TrueReadingsMoveNothing) {
  double level = 0;
  for (int i = 0; i < 100; ++i) {
    const int64_t amount = 1 + i % 3;
    level = std::max(0.0, level - 1) + static_cast<double>(amount);
    if (level > 58) break;
    const MonoTime at = Send(amount);
    const int64_t before = Used();
    for (int repeat = 0; repeat < 3; ++repeat) Read(at, static_cast<int64_t>(level));
    ASSERT_EQ(Used(), before) << i;
    ASSERT_LE(Outside(), 1);
  }
}

TEST_F(BucketDriftTest, ALateReadingIsHeldAgainstTheLevelOfItsTime) {
  const MonoTime at = Send(10);
  for (int i = 0; i < 5; ++i) Send(4);
  const int64_t own = Used();
  Read(at, 10);
  EXPECT_EQ(Used(), own);
  const MonoTime later = Send(1);
  Read(at, 50);  // repeated with another number, or of another account: it is older
  Read(later, Used() + 20);
  EXPECT_NEAR(static_cast<double>(Outside()), 20, 2);
}

TEST_F(BucketDriftTest, ALowerCountIsBelievedOfWhatIsNotConfigured) {
  const MonoTime at = Send(40);
  Read(at, 10, /*both_ways=*/false);
  EXPECT_GE(Used(), 39);
  const MonoTime next = Send(1);
  Read(next, 11);
  EXPECT_LE(Used(), 13);
  EXPECT_GE(Used(), 11);
}

TEST_F(DriftTest, WhatIsAssumedHoldsUntilAReadingKnowsBetter) {
  drift_.Assume(40, clock_.mono(), clock_.mono() + absl::Hours(1), clock_.mono());
  EXPECT_EQ(Extra(), 40);
  drift_.Assume(10, clock_.mono(), clock_.mono() + absl::Minutes(1), clock_.mono());
  EXPECT_EQ(Extra(), 40);
  drift_.Assume(-5, clock_.mono(), clock_.mono() + absl::Minutes(1), clock_.mono());
  EXPECT_EQ(Extra(), 40);
  Read(Send(), 6);
  EXPECT_EQ(Extra(), 5);
}

TEST_F(DriftTest, AssumingALittleDoesNotReviveWhatIsOver) {
  Read(Send(), 51);
  EXPECT_EQ(Extra(), 50);
  clock_.Turn(absl::Hours(1));
  drift_.Assume(3, clock_.mono(), clock_.mono() + absl::Hours(1), clock_.mono());
  EXPECT_EQ(Extra(), 3);
}

TEST_F(DriftTest, WhatIsAssumedIsExplainedByUseOfThatTimeThatTurnsUp) {
  const MonoTime as_of = clock_.mono();
  drift_.Assume(40, as_of, as_of + absl::Hours(1), as_of);
  drift_.Explain(15, as_of - absl::Seconds(5));
  EXPECT_EQ(Extra(), 25);
  drift_.Explain(5, as_of + absl::Nanoseconds(1));  // of later, so that it is not in there
  EXPECT_EQ(Extra(), 25);
  drift_.Explain(100, as_of);
  EXPECT_EQ(Extra(), 0);
}

TEST_F(DriftTest, WhatAReadingSaysIsNotExplainedAway) {
  drift_.Assume(40, clock_.mono(), clock_.mono() + absl::Hours(1), clock_.mono());
  Read(Send(), 6);
  drift_.Explain(5, clock_.mono() - absl::Minutes(1));
  EXPECT_EQ(Extra(), 5);
}

TEST(LedgerDrift, OutsideUseCountsInItsOwnLimitAlone) {
  TurnedClock clock;
  Ledger ledger;
  const std::vector<Limit> limits = {MakeLimit(Unit::kRequests, 10, Sliding(kMinute), Provenance::kStated),
                                     MakeLimit(Unit::kRequests, 100, Sliding(absl::Hours(24)), Provenance::kStated),
                                     MakeLimit(Unit::kTokens, 1000, Sliding(kMinute), Provenance::kStated)};
  ledger.SetLimits(limits, clock.now);
  ledger.SendUnreserved({1, 10, 10}, clock.mono(), clock.now);
  Ledger::Count count;
  count.unit = Unit::kRequests;
  count.length = kMinute;
  count.amount = 10;
  count.reading = {clock.mono(), 8, 1, 0, absl::InfiniteDuration()};
  ledger.Observe(count, clock.now);
  EXPECT_EQ(ledger.View(clock.now)[0].used, 8);
  EXPECT_EQ(ledger.View(clock.now)[0].outside, 7);
  EXPECT_EQ(ledger.View(clock.now)[1].used, 1);
  EXPECT_EQ(ledger.View(clock.now)[2].used, 20);
  EXPECT_EQ(SmallestRemaining(ledger.States(clock.now), Unit::kRequests), 2);
  // Of a limit that is not known by these very numbers nothing is believed.
  count.amount = 11;
  count.reading.used = 9;
  ledger.Observe(count, clock.now);
  EXPECT_EQ(ledger.View(clock.now)[0].used, 8);
}

TEST(LedgerDrift, TellsWhenOutsideUseIsOver) {
  TurnedClock clock;
  Ledger ledger;
  ledger.SetLimits(std::vector<Limit>{MakeLimit(Unit::kRequests, 10, Sliding(kMinute), Provenance::kStated)},
                   clock.now);
  ledger.SendUnreserved({1, 0, 0}, clock.mono(), clock.now);
  Ledger::Count count;
  count.length = kMinute;
  count.amount = 10;
  count.reading = {clock.mono(), 10, 1, 0, absl::Seconds(30)};
  ledger.Observe(count, clock.now);
  EXPECT_EQ(ledger.Wait({1, 0, 0}, clock.now), absl::Seconds(30));
  EXPECT_EQ(ledger.Wait({9, 0, 0}, clock.now), absl::Seconds(30));
  EXPECT_EQ(ledger.Wait({10, 0, 0}, clock.now), kMinute + kSlidingGuard);
  clock.Turn(absl::Seconds(30));
  EXPECT_EQ(ledger.Wait({9, 0, 0}, clock.now), absl::ZeroDuration());
}

// Charged up front, a request's unused tokens went back when it ended: a count of an earlier moment still holds them.
TEST(Drift, WhatWasGivenBackSinceACountIsNobodyElsesUse) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 100'000);
  window.Add(500, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(5));
  Drift drift;
  CountReading reading;
  reading.at = clock.mono();
  reading.used = 4500;
  reading.given_back = 4000;
  drift.Observe(reading, false, window, clock.now);
  EXPECT_EQ(drift.Extra(clock.mono()), 0);
  reading.used = 4700;
  drift.Observe(reading, false, window, clock.now);
  EXPECT_EQ(drift.Extra(clock.mono()), 200);
  reading.given_back = 0;
  drift.Observe(reading, false, window, clock.now);
  EXPECT_EQ(drift.Extra(clock.mono()), 4200);
}

}  // namespace
}  // namespace chain429
