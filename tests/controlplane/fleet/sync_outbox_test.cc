#include "controlplane/fleet/sync_outbox.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

std::shared_ptr<const SnapshotBytes> Bytes(uint64_t version, size_t size) {
  std::string bytes;
  for (size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i * version) + ",";
  bytes.resize(size);
  return std::make_shared<const SnapshotBytes>(SnapshotBytes{Version(version), std::move(bytes)});
}

PoolState State(uint64_t pool, int64_t remaining) {
  PoolState state;
  state.pool = PoolId(pool);
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

// Puts pieces together as a proxy does.
struct Assembly {
  void Add(const v1::SyncDown& down) {
    ASSERT_TRUE(down.has_snapshot());
    EXPECT_LT(down.ByteSizeLong(), size_t{1'000'000});
    data += down.snapshot().data();
    version = down.snapshot().version();
    nonce = down.snapshot().nonce();
    done = down.snapshot().last();
    ++pieces;
  }
  std::string data;
  uint64_t version = 0;
  uint64_t nonce = 0;
  bool done = false;
  int pieces = 0;
};

Assembly TakeSnapshot(SyncOutbox& outbox) {
  Assembly assembly;
  for (v1::SyncDown down; !assembly.done && outbox.Take(&down); down.Clear()) assembly.Add(down);
  return assembly;
}

TEST(SyncOutbox, HasNothingToSayAtFirst) {
  SyncOutbox outbox;
  v1::SyncDown down;
  EXPECT_TRUE(outbox.empty());
  EXPECT_FALSE(outbox.Take(&down));
}

TEST(SyncOutbox, ASnapshotGoesInPiecesBelowAMegabyteOfWhichOnlyTheLastSaysSo) {
  struct Case {
    size_t size;
    int pieces;
  };
  constexpr size_t kPiece = SyncOutbox::kPieceBytes;
  for (const Case& one :
       {Case{0, 1}, Case{1, 1}, Case{kPiece - 1, 1}, Case{kPiece, 1}, Case{kPiece + 1, 2}, Case{5 * kPiece, 5}}) {
    SyncOutbox outbox;
    const auto bytes = Bytes(7, one.size);
    outbox.AddSnapshot(bytes);
    const Assembly got = TakeSnapshot(outbox);
    EXPECT_TRUE(got.done);
    EXPECT_EQ(got.pieces, one.pieces) << one.size;
    EXPECT_EQ(got.version, 7u);
    EXPECT_TRUE(got.data == bytes->bytes);
    EXPECT_TRUE(outbox.empty());
  }
}

TEST(SyncOutbox, EverySnapshotHasANonceOfItsOwn) {
  SyncOutbox outbox;
  outbox.AddSnapshot(Bytes(7, 10));
  const uint64_t first = TakeSnapshot(outbox).nonce;
  EXPECT_EQ(outbox.nonce(), first);
  outbox.AddSnapshot(Bytes(7, 10));
  const uint64_t second = TakeSnapshot(outbox).nonce;
  EXPECT_GT(second, first);
  EXPECT_EQ(outbox.nonce(), second);
}

TEST(SyncOutbox, ANewerSnapshotTakesThePlaceOfOneThatHasNotBegun) {
  SyncOutbox outbox;
  outbox.AddSnapshot(Bytes(1, 10));
  outbox.AddSnapshot(Bytes(2, 10));
  outbox.AddSnapshot(Bytes(3, 10));
  EXPECT_EQ(TakeSnapshot(outbox).version, 3u);
  EXPECT_TRUE(outbox.empty());
}

TEST(SyncOutbox, WhatHasBegunIsFinishedBeforeTheNewestFollows) {
  SyncOutbox outbox;
  const auto first = Bytes(1, 3 * SyncOutbox::kPieceBytes);
  const auto last = Bytes(3, 2 * SyncOutbox::kPieceBytes);
  outbox.AddSnapshot(first);
  Assembly got;
  v1::SyncDown down;
  ASSERT_TRUE(outbox.Take(&down));
  got.Add(down);
  outbox.AddSnapshot(Bytes(2, 10));
  outbox.AddSnapshot(last);
  while (!got.done) {
    down.Clear();
    ASSERT_TRUE(outbox.Take(&down));
    got.Add(down);
  }
  EXPECT_EQ(got.version, 1u);
  EXPECT_TRUE(got.data == first->bytes);
  const Assembly newest = TakeSnapshot(outbox);
  EXPECT_EQ(newest.version, 3u);
  EXPECT_TRUE(newest.data == last->bytes);
  EXPECT_TRUE(outbox.empty());
}

TEST(SyncOutbox, PoolStatesGoBetweenThePiecesOfASnapshot) {
  SyncOutbox outbox;
  outbox.AddSnapshot(Bytes(1, 4 * SyncOutbox::kPieceBytes));
  std::string order;
  for (v1::SyncDown down; outbox.Take(&down); down.Clear()) {
    order += down.has_snapshot() ? 's' : 'p';
    // Something new about a pool all the time: neither keeps the other from going out.
    if (order.size() < 6) outbox.AddStates({State(1, static_cast<int64_t>(order.size()))});
  }
  EXPECT_EQ(order, "spspsps");
}

TEST(SyncOutbox, StatesGatherAndOfAPoolTheNewestIsTold) {
  SyncOutbox outbox;
  outbox.AddStates({State(2, 20), State(1, 10)});
  outbox.AddStates({State(1, 9)});
  v1::SyncDown down;
  ASSERT_TRUE(outbox.Take(&down));
  ASSERT_EQ(down.pools().pools_size(), 2);
  EXPECT_EQ(down.pools().pools(0).limits(0).remaining(), 9);
  EXPECT_EQ(down.pools().pools(1).limits(0).remaining(), 20);
  EXPECT_TRUE(outbox.empty());
}

TEST(SyncOutbox, ManyStatesGoInMessagesBelowAMegabyte) {
  SyncOutbox outbox;
  std::vector<PoolState> states;
  for (uint64_t pool = 1; pool <= 20'000; ++pool) states.push_back(FullState(~pool));
  outbox.AddStates(states);
  int told = 0;
  for (v1::SyncDown down; outbox.Take(&down); down.Clear()) {
    EXPECT_LT(down.ByteSizeLong(), size_t{1'000'000});
    told += down.pools().pools_size();
  }
  EXPECT_EQ(told, 20'000);
}

}  // namespace
}  // namespace chain429
