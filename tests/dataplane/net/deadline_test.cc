#include "dataplane/net/deadline.h"

#include <functional>
#include <memory>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

// What it does when it fires is the test's.
struct Alarm final : Deadline {
  void OnDeadline() override {
    ++fired;
    if (then) then();
  }
  int fired = 0;
  std::function<void()> then;
};

class DeadlineTest : public LoopbackTest {
 protected:
  MonoTime In(absl::Duration duration) const { return clock.Read().mono + duration; }
};

TEST_F(DeadlineTest, FiresWhenItIsDueAndOnlyOnce) {
  Alarm alarm;
  deadlines.Set(alarm, In(absl::ZeroDuration()));
  EXPECT_TRUE(alarm.armed());
  EXPECT_EQ(alarm.fired, 0) << "never from within Set";
  ASSERT_TRUE(RunUntil([&] { return alarm.fired > 0; }));
  EXPECT_FALSE(alarm.armed());
  LookAtDeadlines();
  EXPECT_EQ(alarm.fired, 1);
}

TEST_F(DeadlineTest, ATimeInTheRealFutureIsReached) {
  Alarm alarm;
  const SystemClock real;
  DeadlineQueue queue(io, real);
  queue.Set(alarm, real.Read().mono + absl::Milliseconds(5));
  EXPECT_TRUE(RunUntil([&] { return alarm.fired > 0; }));
}

TEST_F(DeadlineTest, DoesNotFireBeforeItIsDue) {
  Alarm soon;
  Alarm late;
  deadlines.Set(late, In(absl::Hours(1)));
  deadlines.Set(soon, In(absl::ZeroDuration()));
  ASSERT_TRUE(RunUntil([&] { return soon.fired > 0; }));
  EXPECT_EQ(late.fired, 0);
  EXPECT_TRUE(late.armed());
  clock.Turn(absl::Hours(1));
  LookAtDeadlines();
  EXPECT_EQ(late.fired, 1);
}

TEST_F(DeadlineTest, AllThatAreDueFireTogether) {
  Alarm alarms[20];
  for (int i = 0; i < 20; ++i) deadlines.Set(alarms[i], In(absl::Seconds(i)));
  clock.Turn(absl::Seconds(9));
  LookAtDeadlines();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(alarms[i].fired, i <= 9 ? 1 : 0) << i;
}

TEST_F(DeadlineTest, CanBeMovedEitherWay) {
  Alarm alarm;
  deadlines.Set(alarm, In(absl::ZeroDuration()));
  deadlines.Set(alarm, In(absl::Hours(1)));
  LookAtDeadlines();
  EXPECT_EQ(alarm.fired, 0);
  deadlines.Set(alarm, In(absl::ZeroDuration()));
  EXPECT_TRUE(RunUntil([&] { return alarm.fired > 0; })) << "the timer was set for later";
}

TEST_F(DeadlineTest, ClearedOrGoneOnesDoNotFire) {
  Alarm cleared;
  auto gone = std::make_unique<Alarm>();
  deadlines.Set(cleared, In(absl::ZeroDuration()));
  deadlines.Set(*gone, In(absl::ZeroDuration()));
  cleared.ClearDeadline();
  EXPECT_FALSE(cleared.armed());
  gone.reset();
  LookAtDeadlines();
  EXPECT_EQ(cleared.fired, 0);
}

TEST_F(DeadlineTest, OneThatFiresMaySetItselfAgain) {
  Alarm alarm;
  alarm.then = [&] {
    if (alarm.fired < 3) deadlines.Set(alarm, In(absl::ZeroDuration()));
  };
  deadlines.Set(alarm, In(absl::ZeroDuration()));
  EXPECT_TRUE(RunUntil([&] { return alarm.fired == 3; }));
  EXPECT_FALSE(alarm.armed());
}

TEST_F(DeadlineTest, OneThatFiresMayTakeOthersThatAreDueAway) {
  Alarm first;
  Alarm cleared;
  auto gone = std::make_unique<Alarm>();
  Alarm last;
  first.then = [&] {
    cleared.ClearDeadline();
    gone.reset();
  };
  for (Alarm* alarm : {&first, &cleared, gone.get(), &last}) deadlines.Set(*alarm, In(absl::ZeroDuration()));
  ASSERT_TRUE(RunUntil([&] { return last.fired > 0; }));
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(cleared.fired, 0);
}

TEST_F(DeadlineTest, OneThatFiresMayMoveAnotherThatIsDue) {
  Alarm first;
  Alarm moved;
  first.then = [&] { deadlines.Set(moved, In(absl::Hours(1))); };
  deadlines.Set(first, In(absl::ZeroDuration()));
  deadlines.Set(moved, In(absl::ZeroDuration()));
  ASSERT_TRUE(RunUntil([&] { return first.fired > 0; }));
  EXPECT_EQ(moved.fired, 0) << "it was given another hour";
  EXPECT_TRUE(moved.armed());
  clock.Turn(absl::Hours(1));
  LookAtDeadlines();
  EXPECT_EQ(moved.fired, 1);
}

TEST_F(DeadlineTest, TheEndOfTimeNeverComes) {
  Alarm alarm;
  deadlines.Set(alarm, MonoTime::Max());
  EXPECT_TRUE(alarm.armed());
  EXPECT_FALSE(RunUntil([&] { return alarm.fired > 0; })) << "no timer waits for it";
  deadlines.Set(alarm, In(absl::InfiniteDuration()));
  EXPECT_FALSE(RunUntil([&] { return alarm.fired > 0; }));
}

TEST_F(DeadlineTest, TheQueueGoesBeforeItsDeadlines) {
  Alarm alarm;
  {
    DeadlineQueue queue(io, clock);
    queue.Set(alarm, In(absl::Hours(1)));
  }
  EXPECT_FALSE(alarm.armed());
  RunReady();
  EXPECT_EQ(alarm.fired, 0);
}

}  // namespace
}  // namespace chain429
