#include "common/limits/ledger.h"

#include <vector>

#include "common/model/limit_state.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kMinute = absl::Minutes(1), kDay = absl::Hours(24);

// The five limits of an account: requests and tokens per minute and day, and requests at once.
std::vector<Limit> FiveLimits(int64_t rpm, int64_t rpd, int64_t tpm, int64_t tpd, int64_t concurrency) {
  return {MakeLimit(Unit::kRequests, rpm, Sliding(kMinute)), MakeLimit(Unit::kRequests, rpd, Sliding(kDay)),
          MakeLimit(Unit::kTokens, tpm, Sliding(kMinute)), MakeLimit(Unit::kTokens, tpd, Sliding(kDay)),
          MakeLimit(Unit::kConcurrency, concurrency)};
}

class LedgerTest : public testing::Test {
 protected:
  void SetLimits(const std::vector<Limit>& limits) { ledger_.SetLimits(limits, now()); }
  const Now& now() const { return clock_.now; }
  MonoTime mono() const { return clock_.mono(); }
  bool Fits(const Charge& charge) { return ledger_.Wait(charge, now()) == absl::ZeroDuration(); }
  void Use(const Charge& charge) {
    ledger_.Reserve(charge);
    ledger_.Send(charge, mono(), now());
    ledger_.Settle(charge, charge, mono(), now());
  }
  std::vector<int64_t> Used() {
    std::vector<int64_t> used;
    for (const LimitView& view : ledger_.View(now())) used.push_back(view.used);
    return used;
  }

  TurnedClock clock_;
  Ledger ledger_;
};

using Numbers = std::vector<int64_t>;

TEST_F(LedgerTest, RefusesWhenOneOfFiveLimitsIsFull) {
  const Charge charge{1, 60, 40};
  constexpr int64_t kPlenty = 1'000'000;
  for (int tight = 0; tight < 5; ++tight) {
    ledger_ = Ledger();
    std::vector<Limit> limits = FiveLimits(kPlenty, kPlenty, kPlenty, kPlenty, kPlenty);
    limits[static_cast<size_t>(tight)].amount = limits[static_cast<size_t>(tight)].unit == Unit::kTokens ? 299 : 2;
    SetLimits(limits);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(Fits(charge)) << tight;
      ledger_.Reserve(charge);
    }
    EXPECT_FALSE(Fits(charge)) << tight;
    EXPECT_EQ(ledger_.Room(charge, 10, now()), 0);
    // Being refused reserves nothing anywhere.
    EXPECT_EQ(Used(), (Numbers{2, 2, 200, 200, 2}));
  }
}

TEST_F(LedgerTest, AReservationTakesFromEveryLimitAndGivesBackToEvery) {
  SetLimits(FiveLimits(10, 10, 1000, 1000, 10));
  const Charge charge{1, 60, 40};
  ledger_.Reserve(charge * 3);
  EXPECT_EQ(Used(), (Numbers{3, 3, 300, 300, 3}));
  EXPECT_FALSE(ledger_.idle());
  ledger_.Unreserve(charge * 2);
  EXPECT_EQ(Used(), (Numbers{1, 1, 100, 100, 1}));
  ledger_.Unreserve(charge);
  EXPECT_EQ(Used(), (Numbers{0, 0, 0, 0, 0}));
  EXPECT_TRUE(ledger_.idle());
}

TEST_F(LedgerTest, AReservationIsHeldUntilItIsSentHoweverLongThatTakes) {
  SetLimits(FiveLimits(1, 10, 1000, 1000, 10));
  ledger_.Reserve({1, 10, 10});
  clock_.Turn(absl::Hours(2));
  EXPECT_FALSE(Fits({1, 10, 10}));
  ledger_.Send({1, 10, 10}, mono(), now());
  clock_.Turn(kMinute);
  EXPECT_FALSE(Fits({1, 10, 10}));
  clock_.Turn(kSlidingGuard);
  EXPECT_TRUE(Fits({1, 10, 10}));
}

