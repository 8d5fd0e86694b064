// Waits that nobody states: how long they are, and when they begin anew.
#include <vector>

#include "common/limits/cooldown.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

struct Bounds {
  absl::Duration least, most;
};

Bounds Around(absl::Duration base) { return {base * 0.8, base * 1.2}; }

// Closes `steps` times, each as soon as the wait before it is over, and checks every wait.
void Climb(Closure closure, const std::vector<Bounds>& steps, uint64_t seed) {
  TurnedClock clock;
  Random random(seed);
  clock.Turn(absl::Minutes(1) * random.Uniform());
  Cooldown cooldown;
  for (size_t i = 0; i < steps.size(); ++i) {
    ASSERT_TRUE(cooldown.Close({closure, absl::ZeroDuration(), false, clock.mono()}, clock.now, random));
    const absl::Duration wait = cooldown.Wait(clock.mono());
    ASSERT_GE(wait, steps[i].least) << "step " << i << " seed " << seed;
    ASSERT_LE(wait, steps[i].most) << "step " << i << " seed " << seed;
    clock.Turn(wait + absl::Milliseconds(5));
    ASSERT_EQ(cooldown.At(clock.mono()), Cooldown::Gate::kCanary);
    cooldown.StartCanary(clock.mono());
  }
}

TEST(CooldownLadder, RateLimitsWaitASecondTwoTheMinutesEdgeHalfAMinuteAMinute) {
  const std::vector<Bounds> steps = {
      Around(absl::Seconds(1)),  Around(absl::Seconds(2)),  {absl::Seconds(15), absl::Seconds(76)},
      Around(absl::Seconds(30)), Around(absl::Minutes(1)),  Around(absl::Minutes(2)),
      Around(absl::Minutes(5)),  Around(absl::Minutes(15)), Around(absl::Minutes(15))};
  for (uint64_t seed = 0; seed < 300; ++seed) Climb(Closure::kRateLimited, steps, seed);
}

TEST(CooldownLadder, UsedUpQuotasWaitMinutes) {
  const std::vector<Bounds> steps = {Around(absl::Minutes(1)), Around(absl::Minutes(5)), Around(absl::Minutes(15)),
                                     Around(absl::Minutes(60)), Around(absl::Minutes(60))};
  for (uint64_t seed = 0; seed < 300; ++seed) Climb(Closure::kQuotaExhausted, steps, seed);
}

TEST(CooldownLadder, JitterUsesItsWholeRange) {
  absl::Duration least = absl::InfiniteDuration(), most;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    TurnedClock clock;
    Random random(seed);
    Cooldown cooldown;
    cooldown.Close({Closure::kRateLimited, absl::ZeroDuration(), false, clock.mono()}, clock.now, random);
    least = std::min(least, cooldown.Wait(clock.mono()));
    most = std::max(most, cooldown.Wait(clock.mono()));
  }
  EXPECT_LT(least, absl::Milliseconds(850));
  EXPECT_GT(most, absl::Milliseconds(1150));
}

// The third wait ends just behind the edge of a minute, since many providers count by it.
TEST(CooldownLadder, TheThirdWaitEndsJustBehindAMinutesEdge) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    TurnedClock clock;
    Random random(seed);
    clock.Turn(absl::Minutes(1) * random.Uniform());
    Cooldown cooldown;
    for (int i = 0; i < 3; ++i) {
      if (i > 0) clock.Turn(cooldown.Wait(clock.mono()));
      cooldown.Close({Closure::kRateLimited, absl::ZeroDuration(), false, clock.mono()}, clock.now, random);
    }
    const absl::Duration behind = (clock.now.wall + cooldown.Wait(clock.mono()) - absl::UnixEpoch()) % absl::Minutes(1);
    EXPECT_GT(behind, absl::ZeroDuration());
    EXPECT_LT(behind, absl::Seconds(1));
  }
}

class LadderReset : public testing::Test {
 protected:
  absl::Duration Close() {
    cooldown_.Close({Closure::kRateLimited, absl::ZeroDuration(), false, clock_.mono()}, clock_.now, random_);
    return cooldown_.Wait(clock_.mono());
  }
  TurnedClock clock_;
  Random random_{4};
  Cooldown cooldown_;
};

TEST_F(LadderReset, AfterTwoQuietMinutesTroubleIsNew) {
  for (int i = 0; i < 5; ++i) clock_.Turn(Close());
  clock_.Turn(absl::Minutes(2) + absl::Seconds(1));
  EXPECT_LE(Close(), absl::Milliseconds(1200));
}

TEST_F(LadderReset, ASuccessInBetweenDoesNotMakeItNew) {
  clock_.Turn(Close());
  ASSERT_TRUE(cooldown_.Succeed(clock_.mono(), clock_.mono()));
  clock_.Turn(absl::Seconds(30));
  EXPECT_GE(Close(), absl::Milliseconds(1600));
}

TEST_F(LadderReset, OpeningByHandMakesItNew) {
  for (int i = 0; i < 4; ++i) clock_.Turn(Close());
  cooldown_.Open();
  EXPECT_LE(Close(), absl::Milliseconds(1200));
}

TEST_F(LadderReset, AWaitThatIsHintedAtIsTheLeast) {
  cooldown_.Close({Closure::kRateLimited, absl::Seconds(7), false, clock_.mono()}, clock_.now, random_);
  EXPECT_EQ(cooldown_.Wait(clock_.mono()), absl::Seconds(7));
  EXPECT_FALSE(cooldown_.authoritative());
}

}  // namespace
}  // namespace chain429
