#include "common/limits/cooldown.h"

#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

using Gate = Cooldown::Gate;

class CooldownTest : public testing::Test {
 protected:
  // The provider says for how long.
  bool Close(absl::Duration retry_after, Closure closure = Closure::kRateLimited) {
    return cooldown_.Close({closure, retry_after, true, clock_.mono()}, clock_.now, random_);
  }
  // It does not.
  bool Guess(Closure closure = Closure::kRateLimited) {
    return cooldown_.Close({closure, absl::ZeroDuration(), false, clock_.mono()}, clock_.now, random_);
  }
  Gate At() const { return cooldown_.At(clock_.mono()); }
  absl::Duration Wait() const { return cooldown_.Wait(clock_.mono()); }
  // Until a guessed wait is over.
  void WaitOut() {
    clock_.Turn(Wait());
    ASSERT_EQ(At(), Gate::kCanary);
  }

  TurnedClock clock_;
  Random random_{1};
  Cooldown cooldown_;
};

TEST_F(CooldownTest, IsOpenAtFirst) {
  EXPECT_EQ(At(), Gate::kOpen);
  EXPECT_EQ(Wait(), absl::ZeroDuration());
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kNone);
  EXPECT_FALSE(cooldown_.probing(clock_.mono()));
}

TEST_F(CooldownTest, StaysClosedForAsLongAsTheProviderSaysAndThenOpensForAll) {
  EXPECT_TRUE(Close(absl::Seconds(20)));
  EXPECT_EQ(At(), Gate::kClosed);
  EXPECT_EQ(Wait(), absl::Seconds(20));
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kRateLimited);
  EXPECT_TRUE(cooldown_.authoritative());
  clock_.Turn(absl::Seconds(20) - absl::Nanoseconds(1));
  EXPECT_EQ(At(), Gate::kClosed);
  clock_.Turn(absl::Nanoseconds(1));
  EXPECT_EQ(At(), Gate::kOpen);
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kNone);
  EXPECT_FALSE(cooldown_.probing(clock_.mono()));
}

TEST_F(CooldownTest, AShorterOneNeverShortensALongerOne) {
  Close(absl::Hours(5), Closure::kQuotaExhausted);
  clock_.Turn(absl::Seconds(1));
  EXPECT_FALSE(Close(absl::Seconds(20)));
  EXPECT_FALSE(Guess());
  EXPECT_FALSE(Guess(Closure::kAuth));
  EXPECT_EQ(Wait(), absl::Hours(5) - absl::Seconds(1));
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kQuotaExhausted);
  EXPECT_TRUE(cooldown_.authoritative());
}

TEST_F(CooldownTest, ALongerOneExtendsAShorterOne) {
  Close(absl::Seconds(20));
  clock_.Turn(absl::Seconds(1));
  EXPECT_TRUE(Close(absl::Seconds(30), Closure::kQuotaExhausted));
  EXPECT_EQ(Wait(), absl::Seconds(30));
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kQuotaExhausted);
}

TEST_F(CooldownTest, AMinutesRefusalIsNotADaysRefusal) {
  Close(absl::Minutes(1));
  clock_.Turn(absl::Minutes(1));
  EXPECT_EQ(At(), Gate::kOpen);
  Close(absl::Hours(9), Closure::kQuotaExhausted);
  clock_.Turn(absl::Minutes(1));
  EXPECT_EQ(At(), Gate::kClosed);
}

TEST_F(CooldownTest, NothingClosesForMoreThanAMonth) {
  Close(absl::InfiniteDuration());
  EXPECT_EQ(Wait(), absl::Hours(24 * 31));
  Cooldown restored;
  restored.Restore(Closure::kQuotaExhausted, absl::Hours(24 * 4000), true, clock_.mono());
  EXPECT_EQ(restored.Wait(clock_.mono()), absl::Hours(24 * 31));
}

