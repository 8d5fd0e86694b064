#include "controlplane/fleet/fleet_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/captured_log.h"

namespace chain429 {
namespace {

MonoTime Never(const Now&) { return MonoTime::Max(); }

TEST(FleetThread, RunsWhatIsPostedInOrderWithTheTimeOfItsTurn) {
  FixedClock clock;
  FleetThread thread(clock, Never);
  std::vector<int> order;
  Now seen{};
  for (int i = 0; i < 100; ++i) thread.Post([&order, i](const Now&) { order.push_back(i); });
  thread.Start();
  EXPECT_TRUE(thread.Run([&](const Now& now) { seen = now; }));
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  EXPECT_EQ(seen.mono, clock.now.mono);
  EXPECT_EQ(seen.wall, clock.now.wall);
}

TEST(FleetThread, EndsATurnOnceForEverythingThatWasPostedSinceTheLast) {
  FixedClock clock;
  std::string turns;
  std::promise<void> ended;
  FleetThread thread(clock, [&](const Now&) {
    turns.push_back('|');
    if (turns.find('d') != std::string::npos) ended.set_value();
    return MonoTime::Max();
  });
  for (const char c : {'a', 'b', 'c', 'd'}) thread.Post([&turns, c](const Now&) { turns.push_back(c); });
  thread.Start();
  ended.get_future().wait();
  thread.Stop();
  EXPECT_EQ(turns, "abcd|");
}

TEST(FleetThread, ComesBackByItselfWhenTheTurnAskedForIt) {
  FixedClock clock;
  std::atomic<int> turns = 0;
  std::promise<void> enough;
  FleetThread thread(clock, [&](const Now& now) {
    const int turn = ++turns;
    if (turn == 5) enough.set_value();
    // A time that has come already: no waiting.
    return turn < 5 ? now.mono : MonoTime::Max();
  });
  thread.Start();
  thread.Post([](const Now&) {});
  enough.get_future().wait();
  thread.Stop();
  EXPECT_EQ(turns, 5);
}

TEST(FleetThread, WorkMayPostFurtherWorkForTheNextTurn) {
  FixedClock clock;
  FleetThread thread(clock, Never);
  std::promise<void> second;
  thread.Start();
  thread.Post([&](const Now&) { thread.Post([&](const Now&) { second.set_value(); }); });
  second.get_future().wait();
}

TEST(FleetThread, RunSaysWhenTheThreadHasStopped) {
  FixedClock clock;
  FleetThread thread(clock, Never);
  thread.Start();
  thread.Stop();
  bool ran = false;
  EXPECT_FALSE(thread.Run([&](const Now&) { ran = true; }));
  EXPECT_FALSE(ran);
  thread.Stop();
}

TEST(FleetThread, RunDoesNotWaitForEverWhenItIsStoppedMeanwhile) {
  FixedClock clock;
  FleetThread thread(clock, Never);
  thread.Start();
  std::promise<void> inside;
  std::promise<void> go_on;
  thread.Post([&](const Now&) {
    inside.set_value();
    go_on.get_future().wait();
  });
  inside.get_future().wait();
  // Posted behind what holds the thread up, or refused; either way it ends.
  auto waiting = std::async(std::launch::async, [&] { return thread.Run([](const Now&) {}); });
  auto stopping = std::async(std::launch::async, [&] { thread.Stop(); });
  go_on.set_value();
  stopping.wait();
  waiting.wait();
}

TEST(FleetThread, WhatHasNotBegunIsDroppedWithItsCaptures) {
  FixedClock clock;
  const auto held = std::make_shared<int>(1);
  {
    FleetThread thread(clock, Never);
    thread.Post([held](const Now&) { FAIL() << "it was never started"; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace chain429
