#include "dataplane/permits/pending.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

class PendingTest : public testing::Test {
 protected:
  void Add(uint64_t id) {
    pending.Add(AcquireId(id), {.waiter = nullptr, .first = TargetId(1), .spares = 0, .asked_at = now}, now);
  }
  void Answer(uint64_t id, absl::Duration after) {
    Add(id);
    now = now + after;
    EXPECT_TRUE(pending.Answered(AcquireId(id), now).has_value());
  }
  PendingAcquires pending;
  MonoTime now = MonoTime::FromNanos(5'000'000'000);
};

TEST_F(PendingTest, AHeldAskIsWaitedForAnewAndMeasuredOnce) {
  Add(1);
  now = now + absl::Milliseconds(20);
  pending.Hold(AcquireId(1), now);
  EXPECT_EQ(pending.timeout(), absl::Milliseconds(80));
  now = now + PendingAcquires::kHeldAtMost - absl::Milliseconds(1);
  EXPECT_FALSE(pending.TakeOverdue(now).has_value());
  EXPECT_TRUE(pending.Answered(AcquireId(1), now).has_value());
  EXPECT_EQ(pending.timeout(), absl::Milliseconds(80));
}

TEST_F(PendingTest, AHeldAskThatIsNeverAnsweredIsGivenUp) {
  Add(1);
  pending.Hold(AcquireId(1), now);
  now = now + PendingAcquires::kHeldAtMost;
  EXPECT_TRUE(pending.TakeOverdue(now).has_value());
}

TEST_F(PendingTest, FirstAskMayTakeASecond) { EXPECT_EQ(pending.timeout(), absl::Seconds(1)); }

TEST_F(PendingTest, TimeoutIsFourSmoothedRoundTripsWithinItsBounds) {
  Answer(1, absl::Milliseconds(100));
  EXPECT_EQ(pending.timeout(), absl::Milliseconds(400));
  Answer(2, absl::Milliseconds(20));
  EXPECT_EQ(pending.timeout(), absl::Milliseconds(360));
  for (uint64_t id = 3; id < 100; ++id) Answer(id, absl::Microseconds(200));
  EXPECT_EQ(pending.timeout(), PendingAcquires::kShortest);
  for (uint64_t id = 100; id < 200; ++id) Answer(id, absl::Seconds(3));
  EXPECT_EQ(pending.timeout(), PendingAcquires::kLongest);
}

TEST_F(PendingTest, TimeoutDoublesTheNextWaitOncePerBurst) {
  for (uint64_t id = 1; id < 60; ++id) Answer(id, absl::Microseconds(200));
  ASSERT_EQ(pending.timeout(), absl::Milliseconds(50));
  for (uint64_t id = 100; id < 110; ++id) Add(id);
  now = pending.NextDeadline();
  int overdue = 0;
  while (pending.TakeOverdue(now)) ++overdue;
  EXPECT_EQ(overdue, 10);
  EXPECT_EQ(pending.timeout(), absl::Milliseconds(100));
  EXPECT_EQ(pending.NextDeadline(), MonoTime::Max());
}

TEST_F(PendingTest, AnsweredOnesAreNeverOverdue) {
  Answer(1, absl::Milliseconds(1));
  EXPECT_EQ(pending.NextDeadline(), MonoTime::Max());
  now = now + absl::Seconds(5);
  EXPECT_FALSE(pending.TakeOverdue(now).has_value());
  EXPECT_FALSE(pending.Answered(AcquireId(1), now).has_value());
}

TEST_F(PendingTest, MuteAfterThreeTimeoutsInARowUntilSomethingIsHeard) {
  for (uint64_t id = 1; id <= 3; ++id) {
    EXPECT_FALSE(pending.Mute(now));
    Add(id);
    now = pending.NextDeadline();
    EXPECT_TRUE(pending.TakeOverdue(now).has_value());
  }
  now = now - absl::Milliseconds(600);  // the last ask is a second old when it is given up: the next may try at once
  EXPECT_TRUE(pending.Mute(now));
  EXPECT_FALSE(pending.Mute(now + absl::Seconds(1)));
  pending.Heard();
  EXPECT_FALSE(pending.Mute(now));
}

}  // namespace
}  // namespace chain429
