#include "dataplane/upstream/upstream_pool.h"

#include <memory>
#include <vector>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

Endpoint At(std::string host, uint16_t port, bool tls = false, std::string path = "/v1") {
  Endpoint endpoint;
  endpoint.host = std::move(host);
  endpoint.port = port;
  endpoint.tls = tls;
  endpoint.path = std::move(path);
  return endpoint;
}

class UpstreamPoolTest : public LoopbackTest {
 protected:
  // An idle connection of `host`, and its other end.
  std::pair<Connection*, Peer> Idle() {
    auto [connection, peer] = Connected(listener);
    Connection* const raw = connection.get();
    pool.Return(host, std::move(connection), pool.TakeSlot(host));
    return {raw, std::move(peer)};
  }
  ConnectionPtr TakeIdle(UpstreamHost* of) { return pool.TakeIdle(of, slot); }
  Listener listener;
  UpstreamCounters counters;
  UpstreamPool pool{io, deadlines, clock, counters, {}};
  UpstreamSlot slot;
  UpstreamHost* host = pool.Intern(At("a.test", 443, true));
};

TEST_F(UpstreamPoolTest, OneAddressIsOneHost) {
  EXPECT_EQ(pool.Intern(At("a.test", 443, true)), host);
  EXPECT_EQ(pool.Intern(At("a.test", 443, true, "/other")), host) << "paths share connections";
  EXPECT_NE(pool.Intern(At("a.test", 443, false)), host);
  EXPECT_NE(pool.Intern(At("a.test", 444, true)), host);
  EXPECT_NE(pool.Intern(At("b.test", 443, true)), host);
  EXPECT_EQ(host->endpoint().host, "a.test");
  EXPECT_EQ(host->endpoint().port, 443);
  EXPECT_TRUE(host->endpoint().tls);
}

TEST_F(UpstreamPoolTest, GivesTheConnectionUsedLast) {
  auto [first, first_peer] = Idle();
  auto [second, second_peer] = Idle();
  EXPECT_EQ(pool.idle_count(), 2u);
  EXPECT_EQ(TakeIdle(host).get(), second);
  EXPECT_EQ(TakeIdle(host).get(), first);
  EXPECT_EQ(TakeIdle(host), nullptr);
  EXPECT_EQ(pool.idle_count(), 0u);
}

TEST_F(UpstreamPoolTest, HostsDoNotShareConnections) {
  auto [connection, peer] = Idle();
  EXPECT_EQ(TakeIdle(pool.Intern(At("b.test", 443, true))), nullptr);
  EXPECT_EQ(pool.idle_count(), 1u);
}

TEST_F(UpstreamPoolTest, ATakenConnectionWorks) {
  auto [connection, peer] = Idle();
  const ConnectionPtr taken = TakeIdle(host);
  EXPECT_EQ(Finish(Write(taken, "ping")), true);
  EXPECT_EQ(peer.Read(4), "ping");
  peer.Send("pong");
  EXPECT_EQ(Finish(Fill(taken)), true);
  EXPECT_EQ(taken->input(), "pong");
  EXPECT_FALSE(taken->aborted());
}

TEST_F(UpstreamPoolTest, OneThatTheProviderClosesIsDropped) {
  auto [closed, closed_peer] = Idle();
  auto [kept, kept_peer] = Idle();
  closed_peer.Close();
  ASSERT_TRUE(RunUntil([&] { return pool.idle_count() == 1; }));
  EXPECT_EQ(TakeIdle(host).get(), kept);
  EXPECT_EQ(TakeIdle(host), nullptr);
}

TEST_F(UpstreamPoolTest, OneThatSendsUnaskedIsDroppedAndClosed) {
  auto [connection, peer] = Idle();
  peer.Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  ASSERT_TRUE(RunUntil([&] { return pool.idle_count() == 0; }));
  EXPECT_EQ(TakeIdle(host), nullptr);
  EXPECT_TRUE(peer.AtEnd());
}

// The loop has not run since: what it would tell is only in the socket.
TEST_F(UpstreamPoolTest, WhatHasComeUnaskedInThisTurnIsNeverTheNextAnswer) {
  auto [clean, clean_peer] = Idle();
  auto [poisoned, poisoned_peer] = Idle();
  auto [closed, closed_peer] = Idle();
  poisoned_peer.Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  closed_peer.Close();
  EXPECT_EQ(TakeIdle(host).get(), clean);
  EXPECT_EQ(TakeIdle(host), nullptr);
  EXPECT_EQ(pool.idle_count(), 0u);
  EXPECT_EQ(counters.open.value(), 1u) << "the others gave their slots back";
  EXPECT_TRUE(poisoned_peer.AtEnd());
}

TEST_F(UpstreamPoolTest, ATakenOneIsNotThePoolsAnyMore) {
  auto [connection, peer] = Idle();
  const ConnectionPtr taken = TakeIdle(host);
  peer.Close();
  EXPECT_EQ(Finish(Fill(taken)), false);
  EXPECT_EQ(pool.idle_count(), 0u);
  EXPECT_FALSE(taken->aborted());
}

TEST_F(UpstreamPoolTest, OneThatHasEndedIsNotKept) {
  auto [ended, ended_peer] = Connected(listener);
  ended_peer.Close();
  EXPECT_EQ(Finish(Fill(ended)), false);
  pool.Return(host, ended, pool.TakeSlot(host));
  EXPECT_TRUE(ended->aborted());

  auto [aborted, aborted_peer] = Connected(listener);
  aborted->Abort();
  pool.Return(host, aborted, pool.TakeSlot(host));
  EXPECT_EQ(pool.idle_count(), 0u);
}