TEST_F(LedgerTest, ConcurrencyIsHeldUntilSettlementAndNotByWindows) {
  SetLimits({MakeLimit(Unit::kConcurrency, 2)});
  const Charge charge{1, 10, 10};
  ledger_.Reserve(charge * 2);
  ledger_.Send(charge * 2, mono(), now());
  clock_.Turn(absl::Hours(1));
  EXPECT_EQ(ledger_.Wait(charge, now()), absl::Seconds(1));
  ledger_.Settle(charge, {}, mono() - absl::Hours(1), now());
  EXPECT_TRUE(Fits(charge));
  EXPECT_FALSE(Fits(charge * 2));
  ledger_.Abandon(charge);
  EXPECT_TRUE(Fits(charge * 2));
}

TEST_F(LedgerTest, SettlementTruesTokensUpAndDown) {
  SetLimits(FiveLimits(10, 10, 1000, 5000, 10));
  const Charge charged{1, 100, 300};
  const MonoTime sent = mono();
  ledger_.Reserve(charged * 2);
  ledger_.Send(charged * 2, sent, now());
  clock_.Turn(absl::Seconds(8));
  ledger_.Settle(charged, {1, 90, 10}, sent, now());
  EXPECT_EQ(Used(), (Numbers{2, 2, 500, 500, 1}));
  ledger_.Settle(charged, {1, 120, 700}, sent, now());
  EXPECT_EQ(Used(), (Numbers{2, 2, 920, 920, 0}));
  EXPECT_TRUE(ledger_.idle());
  // The difference is dated like the attempt.
  clock_.Turn(absl::Seconds(52) + kSlidingGuard);
  EXPECT_EQ(Used(), (Numbers{0, 2, 0, 920, 0}));
}

TEST_F(LedgerTest, WhatWasRefusedCostsNothing) {
  SetLimits(FiveLimits(10, 10, 1000, 1000, 10));
  const Charge charged{1, 100, 300};
  ledger_.Reserve(charged);
  ledger_.Send(charged, mono(), now());
  ledger_.Settle(charged, {}, mono(), now());
  EXPECT_EQ(Used(), (Numbers{0, 0, 0, 0, 0}));
  EXPECT_EQ(ledger_.LastMinute(Unit::kRequests, now()), 0);
  EXPECT_EQ(ledger_.LastMinute(Unit::kTokens, now()), 0);
}

// A day has few requests; one that was refused must not be missing until tomorrow because its two reports were delayed
// unequally.
TEST_F(LedgerTest, SettlesWhatWasSentThoughTheReportsDatesDiffer) {
  SetLimits(FiveLimits(10, 10, 100'000, 100'000, 10));
  Use({1, 10, 10});
  clock_.Turn(absl::Hours(1));
  const Charge charged{1, 500, 4096};
  ledger_.Reserve(charged);
  ledger_.Send(charged, mono(), now());
  clock_.Turn(absl::Seconds(1));
  ledger_.Settle(charged, {}, mono() - absl::Seconds(1) - absl::Microseconds(250), now());
  EXPECT_EQ(Used(), (Numbers{0, 1, 0, 20, 0}));
}

TEST_F(LedgerTest, WithoutUsageTheFullChargeStays) {
  SetLimits(FiveLimits(10, 10, 1000, 1000, 10));
  ledger_.Reserve({1, 100, 300});
  ledger_.Send({1, 100, 300}, mono(), now());
  ledger_.Abandon({1, 100, 300});
  EXPECT_EQ(Used(), (Numbers{1, 1, 400, 400, 0}));
  EXPECT_TRUE(ledger_.idle());
}

TEST_F(LedgerTest, WhatIsSentWithoutAReservationCounts) {
  SetLimits(FiveLimits(3, 10, 1000, 1000, 10));
  ledger_.SendUnreserved({5, 500, 0}, mono() - absl::Seconds(10), now());
  EXPECT_EQ(Used(), (Numbers{5, 5, 500, 500, 5}));
  EXPECT_FALSE(Fits({1, 1, 1}));
  EXPECT_EQ(SmallestRemaining(ledger_.States(now()), Unit::kRequests), 0);
}

