#include "controlplane/fleet/session_core.h"

#include <gtest/gtest.h>

#include "tests/controlplane/fleet/fake_port.h"

namespace chain429 {
namespace {

constexpr MonoTime kStart = MonoTime::FromNanos(1'000'000'000);

std::vector<PoolState> State(int64_t remaining) {
  PoolState state;
  state.pool = PoolId(1);
  state.limits.push_back({.window = absl::Minutes(1), .amount = 100, .remaining = remaining, .recoveries = {}});
  return {state};
}

AcquireAnswer Answer(uint64_t id) {
  AcquireAnswer answer;
  answer.acquire = answer.permit.acquire = AcquireId(id);
  return answer;
}

class SessionCoreTest : public testing::Test {
 protected:
  static v1::SyncHello Hello(uint64_t known_version = 0) {
    v1::SyncHello hello;
    hello.set_node("node");
    hello.set_boot_id("boot");
    hello.set_advertise("10.0.0.7:4290");
    hello.set_software_version("1.2.3");
    hello.set_known_version(known_version);
    return hello;
  }

  // A snapshot of `version` that the proxy has taken the pieces of. Returns its nonce.
  uint64_t Send(uint64_t version) {
    session_.sync().AddSnapshot(std::make_shared<const SnapshotBytes>(SnapshotBytes{Version(version), "bytes"}));
    session_.Flush(Epoch(5));
    return sync_->Take().back().snapshot().nonce();
  }
  void Ack(uint64_t nonce, uint64_t version) {
    v1::SnapshotAck ack;
    ack.set_nonce(nonce);
    ack.set_version(version);
    session_.OnAck(ack);
  }
  void Nack(uint64_t nonce, uint64_t version, const std::string& error) {
    v1::SnapshotNack nack;
    nack.set_nonce(nonce);
    nack.set_version(version);
    nack.set_error(error);
    session_.OnNack(nack);
  }

  SessionCore session_{"node", "boot", kStart};
  std::shared_ptr<FakePort<v1::PermitsDown>> permits_ = std::make_shared<FakePort<v1::PermitsDown>>();
  std::shared_ptr<FakePort<v1::SyncDown>> sync_ = std::make_shared<FakePort<v1::SyncDown>>();
};

TEST_F(SessionCoreTest, WithoutStreamsItIsIdleAndFlushesNothing) {
  EXPECT_TRUE(session_.idle());
  EXPECT_FALSE(session_.attached());
  EXPECT_FALSE(session_.has_sync());
  EXPECT_FALSE(session_.sync_trusted());
  EXPECT_EQ(session_.changed_at(), kStart);
  session_.permits().Greet();
  session_.Flush(Epoch(5));
}

TEST_F(SessionCoreTest, TheEpochIsOnEveryMessage) {
  session_.OpenPermits(permits_, HolderId(1), kStart);
  session_.OpenSync(sync_, Hello());
  session_.permits().Greet();
  session_.sync().AddSnapshot(
      std::make_shared<const SnapshotBytes>(SnapshotBytes{Version(1), std::string(2 * SyncOutbox::kPieceBytes, 'x')}));
  session_.sync().AddStates(State(5));
  session_.Flush(Epoch(77));
  ASSERT_EQ(permits_->messages.size(), 1u);
  EXPECT_EQ(permits_->messages[0].epoch(), 77u);
  ASSERT_EQ(sync_->messages.size(), 3u);
  for (const v1::SyncDown& down : sync_->messages) EXPECT_EQ(down.epoch(), 77u);
}

TEST_F(SessionCoreTest, OneMessageIsUnderWayAndTheRestWaitsAndMerges) {
  permits_->slow = sync_->slow = true;
  session_.OpenPermits(permits_, HolderId(1), kStart);
  session_.OpenSync(sync_, Hello());
  session_.permits().Greet();
  session_.sync().AddStates(State(9));
  session_.Flush(Epoch(5));
  for (int64_t left = 8; left > 0; --left) {
    session_.permits().Add(Answer(static_cast<uint64_t>(left)));
    session_.permits().AddStates(State(left));
    session_.sync().AddStates(State(left));
    session_.Flush(Epoch(5));
  }
  EXPECT_EQ(permits_->Take().size(), 1u);
  EXPECT_EQ(sync_->Take().size(), 1u);
  EXPECT_TRUE(permits_->Finish());
  EXPECT_TRUE(sync_->Finish());
  session_.Flush(Epoch(5));
  const auto permits = permits_->Take();
  ASSERT_EQ(permits.size(), 1u);
  EXPECT_EQ(permits[0].answers_size(), 8);
  ASSERT_EQ(permits[0].pools_size(), 1);
  EXPECT_EQ(permits[0].pools(0).limits(0).remaining(), 1);
  const auto sync = sync_->Take();
  ASSERT_EQ(sync.size(), 1u);
  EXPECT_EQ(sync[0].pools().pools(0).limits(0).remaining(), 1);
}

TEST_F(SessionCoreTest, WhatAProxySaysOfItselfIsKept) {
  session_.OpenSync(sync_, Hello(41));
  EXPECT_EQ(session_.node(), "node");
  EXPECT_EQ(session_.boot_id(), "boot");
  EXPECT_EQ(session_.advertise(), "10.0.0.7:4290");
  EXPECT_EQ(session_.software_version(), "1.2.3");
  EXPECT_EQ(session_.acknowledged(), Version(41)) << "what it serves it has acknowledged";
}

TEST_F(SessionCoreTest, AnAcknowledgementIsOfTheVersionThatItNames) {
  session_.OpenSync(sync_, Hello());
  EXPECT_EQ(session_.acknowledged(), Version(0));
  const uint64_t first = Send(7);
  EXPECT_EQ(session_.acknowledged(), Version(0)) << "sent is not taken";
  Ack(first, 7);
  EXPECT_EQ(session_.acknowledged(), Version(7));
  EXPECT_EQ(session_.refusal(), "");
}

TEST_F(SessionCoreTest, ARefusalKeepsTheReasonAndTheLastGoodVersion) {
  session_.OpenSync(sync_, Hello());
  Ack(Send(7), 7);
  const uint64_t second = Send(8);
  Nack(second, 8, "targets[0].pools: unknown pool");
  EXPECT_EQ(session_.acknowledged(), Version(7));
  EXPECT_EQ(session_.refusal(), "targets[0].pools: unknown pool");
  const uint64_t third = Send(9);
  Ack(third, 9);
  EXPECT_EQ(session_.acknowledged(), Version(9));
  EXPECT_EQ(session_.refusal(), "") << "what was refused is history";
}

TEST_F(SessionCoreTest, AnAnswerToAnOlderSnapshotSaysNothingOfTheNewest) {
  session_.OpenSync(sync_, Hello());
  const uint64_t first = Send(7);
  const uint64_t second = Send(8);
  Nack(second, 8, "bad");
  Ack(first, 7);
  EXPECT_EQ(session_.refusal(), "bad");
  EXPECT_EQ(session_.acknowledged(), Version(7));
  const uint64_t third = Send(9);
  Nack(second, 8, "too late");
  EXPECT_NE(session_.refusal(), "too late");
  Ack(third, 9);
  EXPECT_EQ(session_.refusal(), "");
}

TEST_F(SessionCoreTest, ARefusalOfAnyLengthTakesLittleMemory) {
  session_.OpenSync(sync_, Hello());
  Nack(Send(7), 7, std::string(1 << 20, 'x'));
  EXPECT_LE(session_.refusal().size(), 5000u);
  EXPECT_EQ(session_.refusal().substr(0, 3), "xxx");
}

TEST_F(SessionCoreTest, ANewStreamEndsTheOldOneAndNothingOfItIsRepeated) {
  session_.OpenPermits(permits_, HolderId(1), kStart);
  session_.OpenSync(sync_, Hello());
  session_.permits().Add(Answer(1));
  session_.sync().AddStates(State(5));
  const auto new_permits = std::make_shared<FakePort<v1::PermitsDown>>();
  const auto new_sync = std::make_shared<FakePort<v1::SyncDown>>();
  session_.OpenPermits(new_permits, HolderId(1), kStart + absl::Seconds(1));
  session_.OpenSync(new_sync, Hello());
  EXPECT_NE(permits_->ended, "");
  EXPECT_NE(sync_->ended, "");
  session_.Flush(Epoch(5));
  EXPECT_TRUE(new_permits->messages.empty());
  EXPECT_TRUE(new_sync->messages.empty());
  EXPECT_FALSE(session_.ClosePermits(permits_.get(), kStart + absl::Seconds(2))) << "the old one's end changes nothing";
  EXPECT_FALSE(session_.CloseSync(sync_.get()));
  EXPECT_TRUE(session_.attached());
  EXPECT_EQ(session_.changed_at(), kStart + absl::Seconds(1));
  EXPECT_TRUE(session_.ClosePermits(new_permits.get(), kStart + absl::Seconds(3)));
  EXPECT_TRUE(session_.CloseSync(new_sync.get()));
  EXPECT_TRUE(session_.idle());
  EXPECT_EQ(session_.changed_at(), kStart + absl::Seconds(3));
}

TEST_F(SessionCoreTest, UsageIsCumulativeAndOfEachTargetTheNewestCounts) {
  const auto report = [](uint64_t target, uint64_t attempts) {
    v1::UsageReport usage;
    usage.add_targets()->set_target(target);
    usage.mutable_targets(0)->set_attempts(attempts);
    return usage;
  };
  session_.OnUsage(report(1, 5));
  session_.OnUsage(report(2, 3));
  session_.OnUsage(report(1, 9));
  EXPECT_EQ(session_.usage().at(1).attempts(), 9u);
  EXPECT_EQ(session_.usage().at(2).attempts(), 3u);
}

TEST_F(SessionCoreTest, UsageOfEndlesslyManyTargetsIsBounded) {
  for (uint64_t message = 0; message < 3; ++message) {
    v1::UsageReport usage;
    for (uint64_t i = 0; i < 10'000; ++i) usage.add_targets()->set_target(message * 10'000 + i);
    session_.OnUsage(usage);
  }
  EXPECT_LT(session_.usage().size(), 20'000u);
  v1::UsageReport known;
  known.add_targets()->set_target(0);
  known.mutable_targets(0)->set_attempts(4);
  session_.OnUsage(known);
  EXPECT_EQ(session_.usage().at(0).attempts(), 4u) << "those that are known go on being counted";
}

TEST_F(SessionCoreTest, EndsBothStreamsWithTheReason) {
  session_.OpenPermits(permits_, HolderId(1), kStart);
  session_.OpenSync(sync_, Hello());
  session_.EndStreams("going down");
  EXPECT_EQ(permits_->ended, "going down");
  EXPECT_EQ(sync_->ended, "going down");
}

}  // namespace
}  // namespace chain429
