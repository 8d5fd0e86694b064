// Limits that come, change and go while the ledger is in use.
#include <vector>

#include "common/limits/ledger.h"
#include "common/model/limit_state.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kMinute = absl::Minutes(1), kDay = absl::Hours(24);

class LedgerLimitsTest : public testing::Test {
 protected:
  void SetLimits(const std::vector<Limit>& limits) { ledger_.SetLimits(limits, clock_.now); }
  void Use(const Charge& charge) {
    ledger_.SendUnreserved(charge, clock_.mono(), clock_.now);
    ledger_.Abandon(charge);
  }
  int64_t Remaining(Unit unit) { return SmallestRemaining(ledger_.States(clock_.now), unit); }

  TurnedClock clock_;
  Ledger ledger_;
};

TEST_F(LedgerLimitsTest, ALearntLimitBeginsWithWhatWasSentInTheLastMinute) {
  Use({5, 500, 0});
  clock_.Turn(absl::Seconds(50));
  Use({3, 300, 0});
  clock_.Turn(absl::Seconds(20));
  EXPECT_EQ(ledger_.LastMinute(Unit::kRequests, clock_.now), 3);
  EXPECT_EQ(ledger_.LastMinute(Unit::kTokens, clock_.now), 300);
  SetLimits({MakeLimit(Unit::kRequests, 10, Sliding(kMinute)), MakeLimit(Unit::kTokens, 1000, Sliding(kMinute))});
  EXPECT_EQ(Remaining(Unit::kRequests), 7);
  EXPECT_EQ(Remaining(Unit::kTokens), 700);
  clock_.Turn(absl::Seconds(41));
  EXPECT_EQ(Remaining(Unit::kRequests), 10);
}

TEST_F(LedgerLimitsTest, ALimitThatStaysKeepsItsUseWhateverItsAmount) {
  SetLimits({MakeLimit(Unit::kRequests, 10, Sliding(kMinute))});
  Use({6, 0, 0});
  SetLimits({MakeLimit(Unit::kTokens, 100, Sliding(kMinute)), MakeLimit(Unit::kRequests, 8, Sliding(kMinute))});
  EXPECT_EQ(Remaining(Unit::kRequests), 2);
  SetLimits({MakeLimit(Unit::kRequests, 4, Sliding(kMinute))});
  EXPECT_EQ(Remaining(Unit::kRequests), 0);
  SetLimits({MakeLimit(Unit::kRequests, 20, Sliding(kMinute), Provenance::kStated)});
  EXPECT_EQ(Remaining(Unit::kRequests), 14);
}

TEST_F(LedgerLimitsTest, AnotherWindowBeginsWithWhatTheLongestRemembers) {
  SetLimits(
      {MakeLimit(Unit::kRequests, 100, Sliding(kMinute)), MakeLimit(Unit::kRequests, 1000, Sliding(absl::Hours(1)))});
  Use({30, 0, 0});
  clock_.Turn(absl::Minutes(30));
  Use({4, 0, 0});
  SetLimits({MakeLimit(Unit::kRequests, 1000, Sliding(kDay))});
  EXPECT_EQ(Remaining(Unit::kRequests), 966);
  SetLimits({MakeLimit(Unit::kRequests, 1000, Sliding(kMinute))});
  EXPECT_EQ(Remaining(Unit::kRequests), 996);
}

TEST_F(LedgerLimitsTest, ChangingTheKindOfAWindowForgetsNothing) {
  for (const WindowSpec& from : {Sliding(kMinute), Fixed(kMinute), Bucket(kMinute)}) {
    for (const WindowSpec& to : {Sliding(kMinute), Fixed(kDay), Bucket(kMinute)}) {
      ledger_ = Ledger();
      SetLimits({MakeLimit(Unit::kRequests, 100, from)});
      Use({90, 0, 0});
      SetLimits({MakeLimit(Unit::kRequests, 100, to)});
      EXPECT_EQ(Remaining(Unit::kRequests), 10);
    }
  }
}