// Connections that never were open serve here: what the pool holds is counted before the loop notices.
TEST_F(UpstreamPoolTest, KeepsABoundedNumberForEachHost) {
  UpstreamHost* const other = pool.Intern(At("b.test", 443, true));
  std::vector<ConnectionPtr> connections;
  for (size_t i = 0; i < UpstreamPool::kMaxIdlePerHost + 2; ++i) {
    connections.push_back(NewConnection());
    pool.Return(host, connections.back(), pool.TakeSlot(host));
  }
  EXPECT_EQ(pool.idle_count(), UpstreamPool::kMaxIdlePerHost);
  EXPECT_TRUE(connections.back()->aborted());
  EXPECT_FALSE(connections.front()->aborted());
  pool.Return(other, NewConnection(), pool.TakeSlot(other));
  EXPECT_EQ(pool.idle_count(), UpstreamPool::kMaxIdlePerHost + 1) << "another host has its own bound";
  EXPECT_TRUE(RunUntil([&] { return pool.idle_count() == 0; }));
}

TEST_F(UpstreamPoolTest, AnIdleConnectionExpires) {
  auto [old, old_peer] = Idle();
  clock.Turn(absl::Seconds(30));
  auto [young, young_peer] = Idle();
  clock.Turn(UpstreamPool::kIdleTime - absl::Seconds(30) - absl::Milliseconds(10));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 2u) << "not yet";
  clock.Turn(absl::Milliseconds(10));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 1u);
  EXPECT_TRUE(old_peer.AtEnd());
  EXPECT_EQ(TakeIdle(host).get(), young);
}

TEST_F(UpstreamPoolTest, TheYoungerExpireInTheirTurn) {
  auto [first, first_peer] = Idle();
  clock.Turn(absl::Seconds(10));
  UpstreamHost* const other = pool.Intern(At("b.test", 1));
  auto [second, second_peer] = Connected(listener);
  pool.Return(other, second, pool.TakeSlot(other));
  clock.Turn(UpstreamPool::kIdleTime - absl::Seconds(10));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 1u);
  clock.Turn(absl::Seconds(10));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 0u);
  EXPECT_TRUE(second_peer.AtEnd());
}

TEST_F(UpstreamPoolTest, UseBeginsTheIdleTimeAnew) {
  auto [connection, peer] = Idle();
  clock.Turn(absl::Seconds(50));
  pool.Return(host, TakeIdle(host), pool.TakeSlot(host));
  clock.Turn(absl::Seconds(50));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 1u);
  clock.Turn(absl::Seconds(5));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 0u);
}

TEST_F(UpstreamPoolTest, AfterAllHaveExpiredNewOnesExpireToo) {
  for (int i = 0; i < 3; ++i) {
    auto [connection, peer] = Idle();
    clock.Turn(UpstreamPool::kIdleTime);
    LookAtDeadlines();
    EXPECT_EQ(pool.idle_count(), 0u) << i;
  }
}

TEST_F(UpstreamPoolTest, AProvidersOwnIdleTimeCounts) {
  auto [usual, usual_peer] = Idle();
  auto [brief, brief_peer] = Connected(listener);
  pool.Return(host, brief, pool.TakeSlot(host), absl::Seconds(4));
  auto [never, never_peer] = Connected(listener);
  pool.Return(host, never, pool.TakeSlot(host), absl::ZeroDuration());
  EXPECT_TRUE(never->aborted());
  EXPECT_EQ(pool.idle_count(), 2u);
  clock.Turn(absl::Seconds(4));
  LookAtDeadlines();
  EXPECT_EQ(pool.idle_count(), 1u);
  EXPECT_TRUE(brief_peer.AtEnd());
  EXPECT_EQ(TakeIdle(host).get(), usual);
}

TEST_F(UpstreamPoolTest, InAllTheOldestGoes) {
  std::vector<ConnectionPtr> connections;
  for (size_t i = 0; i <= UpstreamPool::kMaxIdle; ++i) {
    UpstreamHost* const one_of_many = pool.Intern(At("h.test", static_cast<uint16_t>(1 + i % 64)));
    connections.push_back(NewConnection());
    pool.Return(one_of_many, connections.back(), pool.TakeSlot(one_of_many));
  }
  EXPECT_EQ(pool.idle_count(), UpstreamPool::kMaxIdle);
  EXPECT_TRUE(connections[0]->aborted());
  EXPECT_FALSE(connections[1]->aborted());
  EXPECT_EQ(counters.idle.value(), UpstreamPool::kMaxIdle);
  EXPECT_EQ(counters.open.value(), UpstreamPool::kMaxIdle);
  RunReady();
}

TEST_F(UpstreamPoolTest, CloseAllClosesEveryIdleConnection) {
  auto [a, a_peer] = Idle();
  auto [b, b_peer] = Idle();
  pool.CloseAll();
  EXPECT_EQ(pool.idle_count(), 0u);
  RunReady();
  EXPECT_TRUE(a_peer.AtEnd());
  EXPECT_TRUE(b_peer.AtEnd());
}

TEST_F(UpstreamPoolTest, GoesWithItsIdleConnections) {
  auto [connection, peer] = Connected(listener);
  {
    UpstreamPool short_lived(io, deadlines, clock, counters, {});
    UpstreamHost* const there = short_lived.Intern(At("c.test", 1));
    short_lived.Return(there, std::move(connection), short_lived.TakeSlot(there));
  }
  RunReady();
  EXPECT_TRUE(peer.AtEnd());
  LookAtDeadlines();
}

}  // namespace
}  // namespace chain429