TEST_F(LedgerTest, AReportFromTheFutureIsDatedNow) {
  SetLimits({MakeLimit(Unit::kRequests, 1, Sliding(kMinute))});
  ledger_.SendUnreserved({1, 0, 0}, mono() + absl::Hours(3), now());
  ledger_.Settle({1, 0, 0}, {1, 0, 0}, mono() + absl::Hours(3), now());
  clock_.Turn(kMinute + kSlidingGuard);
  EXPECT_TRUE(Fits({1, 0, 0}));
}

TEST_F(LedgerTest, TellsHowLongUntilAChargeFitsIntoAllLimits) {
  SetLimits({MakeLimit(Unit::kRequests, 2, Sliding(kMinute)), MakeLimit(Unit::kTokens, 1000, Sliding(absl::Hours(1)))});
  Use({1, 300, 0});
  clock_.Turn(absl::Seconds(20));
  Use({1, 600, 0});
  EXPECT_EQ(ledger_.Wait({1, 50, 0}, now()), absl::Seconds(40) + kSlidingGuard);
  EXPECT_EQ(ledger_.Wait({1, 400, 0}, now()), absl::Minutes(60) - absl::Seconds(20) + kSlidingGuard);
  EXPECT_EQ(ledger_.Wait({1, 401, 0}, now()), absl::Minutes(60) + kSlidingGuard);
  EXPECT_EQ(ledger_.Wait({1, 1001, 0}, now()), absl::InfiniteDuration());  // larger than the limit: never
  EXPECT_EQ(ledger_.Wait({3, 0, 0}, now()), absl::InfiniteDuration());
  clock_.Turn(absl::Seconds(40) + kSlidingGuard);
  EXPECT_TRUE(Fits({1, 50, 0}));
}

TEST_F(LedgerTest, WhereOnlyReservationsStandInTheWayTheWaitIsShort) {
  SetLimits(FiveLimits(1, 10, 1000, 1000, 10));
  ledger_.Reserve({1, 10, 10});
  EXPECT_EQ(ledger_.Wait({1, 10, 10}, now()), absl::Seconds(1));
}

TEST_F(LedgerTest, ALimitOfTokensAloneDoesNotCountRequests) {
  SetLimits(
      {MakeLimit(Unit::kInputTokens, 100, Sliding(kMinute)), MakeLimit(Unit::kOutputTokens, 50, Sliding(kMinute))});
  Use({1, 100, 0});
  EXPECT_FALSE(Fits({1, 1, 0}));
  EXPECT_TRUE(Fits({1, 0, 50}));
  EXPECT_FALSE(Fits({1, 0, 51}));
  EXPECT_EQ(Used(), (Numbers{100, 0}));
}

TEST_F(LedgerTest, WithoutLimitsEverythingFits) {
  EXPECT_FALSE(ledger_.limited());
  EXPECT_TRUE(Fits({1'000'000, 1'000'000'000, 1'000'000'000}));
  EXPECT_EQ(ledger_.Room({1, 1, 1}, 77, now()), 77);
  EXPECT_EQ(ledger_.Capacity({1, 1, 1}), INT64_MAX);
  EXPECT_EQ(SmallestRemaining(ledger_.States(now()), Unit::kRequests), -1);
}

