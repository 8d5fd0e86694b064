// The Sync stream: snapshots, acknowledgements, states that are not urgent.
#include "common/wire/model_wire.h"
#include "tests/controlplane/fleet/registry_fixture.h"

namespace chain429 {
namespace {

class RegistrySync : public RegistryTest {
 protected:
  absl::Status Ack(FakeProxy& proxy, uint64_t nonce, uint64_t version) {
    v1::SyncUp up;
    up.mutable_ack()->set_nonce(nonce);
    up.mutable_ack()->set_version(version);
    return Send(proxy, up);
  }
  static uint64_t NonceOf(const FakeProxy& proxy) {
    for (const v1::SyncDown& down : proxy.sync->messages) {
      if (down.has_snapshot()) return down.snapshot().nonce();
    }
    return 0;
  }
};

TEST_F(RegistrySync, ANewProxyGetsTheSnapshotThatServes) {
  const auto snapshot = MakeSnapshot(7);
  registry_.SetSnapshot(snapshot, now());
  FakeProxy proxy = Attach("a");
  EXPECT_EQ(proxy.Snapshot(), wire::SerializeSnapshot(*snapshot));
  for (const v1::SyncDown& down : proxy.sync->messages) {
    EXPECT_EQ(down.epoch(), 9u);
    EXPECT_EQ(down.snapshot().version(), down.has_snapshot() ? 7u : 0u);
  }
}

TEST_F(RegistrySync, BeforeThereIsAnySnapshotNoneIsSent) {
  FakeProxy proxy = Attach("a");
  EXPECT_EQ(NonceOf(proxy), 0u);
  registry_.SetSnapshot(MakeSnapshot(7), now());
  EndTurn();
  EXPECT_NE(proxy.Snapshot(), "");
}

TEST_F(RegistrySync, AProxyThatServesThisVersionAlreadyDoesNotGetItAgain) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy same = MakeProxy("a");
  ASSERT_TRUE(AttachSync(same, 7).ok());
  FakeProxy other = MakeProxy("b");
  ASSERT_TRUE(AttachSync(other, 6).ok());
  EndTurn();
  EXPECT_EQ(NonceOf(same), 0u);
  EXPECT_EQ(ViewOf("a").acknowledged, Version(7));
  EXPECT_NE(NonceOf(other), 0u);
}

TEST_F(RegistrySync, ANewSnapshotGoesToEveryProxyOnce) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy a = Attach("a");
  FakeProxy b = Attach("b");
  a.Forget();
  b.Forget();
  const auto next = MakeSnapshot(8, 100);
  registry_.SetSnapshot(next, now());
  EndTurn();
  EndTurn();
  for (const FakeProxy* proxy : {&a, &b}) {
    EXPECT_EQ(proxy->Snapshot(), wire::SerializeSnapshot(*next));
    EXPECT_EQ(std::count_if(proxy->sync->messages.begin(), proxy->sync->messages.end(),
                            [](const v1::SyncDown& down) { return down.has_snapshot(); }),
              1);
  }
}

TEST_F(RegistrySync, KeysGoOnlyWhereTheLinkCanBeTrusted) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy trusted = Attach("a");
  FakeProxy stranger = MakeProxy("b");
  stranger.sync->is_trusted = false;
  ASSERT_TRUE(AttachSync(stranger).ok());
  EndTurn();
  EXPECT_NE(trusted.Snapshot().find(kKey), std::string::npos);
  ASSERT_NE(stranger.Snapshot(), "");
  EXPECT_EQ(stranger.Snapshot().find(kKey), std::string::npos);
  const auto arrived = wire::ParseSnapshot(stranger.Snapshot(), Version(7));
  ASSERT_TRUE(arrived.ok()) << arrived.status();
  EXPECT_FALSE(arrived->providers[0].credentials[0].usable) << "without its key it is not to be called";
  // Nor does a later one bring them.
  stranger.Forget();
  registry_.SetSnapshot(MakeSnapshot(8), now());
  EndTurn();
  ASSERT_NE(stranger.Snapshot(), "");
  EXPECT_EQ(stranger.Snapshot().find(kKey), std::string::npos);
}