TEST_F(LedgerLimitsTest, TwoLimitsOfOneWindowCountEachForItself) {
  SetLimits({MakeLimit(Unit::kTokens, 1000, Sliding(kMinute)), MakeLimit(Unit::kTokens, 600, Sliding(kMinute))});
  Use({1, 500, 0});
  EXPECT_EQ(Remaining(Unit::kTokens), 100);
  SetLimits({MakeLimit(Unit::kTokens, 1000, Sliding(kMinute)), MakeLimit(Unit::kTokens, 700, Sliding(kMinute))});
  EXPECT_EQ(Remaining(Unit::kTokens), 200);
}

TEST_F(LedgerLimitsTest, ReservationsAndOpenAttemptsCountInLimitsThatComeLater) {
  const Charge charge{1, 100, 0};
  ledger_.Reserve(charge * 3);
  ledger_.Send(charge, clock_.mono(), clock_.now);
  SetLimits({MakeLimit(Unit::kRequests, 10, Sliding(kMinute)), MakeLimit(Unit::kConcurrency, 10)});
  EXPECT_EQ(Remaining(Unit::kRequests), 7);
  EXPECT_EQ(Remaining(Unit::kConcurrency), 7);
  ledger_.Settle(charge, {}, clock_.mono(), clock_.now);
  ledger_.Unreserve(charge * 2);
  EXPECT_EQ(Remaining(Unit::kRequests), 10);
  EXPECT_EQ(Remaining(Unit::kConcurrency), 10);
}

TEST_F(LedgerLimitsTest, WithoutLimitsAgainEverythingFits) {
  SetLimits({MakeLimit(Unit::kRequests, 1, Sliding(kMinute))});
  Use({1, 0, 0});
  SetLimits({});
  EXPECT_FALSE(ledger_.limited());
  EXPECT_EQ(ledger_.Wait({1, 0, 0}, clock_.now), absl::ZeroDuration());
}

TEST_F(LedgerLimitsTest, FindsLimitsByWhatTheyAre) {
  SetLimits({MakeLimit(Unit::kConcurrency, 4)});
  EXPECT_TRUE(ledger_.HasLimit([](const Limit& limit) { return limit.unit == Unit::kConcurrency; }));
  EXPECT_FALSE(ledger_.HasLimit([](const Limit& limit) { return limit.unit == Unit::kTokens; }));
}

// What an earlier run had counted of today's window is not granted again, and counts no longer than the window.
TEST_F(LedgerLimitsTest, WhatAnEarlierRunCountedIsNotGrantedAgain) {
  const WindowSpec day = Fixed(kDay);
  SetLimits({MakeLimit(Unit::kRequests, 100, day), MakeLimit(Unit::kRequests, 10, Sliding(kMinute))});
  Use({5, 0, 0});
  ledger_.Assume(Unit::kRequests, day, 80, clock_.mono(), clock_.now);
  EXPECT_EQ(ledger_.View(clock_.now)[0].used, 80);
  EXPECT_EQ(ledger_.View(clock_.now)[1].used, 5);
  Use({3, 0, 0});
  EXPECT_EQ(ledger_.View(clock_.now)[0].used, 83);
  ledger_.Assume(Unit::kRequests, day, 20, clock_.mono(), clock_.now);  // less than is known
  EXPECT_EQ(ledger_.View(clock_.now)[0].used, 83);
  ledger_.Assume(Unit::kRequests, Sliding(kDay), 90, clock_.mono(), clock_.now);  // no such limit
  EXPECT_EQ(ledger_.View(clock_.now)[0].used, 83);
  clock_.TurnTo(PeriodOf(day, clock_.now.wall).end + kEdgeGuard);
  EXPECT_EQ(ledger_.View(clock_.now)[0].used, 0);
}

}  // namespace
}  // namespace chain429
