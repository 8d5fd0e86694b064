#include "dataplane/link/pool_view.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

const PoolId kPool(7);

class PoolViewTest : public testing::Test {
 protected:
  static LimitState Left(int64_t remaining) {
    return {.window = absl::Minutes(1), .amount = 30, .remaining = remaining, .recoveries = {{absl::Seconds(40), 30}}};
  }
  static PoolState Open(int64_t remaining = -1) {
    PoolState state;
    state.pool = kPool;
    state.limited = remaining >= 0;
    if (remaining >= 0) state.limits = {Left(remaining)};
    return state;
  }
  static PoolState Closed(absl::Duration closed_for, Closure closure = Closure::kRateLimited) {
    PoolState state = Open();
    state.closure = closure;
    state.closed_for = closed_for;
    return state;
  }
  static ObservedClosure Seen(absl::Duration closed_for, Closure closure = Closure::kRateLimited,
                              bool authoritative = true) {
    return {kPool, closure, closed_for, authoritative};
  }
  void Turn(absl::Duration by) { now = now + by; }
  absl::Duration ClosedFor() {
    for (const PoolState& state : view.List(now)) {
      if (state.pool == kPool) return state.closure == Closure::kNone ? absl::ZeroDuration() : state.closed_for;
    }
    return absl::ZeroDuration();
  }
  LinkPoolView view;
  MonoTime now = MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000);
};

TEST_F(PoolViewTest, TellsWhatTheControlPlaneSays) {
  PoolState said = Closed(absl::Seconds(30));
  said.limited = true;
  said.limits = {Left(12)};
  said.shares = {{3, 4, absl::Minutes(1)}};
  EXPECT_EQ(view.OnState(said, now), said);
  EXPECT_EQ(view.OnState(Open(5), now), Open(5));
}

TEST_F(PoolViewTest, AClosureRunsOutByItself) {
  view.OnState(Closed(absl::Seconds(30)), now);
  Turn(absl::Seconds(20));
  EXPECT_EQ(ClosedFor(), absl::Seconds(10));
  Turn(absl::Seconds(10));
  EXPECT_EQ(ClosedFor(), absl::ZeroDuration());
  EXPECT_TRUE(view.Closures(now).empty());
}

TEST_F(PoolViewTest, AClosureThatAWorkerSawLeavesTheNumbersAsTheyAre) {
  PoolState said = Open(5);
  said.shares = {{3, 4, absl::Minutes(1)}};
  view.OnState(said, now);
  EXPECT_TRUE(view.OnClosure(Seen(absl::Seconds(40)), now));
  const PoolState known = view.List(now)[0];
  EXPECT_EQ(known.closure, Closure::kRateLimited);
  EXPECT_EQ(known.closed_for, absl::Seconds(40));
  EXPECT_TRUE(known.limited);
  EXPECT_EQ(known.limits.at(0).remaining, 5);
  EXPECT_EQ(known.shares.size(), 1u);
}

TEST_F(PoolViewTest, AClosureThatSaysNothingNewIsNotTold) {
  view.OnClosure(Seen(absl::Seconds(40)), now);
  EXPECT_FALSE(view.OnClosure(Seen(absl::Seconds(40)), now));
  EXPECT_FALSE(view.OnClosure(Seen(absl::Seconds(5)), now));
  EXPECT_EQ(ClosedFor(), absl::Seconds(40));
  EXPECT_TRUE(view.OnClosure(Seen(absl::Seconds(41)), now));
}

TEST_F(PoolViewTest, NoClosureIsMadeOfNothing) {
  EXPECT_FALSE(view.OnClosure({PoolId(), Closure::kAuth, absl::Seconds(1), true}, now));
  EXPECT_FALSE(view.OnClosure(Seen(absl::ZeroDuration()), now));
  EXPECT_FALSE(view.OnClosure(Seen(absl::Seconds(1), Closure::kNone), now));
  EXPECT_TRUE(view.List(now).empty());
}

TEST_F(PoolViewTest, AStateThatWasUnderWayDoesNotOpenWhatAWorkerJustSawClose) {
  view.OnClosure(Seen(absl::Seconds(40)), now);
  Turn(absl::Milliseconds(100));
  const PoolState told = view.OnState(Open(5), now);
  EXPECT_EQ(told.closure, Closure::kRateLimited);
  EXPECT_GT(told.closed_for, absl::ZeroDuration());
  EXPECT_EQ(told.limits.at(0).remaining, 5);
}

TEST_F(PoolViewTest, AnOpeningHoldsThoughItCameWhileItWasDoubted) {
  view.OnClosure(Seen(absl::Minutes(40)), now);
  Turn(absl::Milliseconds(100));
  view.OnState(Open(5), now);
  Turn(LinkPoolView::kStatesLag);
  EXPECT_EQ(ClosedFor(), absl::ZeroDuration());
}

TEST_F(PoolViewTest, TheControlPlanesLongerClosureHoldsAtOnce) {
  view.OnClosure(Seen(absl::Seconds(1)), now);
  Turn(absl::Milliseconds(100));
  EXPECT_EQ(view.OnState(Closed(absl::Seconds(60)), now).closed_for, absl::Seconds(60));
  EXPECT_EQ(ClosedFor(), absl::Seconds(60));
}

TEST_F(PoolViewTest, LaterTheControlPlaneOpensWhatAWorkerSawClose) {
  view.OnClosure(Seen(absl::Minutes(40)), now);
  Turn(LinkPoolView::kStatesLag);
  EXPECT_EQ(view.OnState(Open(5), now).closure, Closure::kNone);
  EXPECT_EQ(ClosedFor(), absl::ZeroDuration());
}