TEST_F(RegistrySync, KeepsWhatEachProxyAcknowledgedAndWhyItRefused) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  ASSERT_TRUE(Ack(proxy, NonceOf(proxy), 7).ok());
  EXPECT_EQ(ViewOf("a").acknowledged, Version(7));
  proxy.Forget();
  registry_.SetSnapshot(MakeSnapshot(8), now());
  EndTurn();
  v1::SyncUp nack;
  nack.mutable_nack()->set_nonce(NonceOf(proxy));
  nack.mutable_nack()->set_version(8);
  nack.mutable_nack()->set_error("pools[0]: bad");
  ASSERT_TRUE(Send(proxy, nack).ok());
  EXPECT_EQ(ViewOf("a").acknowledged, Version(7));
  EXPECT_EQ(ViewOf("a").refusal, "pools[0]: bad");
}

TEST_F(RegistrySync, AfterALossWhatTheProxySaysItServesCounts) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  ASSERT_TRUE(Ack(proxy, NonceOf(proxy), 7).ok());
  Lose(proxy);
  registry_.SetSnapshot(MakeSnapshot(8), now());
  EndTurn();
  FakeProxy back = MakeProxy("a");
  ASSERT_TRUE(AttachPermits(back).ok());
  ASSERT_TRUE(AttachSync(back, 7).ok());
  EndTurn();
  EXPECT_EQ(back.Snapshot(), wire::SerializeSnapshot(*MakeSnapshot(8)));
}

TEST_F(RegistrySync, ASlowProxyGetsTheNewestOfSeveralSnapshots) {
  FakeProxy proxy = MakeProxy("a");
  proxy.sync->slow = true;
  registry_.SetSnapshot(MakeSnapshot(7), now());
  ASSERT_TRUE(AttachSync(proxy).ok());
  EndTurn();
  ASSERT_EQ(proxy.sync->messages.size(), 1u);
  for (const uint64_t version : {8u, 9u, 10u}) {
    registry_.SetSnapshot(MakeSnapshot(version), now());
    EndTurn();
  }
  EXPECT_EQ(proxy.sync->messages.size(), 1u);
  std::vector<uint64_t> versions;
  while (proxy.sync->Finish()) {
    proxy.Forget();
    registry_.OnWritable(proxy.sync.get());
    EndTurn();
    for (const v1::SyncDown& down : proxy.sync->messages) {
      if (down.has_snapshot()) versions.push_back(down.snapshot().version());
    }
  }
  EXPECT_EQ(versions.back(), 10u);
  EXPECT_LE(versions.size(), 2u);
}

TEST_F(RegistrySync, NumbersThatAreNotUrgentGoOutSeldom) {
  registry_.SetSnapshot(MakeSnapshot(7, 100'000), now());
  FakeProxy proxy = Attach("a");
  // What its coming changed is told.
  Pass(absl::Seconds(1));
  EndTurn();
  Pass(absl::Seconds(1));
  EndTurn();
  proxy.Forget();
  int told = 0;
  uint64_t id = 0;
  for (int turn = 0; turn < 100; ++turn) {
    wire::PermitsUp up;
    for (int i = 0; i < 500; ++i) up.acquires.push_back(AcquireOf(++id));
    ASSERT_TRUE(Send(proxy, up).ok());
    EndTurn();
    Pass(absl::Milliseconds(10));
    told += static_cast<int>(proxy.sync->Take().size());
  }
  EXPECT_GE(told, 3) << "in a second in which half of it was used";
  EXPECT_LE(told, 6);
}

TEST_F(RegistrySync, TheTurnSaysWhenTheNextNumbersAreDue) {
  registry_.SetSnapshot(MakeSnapshot(7, 100'000), now());
  FakeProxy proxy = Attach("a");
  wire::PermitsUp up;
  for (uint64_t id = 1; id <= 20'000; ++id) up.acquires.push_back(AcquireOf(id));
  ASSERT_TRUE(Send(proxy, up).ok());
  const MonoTime due = EndTurn();
  ASSERT_LT(due - now().mono, absl::Seconds(1));
  proxy.Forget();
  Pass(due - now().mono);
  EndTurn();
  EXPECT_EQ(proxy.Told(PoolId(1)).limits(0).remaining(), 80'000);
}

}  // namespace
}  // namespace chain429