TEST_F(CooldownTest, AStatedWaitOfNothingClosesNothing) {
  Close(absl::ZeroDuration());
  EXPECT_EQ(At(), Gate::kOpen);
  Close(-absl::Seconds(5));
  EXPECT_EQ(At(), Gate::kOpen);
}

TEST_F(CooldownTest, AfterAGuessedWaitOneRequestOfTheFleetGoesFirst) {
  EXPECT_TRUE(Guess());
  EXPECT_EQ(At(), Gate::kClosed);
  EXPECT_TRUE(cooldown_.probing(clock_.mono()));
  WaitOut();
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kRateLimited);
  EXPECT_TRUE(cooldown_.probing(clock_.mono()));
  cooldown_.StartCanary(clock_.mono());
  // Everybody else is told to come again soon.
  EXPECT_EQ(At(), Gate::kClosed);
  EXPECT_GT(Wait(), absl::ZeroDuration());
  EXPECT_LE(Wait(), absl::Seconds(1));
  clock_.Turn(absl::Seconds(5));
  EXPECT_EQ(At(), Gate::kClosed);
  EXPECT_TRUE(cooldown_.Succeed(clock_.mono() - absl::Seconds(5), clock_.mono()));
  EXPECT_EQ(At(), Gate::kOpen);
  EXPECT_FALSE(cooldown_.probing(clock_.mono()));
}

TEST_F(CooldownTest, ACanaryThatWasNotSentLetsTheNextOneTry) {
  Guess();
  WaitOut();
  cooldown_.StartCanary(clock_.mono());
  EXPECT_EQ(At(), Gate::kClosed);
  cooldown_.ReturnCanary();
  EXPECT_EQ(At(), Gate::kCanary);
}

TEST_F(CooldownTest, ACanaryThatNothingIsHeardOfIsGivenUp) {
  Guess();
  WaitOut();
  cooldown_.StartCanary(clock_.mono());
  clock_.Turn(absl::Seconds(59));
  EXPECT_EQ(At(), Gate::kClosed);
  clock_.Turn(absl::Seconds(1));
  EXPECT_EQ(At(), Gate::kCanary);
}

TEST_F(CooldownTest, ARefusedCanaryClosesForLonger) {
  Guess();
  const absl::Duration first = Wait();
  WaitOut();
  cooldown_.StartCanary(clock_.mono());
  clock_.Turn(absl::Milliseconds(300));
  EXPECT_TRUE(Guess());
  EXPECT_GT(Wait(), first);
  EXPECT_EQ(At(), Gate::kClosed);
  WaitOut();
}

// Ten requests under way when the pool closes are refused one after the other: that is one trouble, not ten.
TEST_F(CooldownTest, RefusalsOfWhatWasUnderWayAreNoNews) {
  const MonoTime sent = clock_.mono();
  clock_.Turn(absl::Seconds(1));
  Guess();
  const absl::Duration wait = Wait();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(cooldown_.IsSameTrouble(sent));
    EXPECT_FALSE(cooldown_.Close({Closure::kRateLimited, absl::ZeroDuration(), false, sent}, clock_.now, random_));
  }
  EXPECT_EQ(Wait(), wait);
  EXPECT_FALSE(cooldown_.IsSameTrouble(clock_.mono()));
}

// Not even when the pool has opened again before they come.
TEST_F(CooldownTest, RefusalsOfWhatWasUnderWayAreNoNewsAfterTheCanaryEither) {
  const MonoTime sent = clock_.mono();
  clock_.Turn(absl::Seconds(1));
  Guess();
  WaitOut();
  cooldown_.StartCanary(clock_.mono());
  EXPECT_TRUE(cooldown_.Succeed(clock_.mono(), clock_.mono()));
  EXPECT_TRUE(cooldown_.IsSameTrouble(sent));
  EXPECT_FALSE(cooldown_.Close({Closure::kRateLimited, absl::ZeroDuration(), false, sent}, clock_.now, random_));
  EXPECT_EQ(At(), Gate::kOpen);
}