TEST_F(LedgerTest, RoomAndCapacityAreThoseOfTheTightestLimit) {
  SetLimits(FiveLimits(100, 1000, 5000, 100'000, 40));
  const Charge charge{1, 100, 100};
  EXPECT_EQ(ledger_.Capacity(charge), 25);
  EXPECT_EQ(ledger_.Room(charge, 1000, now()), 25);
  EXPECT_EQ(ledger_.Room(charge, 3, now()), 3);
  ledger_.Reserve(charge * 20);
  EXPECT_EQ(ledger_.Room(charge, 1000, now()), 5);
  EXPECT_EQ(ledger_.Room({1, 0, 0}, 1000, now()), 20);
  EXPECT_EQ(ledger_.Capacity(charge), 25);
  ledger_.SendUnreserved({0, 100'000, 0}, mono(), now());
  EXPECT_EQ(ledger_.Room(charge, 1000, now()), 0);
}

TEST_F(LedgerTest, FittedOutputsLeaveAChargeSmallerThanEveryLimitOfTokens) {
  SetLimits({MakeLimit(Unit::kTokens, 1000, Sliding(kMinute)), MakeLimit(Unit::kOutputTokens, 300, Sliding(kMinute))});
  EXPECT_EQ(ledger_.Fitted({1, 600, 500}), (Charge{1, 600, 300}));
  EXPECT_EQ(ledger_.Fitted({1, 900, 500}), (Charge{1, 900, 100}));
  EXPECT_EQ(ledger_.Fitted({1, 10, 20}), (Charge{1, 10, 20}));
  // A prompt that does not fit is not an estimate's fault.
  EXPECT_EQ(ledger_.Wait(ledger_.Fitted({1, 1001, 10}), now()), absl::InfiniteDuration());
}

TEST_F(LedgerTest, WhatIsSetAsideCountsUntilItIsGivenBack) {
  SetLimits(FiveLimits(10, 10, 10'000, 10'000, 10));
  ledger_.SetAside({4, 4000, 0});
  EXPECT_EQ(Used(), (Numbers{4, 4, 4000, 4000, 4}));
  EXPECT_FALSE(ledger_.idle());
  clock_.Turn(kDay);
  EXPECT_EQ(ledger_.Room({1, 0, 0}, 100, now()), 6);
  ledger_.SetAside(Charge{4, 4000, 0} * -1);
  EXPECT_EQ(Used(), (Numbers{0, 0, 0, 0, 0}));
}

TEST_F(LedgerTest, ViewTellsReservedAndWhenSomethingIsFreeAgain) {
  SetLimits(FiveLimits(2, 100, 1000, 1000, 5));
  Use({1, 10, 0});
  clock_.Turn(absl::Seconds(15));
  ledger_.Reserve({1, 10, 0});
  const std::vector<LimitView> views = ledger_.View(now());
  EXPECT_EQ(views[0].used, 2);
  EXPECT_EQ(views[0].reserved, 1);
  EXPECT_EQ(views[0].outside, 0);
  EXPECT_EQ(views[0].recovers_in, absl::Seconds(45) + kSlidingGuard);
  EXPECT_EQ(views[1].recovers_in, absl::ZeroDuration());
  EXPECT_EQ(SmallestRemaining(ledger_.States(now()), Unit::kRequests), 0);
  EXPECT_EQ(SmallestRemaining(ledger_.States(now()), Unit::kTokens), 980);
}

TEST_F(LedgerTest, ManyAttemptsUnderOnePermitSettleTogetherOrOneByOne) {
  SetLimits(FiveLimits(100, 1000, 100'000, 1'000'000, 100));
  const Charge each{1, 100, 50};
  ledger_.Reserve(each * 10);
  ledger_.Send(each * 4, mono(), now());
  clock_.Turn(absl::Milliseconds(300));
  ledger_.Send(each * 3, mono(), now());
  EXPECT_EQ(Used(), (Numbers{10, 10, 1500, 1500, 10}));
  ledger_.Settle(each * 5, {5, 480, 20}, mono(), now());
  EXPECT_EQ(Used(), (Numbers{10, 10, 1250, 1250, 5}));
  ledger_.Settle(each, {1, 100, 50}, mono(), now());
  ledger_.Settle(each, {1, 100, 150}, mono(), now());
  ledger_.Unreserve(each * 3);
  EXPECT_EQ(Used(), (Numbers{7, 7, 900, 900, 0}));
  EXPECT_TRUE(ledger_.idle());
}

}  // namespace
}  // namespace chain429
