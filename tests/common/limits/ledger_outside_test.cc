// Somebody else uses the limit, too, and goes on doing so.
#include <gtest/gtest.h>

#include "common/limits/ledger.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

constexpr auto kNothingSaid = [](const Limit&) { return false; };

class LedgerOutsideTest : public testing::Test {
 protected:
  void Limited(WindowKind kind) {
    Limit limit;
    limit.amount = 30;
    limit.window.kind = kind;
    ledger.SetLimits({&limit, 1}, clock.now);
  }
  // Sends until nothing more fits; says how many.
  int64_t SendAll() {
    int64_t sent = 0;
    while (ledger.Wait({1, 0, 0}, clock.now) == absl::ZeroDuration()) {
      ledger.SendUnreserved({1, 0, 0}, clock.mono(), clock.now);
      ledger.Abandon({1, 0, 0});
      ++sent;
    }
    return sent;
  }
  // The provider refuses the last of what was sent.
  void RefuseLast() {
    ledger.Settle({1, 0, 0}, {}, clock.mono(), clock.now);
    ledger.Abandon({-1, 0, 0});
    ledger.Refused(kNothingSaid, clock.now);
  }
  TurnedClock clock;
  Ledger ledger;
};

TEST_F(LedgerOutsideTest, ARefusalOfWhatFittedLeavesRoomForSomebodyElseFromThenOn) {
  Limited(WindowKind::kSliding);
  EXPECT_EQ(SendAll(), 30);
  RefuseLast();
  EXPECT_EQ(SendAll(), 0) << "the window is full, of whomever";
  clock.Turn(absl::Seconds(61));
  EXPECT_EQ(SendAll(), 28) << "one was seen, and another may come";
  clock.Turn(absl::Minutes(18));
  EXPECT_EQ(SendAll(), 30) << "it never came again";
}

TEST_F(LedgerOutsideTest, WhatTheProviderSaysOfItsCountHoldsForAsLongAsItSays) {
  Limited(WindowKind::kSliding);
  Ledger::Count count;
  count.length = absl::Minutes(1);
  count.amount = 30;
  count.reading = {.at = clock.mono(), .used = 30, .charge = 0, .open = 0, .reset = absl::Seconds(3), .given_back = 0};
  ledger.Observe(count, clock.now);
  ledger.Refused(kNothingSaid, clock.now);
  EXPECT_EQ(ledger.Wait({1, 0, 0}, clock.now), absl::Seconds(3));
  clock.Turn(absl::Seconds(3));
  EXPECT_EQ(ledger.Wait({1, 0, 0}, clock.now), absl::ZeroDuration());
}

TEST_F(LedgerOutsideTest, AProviderThatSaysThatMoreIsLeftSpeaksOfAnotherLimit) {
  Limited(WindowKind::kSliding);
  SendAll();
  ledger.Settle({1, 0, 0}, {}, clock.mono(), clock.now);
  ledger.Abandon({-1, 0, 0});
  ledger.Refused([](const Limit&) { return true; }, clock.now);
  EXPECT_EQ(SendAll(), 1);
}

TEST_F(LedgerOutsideTest, ALimitThatIsHardlyUsedIsNotWhatARefusalIsAbout) {
  Limited(WindowKind::kSliding);
  ledger.SendUnreserved({20, 0, 0}, clock.mono(), clock.now);
  ledger.Refused(kNothingSaid, clock.now);
  EXPECT_EQ(SendAll(), 10);
}

TEST_F(LedgerOutsideTest, InAFixedWindowWhatIsStillToComeShrinksWithTheTimeThatIsLeft) {
  Limited(WindowKind::kFixed);
  clock.Turn(absl::UnixEpoch() + absl::Ceil(clock.now.wall - absl::UnixEpoch(), absl::Minutes(1)) - clock.now.wall);
  clock.Turn(absl::Seconds(10));
  EXPECT_EQ(SendAll(), 30);
  for (int i = 0; i < 3; ++i) RefuseLast();
  clock.Turn(absl::Seconds(60));
  const int64_t early = SendAll();
  EXPECT_GE(early, 26);
  EXPECT_LT(early, 30);
  clock.Turn(absl::Seconds(30));
  EXPECT_GT(SendAll(), 0);
}

}  // namespace
}  // namespace chain429
