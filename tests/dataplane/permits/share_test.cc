#include "dataplane/permits/share.h"

#include <deque>

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace chain429 {
namespace {

const MonoTime kStart = MonoTime::FromNanos(1'000'000'000'000);

TEST(ShareWindow, WithoutAShareNothingIsAllowed) {
  ShareWindow share;
  EXPECT_FALSE(share.Allows(kStart, kStart));
  EXPECT_EQ(share.FreeAt(kStart, kStart), MonoTime::Max());
}

TEST(ShareWindow, TellsWhenACallIsAllowedAgain) {
  ShareWindow share;
  share.Set({2, 2, absl::Minutes(1)}, kStart);
  share.Use(kStart);
  EXPECT_EQ(share.FreeAt(kStart, kStart), kStart);
  share.Use(kStart + absl::Seconds(30));
  const MonoTime now = kStart + absl::Seconds(31);
  EXPECT_FALSE(share.Allows(now, kStart));
  const MonoTime free_at = share.FreeAt(now, kStart);
  EXPECT_GE(free_at, kStart + absl::Minutes(1));
  EXPECT_LE(free_at, kStart + absl::Seconds(66));
  EXPECT_FALSE(share.Allows(free_at - absl::Nanoseconds(1), kStart));
  EXPECT_TRUE(share.Allows(free_at, kStart));
}

TEST(ShareWindow, NeverAllowsMoreThanTheShareInAnyWindow) {
  Random random(11);
  ShareWindow share;
  share.Set({7, 7, absl::Seconds(10)}, kStart);
  std::deque<MonoTime> calls;
  MonoTime now = kStart;
  int total = 0;
  for (int i = 0; i < 20'000; ++i) {
    now = now + absl::Milliseconds(static_cast<int64_t>(random.Below(500)));
    while (!calls.empty() && now - calls.front() >= absl::Seconds(10)) calls.pop_front();
    if (!share.Allows(now, kStart)) continue;
    share.Use(now);
    calls.push_back(now);
    ++total;
    ASSERT_LE(calls.size(), 7u);
  }
  EXPECT_GT(total, 20'000 * 250 / 11'000 * 7 * 9 / 10);  // and nearly all of it is used
}

TEST(ShareWindow, WhatWasUsedBeforeCountsUntilAWindowHasPassed) {
  ShareWindow share;
  share.Set({0, 2, absl::Minutes(1)}, kStart);
  EXPECT_FALSE(share.Allows(kStart + absl::Seconds(60), kStart));
  EXPECT_EQ(share.FreeAt(kStart, kStart), kStart + absl::Seconds(66));
  EXPECT_TRUE(share.Allows(kStart + absl::Seconds(66), kStart));
}

TEST(ShareWindow, WhatWasGrantedAfterItWasToldCountsUntilAWindowHasPassedToo) {
  ShareWindow share;
  share.Set({0, 2, absl::Minutes(1)}, kStart);
  const MonoTime granted_until = kStart + absl::Minutes(10);
  EXPECT_FALSE(share.Allows(granted_until + absl::Seconds(60), granted_until));
  EXPECT_EQ(share.FreeAt(granted_until, granted_until), granted_until + absl::Seconds(66));
}

TEST(ShareWindow, TheFirstShareIsPartOfTheSteadyOne) {
  ShareWindow share;
  share.Set({3, 2, absl::Minutes(1)}, kStart);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(share.Allows(kStart + absl::Seconds(50), kStart));
    share.Use(kStart + absl::Seconds(50));
  }
  EXPECT_FALSE(share.Allows(kStart + absl::Seconds(70), kStart));
  EXPECT_GE(share.FreeAt(kStart + absl::Seconds(70), kStart), kStart + absl::Seconds(110));
}

TEST(ShareWindow, AnotherWindowForgetsNothing) {
  ShareWindow share;
  share.Set({1, 1, absl::Seconds(10)}, kStart);
  share.Use(kStart);
  share.Set({1, 1, absl::Minutes(1)}, kStart);
  EXPECT_FALSE(share.Allows(kStart + absl::Seconds(59), kStart));
  EXPECT_TRUE(share.Allows(kStart + absl::Seconds(80), kStart));
}

}  // namespace
}  // namespace chain429
