#include "controlplane/fleet/permits_outbox.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

AcquireAnswer Answer(uint64_t id, size_t denials = 0) {
  AcquireAnswer answer;
  answer.acquire = answer.permit.acquire = AcquireId(id);
  for (size_t i = 0; i < denials; ++i) {
    answer.denials.push_back(
        {TargetId(~i), PoolId(~i), true, Closure::kRateLimited, absl::Hours(1) + absl::Nanoseconds(1)});
  }
  return answer;
}

PoolState State(uint64_t pool, int64_t remaining) {
  PoolState state;
  state.pool = PoolId(pool);
  state.limited = true;
  state.limits.push_back({.window = absl::Minutes(1), .amount = INT64_MAX, .remaining = remaining, .recoveries = {}});
  return state;
}

// With as much to tell as there can be.
PoolState FullState(uint64_t pool) {
  PoolState state = State(pool, INT64_MAX);
  for (int i = 0; i < 3; ++i) {
    for (size_t n = 1; n <= kMostRecoveries; ++n)
      state.limits.front().recoveries.push_back({absl::Hours(24) + absl::Nanoseconds(n), INT64_MAX});
    state.limits.push_back(state.limits.front());
    state.limits.front().recoveries.clear();
  }
  return state;
}

TEST(PermitsOutbox, HasNothingToSayAtFirst) {
  PermitsOutbox outbox;
  v1::PermitsDown down;
  EXPECT_TRUE(outbox.empty());
  EXPECT_FALSE(outbox.Take(&down));
}

TEST(PermitsOutbox, AGreetingIsOneMessageThoughThereIsNothingToSay) {
  PermitsOutbox outbox;
  outbox.Greet();
  EXPECT_FALSE(outbox.empty());
  v1::PermitsDown down;
  EXPECT_TRUE(outbox.Take(&down));
  EXPECT_EQ(down.answers_size() + down.pools_size(), 0);
  EXPECT_FALSE(outbox.Take(&down));
}

TEST(PermitsOutbox, WhatGatheredIsOneMessageInOrder) {
  PermitsOutbox outbox;
  outbox.Greet();
  for (const uint64_t id : {3u, 1u, 2u}) outbox.Add(Answer(id));
  outbox.AddStates({State(9, 5), State(8, 4)});
  v1::PermitsDown down;
  ASSERT_TRUE(outbox.Take(&down));
  ASSERT_EQ(down.answers_size(), 3);
  EXPECT_EQ(down.answers(0).acquire(), 3u);
  EXPECT_EQ(down.answers(1).acquire(), 1u);
  EXPECT_EQ(down.answers(2).acquire(), 2u);
  EXPECT_EQ(down.pools_size(), 2);
  EXPECT_TRUE(outbox.empty());
}

TEST(PermitsOutbox, OfAPoolOnlyTheNewestStateIsTold) {
  PermitsOutbox outbox;
  outbox.AddStates({State(9, 5), State(8, 4)});
  outbox.AddStates({State(9, 3)});
  v1::PermitsDown down;
  ASSERT_TRUE(outbox.Take(&down));
  ASSERT_EQ(down.pools_size(), 2);
  EXPECT_EQ(down.pools(0).pool(), 8u);
  EXPECT_EQ(down.pools(1).limits(0).remaining(), 3);
}

TEST(PermitsOutbox, SharesThatWaitAreNotLostToNumbersThatTellNone) {
  PermitsOutbox outbox;
  PoolState shares = State(9, 5);
  shares.shares = {{3, 4, absl::Minutes(1)}};
  PoolState numbers = State(9, 4);
  numbers.numbers_only = true;
  outbox.AddStates({shares});
  outbox.AddStates({numbers});
  v1::PermitsDown down;
  ASSERT_TRUE(outbox.Take(&down));
  ASSERT_EQ(down.pools_size(), 1);
  EXPECT_EQ(down.pools(0).limits(0).remaining(), 4);
  EXPECT_EQ(down.pools(0).shares_size(), 1);
  EXPECT_FALSE(down.pools(0).numbers_only());
}

TEST(PermitsOutbox, NoMessageComesNearAMegabyteAndNothingIsLost) {
  PermitsOutbox outbox;
  constexpr uint64_t kAnswers = 3000;
  for (uint64_t id = 1; id <= kAnswers; ++id) outbox.Add(Answer(id, 50));
  std::vector<PoolState> states;
  for (uint64_t pool = 1; pool <= 20'000; ++pool) states.push_back(FullState(~pool));
  outbox.AddStates(states);
  uint64_t next = 1;
  int pools = 0;
  for (v1::PermitsDown down; outbox.Take(&down); down.Clear()) {
    EXPECT_LT(down.ByteSizeLong(), size_t{1'000'000});
    pools += down.pools_size();
    for (const v1::AcquireAnswer& answer : down.answers()) EXPECT_EQ(answer.acquire(), next++);
  }
  EXPECT_EQ(next, kAnswers + 1);
  EXPECT_EQ(pools, 20'000);
}

}  // namespace
}  // namespace chain429
