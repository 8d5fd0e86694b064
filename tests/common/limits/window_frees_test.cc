// What of a window's use is free again, and when.
#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "common/limits/window.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

constexpr size_t kSteps = 8;

TEST(WindowFrees, NothingWhereNothingIsUsed) {
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Fixed(absl::Minutes(1)), Bucket(absl::Minutes(1))}) {
    TurnedClock clock;
    EXPECT_TRUE(Window(spec, 30).Frees(kSteps, clock.now).empty());
  }
}

TEST(WindowFrees, OfASlidingWindowEachUseLeavesAtItsOwnTimeAndTheYoungestLast) {
  TurnedClock clock;
  Window window(Sliding(absl::Minutes(1)), 30);
  window.Add(3, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(20));
  window.Add(2, clock.mono(), clock.now);
  clock.Turn(absl::Seconds(10));
  const std::vector<Window::Freed> freed = window.Frees(kSteps, clock.now);
  ASSERT_EQ(freed.size(), 2u);
  EXPECT_EQ(freed[0].in, absl::Seconds(30) + kSlidingGuard);
  EXPECT_EQ(freed[0].amount, 3);
  EXPECT_EQ(freed[1].in, absl::Seconds(50) + kSlidingGuard);
  EXPECT_EQ(freed[1].amount, 5);
}

TEST(WindowFrees, OfAFixedWindowAllGoesAtTheEdgeButWhatLiesInItsGuard) {
  TurnedClock clock;  // at noon
  Window window(Fixed(absl::Hours(24)), 50);
  window.Add(4, clock.mono(), clock.now);
  ASSERT_EQ(window.Frees(kSteps, clock.now).size(), 1u);
  EXPECT_EQ(window.Frees(kSteps, clock.now)[0].in, absl::Hours(12) + kEdgeGuard);
  clock.Turn(absl::Hours(12) - absl::Seconds(1));
  window.Add(2, clock.mono(), clock.now);  // the provider may count it to the next day
  const std::vector<Window::Freed> freed = window.Frees(kSteps, clock.now);
  ASSERT_EQ(freed.size(), 2u);
  EXPECT_EQ(freed[0].in, absl::Seconds(1) + kEdgeGuard);
  EXPECT_EQ(freed[0].amount, 4);
  EXPECT_EQ(freed[1].in, absl::Seconds(1) + absl::Hours(24) + kEdgeGuard);
  EXPECT_EQ(freed[1].amount, 6);
  clock.Turn(absl::Seconds(2));  // the edge is over, its guard is not
  ASSERT_EQ(window.Frees(kSteps, clock.now).size(), 2u);
  EXPECT_EQ(window.Frees(kSteps, clock.now)[0].in, kEdgeGuard - absl::Seconds(1));
}

TEST(WindowFrees, ABucketIsFullWhenAllHasFlowedBack) {
  TurnedClock clock;
  Window window(Bucket(absl::Minutes(1)), 60);
  window.Add(20, clock.mono(), clock.now);
  const std::vector<Window::Freed> freed = window.Frees(kSteps, clock.now);
  ASSERT_FALSE(freed.empty());
  EXPECT_LE(freed.size(), kSteps);
  EXPECT_EQ(freed.back().amount, 20);
  EXPECT_EQ(freed.back().in, absl::Seconds(20) + kSlidingGuard);
}

TEST(WindowFrees, TheFirstThatIsFreeIsToldExactlyHoweverManyFollow) {
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    TurnedClock clock;
    Window window(spec, 100);
    for (int i = 0; i < 50; ++i) {
      window.Add(1, clock.mono(), clock.now);
      clock.Turn(spec.length / 500);
    }
    const std::vector<Window::Freed> freed = window.Frees(kSteps, clock.now);
    EXPECT_EQ(freed.front().in, window.UntilFreed(1, clock.now));
    EXPECT_EQ(freed.front().amount, 1);
    EXPECT_GT(freed.size(), kSteps / 2);
  }
}

// Whatever was used when: the steps are few, rise, end with everything, and never promise what is not free then.
TEST(WindowFrees, NeverPromisesTooMuchOrTooEarly) {
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)), Fixed(absl::Minutes(1)),
                                 Fixed(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    Random random(11);
    TurnedClock clock;
    Window window(spec, 400);
    for (int i = 0; i < 200; ++i) {
      clock.Turn(spec.length * (random.Uniform() / 30));
      window.Add(1 + static_cast<int64_t>(random.Below(9)), clock.mono(), clock.now);
      const int64_t used = window.Used(clock.now);
      const std::vector<Window::Freed> freed = window.Frees(kSteps, clock.now);
      ASSERT_FALSE(freed.empty());
      ASSERT_LE(freed.size(), kSteps);
      EXPECT_EQ(freed.back().amount, used);
      EXPECT_TRUE(std::is_sorted(freed.begin(), freed.end(), [](const Window::Freed& a, const Window::Freed& b) {
        return a.in < b.in || a.amount < b.amount;
      }));
      Window then = window;
      for (const Window::Freed& step : freed) {
        TurnedClock later = clock;
        later.Turn(step.in + absl::Microseconds(20));
        EXPECT_LE(then.Used(later.now), used - step.amount) << i;
      }
      Window before = window;
      TurnedClock earlier = clock;
      earlier.Turn(freed.back().in - absl::Microseconds(20));
      EXPECT_GT(before.Used(earlier.now), 0) << i << ": all was free before it was said to be";
    }
  }
}

}  // namespace
}  // namespace chain429