TEST_F(PoolViewTest, AControlPlaneThatWasAwayOpensNothingAtOnce) {
  view.OnState(Closed(absl::Minutes(40)), now);
  Turn(absl::Minutes(1));
  view.OnAttached(now);
  EXPECT_EQ(view.OnState(Open(5), now).closure, Closure::kRateLimited);
  Turn(LinkPoolView::kStatesLag);
  EXPECT_EQ(view.OnState(Open(5), now).closure, Closure::kNone);
}

TEST_F(PoolViewTest, NumbersNeitherOpenNorClose) {
  view.OnState(Closed(absl::Seconds(30)), now);
  const PoolState numbers = view.OnNumbers(Open(9), now);
  EXPECT_EQ(numbers.closure, Closure::kRateLimited);
  EXPECT_EQ(numbers.closed_for, absl::Seconds(30));
  EXPECT_EQ(numbers.limits.at(0).remaining, 9);
  view.OnState(Open(9), now);
  EXPECT_EQ(view.OnNumbers(Closed(absl::Seconds(50)), now).closure, Closure::kNone);
  EXPECT_EQ(ClosedFor(), absl::ZeroDuration());
}

TEST_F(PoolViewTest, NumbersThatWereOvertakenSayNothingButShares) {
  PoolState newer = Open(4);
  newer.serial = 9;
  newer.numbers_only = true;
  view.OnState(newer, now);
  PoolState older = Open(7);
  older.serial = 8;
  older.shares = {{3, 4, absl::Minutes(1)}};
  const PoolState told = view.OnNumbers(older, now);
  EXPECT_EQ(told.limits.at(0).remaining, 4);
  EXPECT_EQ(told.shares, older.shares);
  EXPECT_FALSE(told.numbers_only);
  view.OnNewLeader();
  older.serial = 1;
  EXPECT_EQ(view.OnNumbers(older, now).limits.at(0).remaining, 7) << "another leader counts anew";
}

TEST_F(PoolViewTest, SharesThatAreNotToldAgainAreKept) {
  PoolState said = Open(5);
  said.shares = {{3, 4, absl::Minutes(1)}};
  view.OnState(said, now);
  PoolState numbers = Open(4);
  numbers.numbers_only = true;
  EXPECT_TRUE(view.OnState(numbers, now).numbers_only);
  EXPECT_EQ(view.List(now)[0].shares, said.shares);
}

TEST_F(PoolViewTest, WhatRecoversIsCountedWhenItIsToldOn) {
  view.OnState(Open(5), now);
  Turn(absl::Seconds(10));
  EXPECT_EQ(view.List(now)[0].limits.at(0).recoveries.at(0).in, absl::Seconds(30));
  Turn(absl::Seconds(30));
  EXPECT_EQ(view.List(now)[0].limits.at(0).remaining, 30);
}

TEST_F(PoolViewTest, ClosuresAreReportedWithWhatIsLeftOfThem) {
  view.OnClosure(Seen(absl::Seconds(40), Closure::kQuotaExhausted, true), now);
  PoolState other = Closed(absl::Seconds(50), Closure::kAuth);
  other.pool = PoolId(8);
  view.OnState(other, now);
  PoolState open = Open(3);
  open.pool = PoolId(9);
  view.OnState(open, now);
  Turn(absl::Seconds(10));
  const std::vector<wire::KnownClosure> closures = view.Closures(now);
  ASSERT_EQ(closures.size(), 2u);
  for (const wire::KnownClosure& closure : closures) {
    const bool seen = closure.pool == kPool;
    EXPECT_EQ(closure.closure, seen ? Closure::kQuotaExhausted : Closure::kAuth);
    EXPECT_EQ(closure.closed_for, seen ? absl::Seconds(30) : absl::Seconds(40));
    EXPECT_EQ(closure.authoritative, seen);
  }
}

TEST_F(PoolViewTest, AnEndlessClosureStaysEndless) {
  view.OnClosure(Seen(absl::InfiniteDuration()), now);
  Turn(absl::Hours(1000));
  EXPECT_EQ(ClosedFor(), absl::InfiniteDuration());
}

TEST_F(PoolViewTest, CountsItsChanges) {
  const uint64_t before = view.changes();
  view.OnState(Open(5), now);
  EXPECT_GT(view.changes(), before);
  const uint64_t after = view.changes();
  view.List(now);
  view.Closures(now);
  EXPECT_EQ(view.changes(), after);
}

TEST(ShareOfWorker, PartsAddUpToTheShare) {
  for (const uint32_t workers : {1u, 2u, 3u, 7u, 16u}) {
    for (const int64_t share : {0, 1, 2, 5, 16, 100}) {
      for (const uint64_t pool : {1u, 2u, 77u}) {
        int64_t sum = 0;
        for (uint32_t worker = 0; worker < workers; ++worker) {
          const int64_t part = ShareOfWorker(share, PoolId(pool), worker, workers);
          EXPECT_GE(part, share / workers);
          EXPECT_LE(part, share / workers + 1);
          sum += part;
        }
        EXPECT_EQ(sum, share) << workers << " workers, pool " << pool;
      }
    }
  }
}

TEST(ShareOfWorker, WhatIsLeftOverGoesToDifferentWorkersForDifferentPools) {
  EXPECT_EQ(ShareOfWorker(1, PoolId(4), 0, 2), 1);
  EXPECT_EQ(ShareOfWorker(1, PoolId(5), 0, 2), 0);
  EXPECT_EQ(ShareOfWorker(1, PoolId(5), 1, 2), 1);
}

}  // namespace
}  // namespace chain429