TEST_F(CooldownTest, WhatTheProviderSaysOfARequestThatWasUnderWayHolds) {
  const MonoTime sent = clock_.mono();
  clock_.Turn(absl::Seconds(1));
  Guess();
  EXPECT_TRUE(cooldown_.Close({Closure::kRateLimited, absl::Seconds(40), true, sent}, clock_.now, random_));
  EXPECT_EQ(Wait(), absl::Seconds(40));
}

TEST_F(CooldownTest, SuccessOfWhatWasSentBeforeProvesNothing) {
  const MonoTime sent = clock_.mono();
  clock_.Turn(absl::Seconds(1));
  Guess();
  EXPECT_FALSE(cooldown_.Succeed(sent, clock_.mono()));
  EXPECT_EQ(At(), Gate::kClosed);
  WaitOut();
  EXPECT_FALSE(cooldown_.Succeed(sent, clock_.mono()));
  EXPECT_EQ(At(), Gate::kCanary);
}

TEST_F(CooldownTest, SuccessDoesNotOpenWhatTheProviderClosed) {
  Close(absl::Minutes(5));
  clock_.Turn(absl::Seconds(1));
  EXPECT_FALSE(cooldown_.Succeed(clock_.mono(), clock_.mono()));
  EXPECT_EQ(At(), Gate::kClosed);
}

TEST_F(CooldownTest, ARefusedCredentialIsTriedAgainAfterTenMinutes) {
  for (const Closure closure : {Closure::kAuth, Closure::kModelUnavailable}) {
    cooldown_ = Cooldown();
    Guess(closure);
    EXPECT_EQ(cooldown_.closure(clock_.mono()), closure);
    EXPECT_EQ(Wait(), absl::Minutes(10));
    clock_.Turn(absl::Minutes(10));
    EXPECT_NE(At(), Gate::kClosed);
  }
}

TEST_F(CooldownTest, IsOpenedByHandAtOnce) {
  Close(absl::Hours(9), Closure::kAuth);
  cooldown_.Open();
  EXPECT_EQ(At(), Gate::kOpen);
  EXPECT_EQ(Wait(), absl::ZeroDuration());
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kNone);
  clock_.Turn(absl::Seconds(1));
  EXPECT_TRUE(Close(absl::Seconds(5)));
  EXPECT_EQ(Wait(), absl::Seconds(5));
}

TEST_F(CooldownTest, IsRestoredAfterARestartAndNeverShortenedByThat) {
  cooldown_.Restore(Closure::kQuotaExhausted, absl::Hours(3), true, clock_.mono());
  EXPECT_EQ(At(), Gate::kClosed);
  EXPECT_EQ(Wait(), absl::Hours(3));
  EXPECT_TRUE(cooldown_.authoritative());
  cooldown_.Restore(Closure::kRateLimited, absl::Minutes(1), true, clock_.mono());
  EXPECT_EQ(Wait(), absl::Hours(3));
  EXPECT_EQ(cooldown_.closure(clock_.mono()), Closure::kQuotaExhausted);
  cooldown_.Restore(Closure::kRateLimited, absl::Hours(4), false, clock_.mono());
  EXPECT_EQ(Wait(), absl::Hours(4));
  clock_.Turn(absl::Hours(4));
  EXPECT_EQ(At(), Gate::kCanary);
}

TEST_F(CooldownTest, RestoringWhatIsOverOrOpenDoesNothing) {
  cooldown_.Restore(Closure::kRateLimited, absl::ZeroDuration(), true, clock_.mono());
  cooldown_.Restore(Closure::kRateLimited, -absl::Hours(1), true, clock_.mono());
  cooldown_.Restore(Closure::kNone, absl::Hours(1), true, clock_.mono());
  EXPECT_EQ(At(), Gate::kOpen);
}

}  // namespace
}  // namespace chain429
