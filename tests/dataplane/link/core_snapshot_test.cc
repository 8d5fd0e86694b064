// Snapshots: applied and acknowledged, or refused with a reason while the last good one goes on serving.
#include "tests/dataplane/link/core_fixture.h"

namespace chain429 {
namespace {

TEST_F(LinkCoreTest, ASnapshotIsAppliedByEveryWorkerAndAcknowledged) {
  Attach();
  ASSERT_TRUE(core.OnSync(Piece(9, 3, SnapshotBytes(), true), now).ok());
  ASSERT_NE(core.snapshot(), nullptr);
  EXPECT_EQ(core.snapshot()->version, Version(3));
  EXPECT_EQ(resolved, 1);
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  for (const LinkCore::Delivery& delivery : deliveries) {
    ASSERT_NE(delivery.mail.snapshot, nullptr);
    // One snapshot, and an owner for each, so that no count travels between cores.
    EXPECT_EQ(delivery.mail.snapshot.get(), core.snapshot().get());
    EXPECT_EQ(delivery.mail.snapshot.use_count(), 1);
  }
  v1::SyncUp up;
  ASSERT_TRUE(core.TakeSync(&up));
  EXPECT_EQ(up.ack().nonce(), 9u);
  EXPECT_EQ(up.ack().version(), 3u);
  EXPECT_FALSE(core.TakeSync(&up));
}

TEST_F(LinkCoreTest, ASnapshotInPiecesIsAppliedWithTheLast) {
  Attach();
  const std::string bytes = SnapshotBytes();
  ASSERT_TRUE(core.OnSync(Piece(1, 1, bytes.substr(0, 5), false), now).ok());
  EXPECT_EQ(core.snapshot(), nullptr);
  EXPECT_TRUE(core.TakeDeliveries().empty());
  ASSERT_TRUE(core.OnSync(Piece(1, 1, bytes.substr(5), true), now).ok());
  EXPECT_NE(core.snapshot(), nullptr);
}

TEST_F(LinkCoreTest, ABadSnapshotIsRefusedWithItsReasonAndTheLastGoodOneServes) {
  Attach();
  Configure(1);
  const std::shared_ptr<const Snapshot> good = core.snapshot();
  EXPECT_FALSE(core.OnSync(Piece(2, 2, "\xff\xff\xff", true), now).ok());
  EXPECT_EQ(core.snapshot(), good);
  EXPECT_EQ(core.refusals(), 1u);
  EXPECT_TRUE(core.TakeDeliveries().empty());
  v1::SyncUp up;
  ASSERT_TRUE(core.TakeSync(&up));
  EXPECT_EQ(up.nack().nonce(), 2u);
  EXPECT_EQ(up.nack().version(), 2u);
  EXPECT_FALSE(up.nack().error().empty());
  // What follows is judged for itself.
  ASSERT_TRUE(core.OnSync(Piece(3, 3, SnapshotBytes(), true), now).ok());
  EXPECT_EQ(core.snapshot()->version, Version(3));
}

TEST_F(LinkCoreTest, AReferenceThatLeadsNowhereIsRefusedByItsPath) {
  Attach();
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(SnapshotBytes()));
  snapshot.mutable_targets(0)->set_pools(0, 999);
  EXPECT_FALSE(core.OnSync(Piece(2, 2, snapshot.SerializeAsString(), true), now).ok());
  v1::SyncUp up;
  ASSERT_TRUE(core.TakeSync(&up));
  EXPECT_NE(up.nack().error().find("targets[0].pools"), std::string::npos) << up.nack().error();
}

TEST_F(LinkCoreTest, AnswersToSnapshotsLeaveInOrderBeforeUsage) {
  Attach();
  ASSERT_TRUE(core.OnSync(Piece(1, 1, SnapshotBytes(), true), now).ok());
  EXPECT_FALSE(core.OnSync(Piece(2, 2, "\xff\xff\xff", true), now).ok());
  End(EndOf(0));
  core.ReportUsage();
  v1::SyncUp first;
  v1::SyncUp second;
  v1::SyncUp third;
  ASSERT_TRUE(core.TakeSync(&first));
  ASSERT_TRUE(core.TakeSync(&second));
  ASSERT_TRUE(core.TakeSync(&third));
  EXPECT_TRUE(first.has_ack());
  EXPECT_TRUE(second.has_nack());
  EXPECT_TRUE(third.has_usage());
}

TEST_F(LinkCoreTest, HalfASnapshotDiesWithItsStream) {
  Attach();
  const std::string bytes = SnapshotBytes();
  ASSERT_TRUE(core.OnSync(Piece(1, 1, bytes.substr(0, 5), false), now).ok());
  core.OnDetached();
  Attach();
  ASSERT_TRUE(core.OnSync(Piece(1, 1, bytes, true), now).ok());
  EXPECT_NE(core.snapshot(), nullptr);
}

TEST_F(LinkCoreTest, AnswersToSnapshotsAreForTheStreamThatBroughtThem) {
  Attach();
  ASSERT_TRUE(core.OnSync(Piece(1, 1, SnapshotBytes(), true), now).ok());
  core.OnDetached();
  // The next hello says what is served.
  EXPECT_EQ(SyncHello().known_version(), 1u);
  v1::SyncUp up;
  EXPECT_FALSE(core.TakeSync(&up));
}

TEST_F(LinkCoreTest, ABootstrapServesUntilTheControlPlaneSendsASnapshot) {
  auto snapshot = std::make_shared<Snapshot>(*wire::ParseSnapshot(SnapshotBytes(), Version(0)));
  core.Bootstrap(snapshot);
  EXPECT_EQ(core.snapshot(), snapshot);
  EXPECT_EQ(core.TakeDeliveries().size(), 2u);
  EXPECT_EQ(SyncHello().known_version(), 0u);
  Attach();
  Configure(4);
  EXPECT_EQ(core.snapshot()->version, Version(4));
}

TEST_F(LinkCoreTest, PermitsOfATargetThatASnapshotTookAwayKeepTheirPools) {
  Attach();
  Configure(1);
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  v1::Snapshot without;
  ASSERT_TRUE(without.ParseFromString(SnapshotBytes()));
  without.clear_targets();
  ASSERT_TRUE(core.OnSync(Piece(2, 2, without.SerializeAsString(), true), now).ok());
  EXPECT_EQ(Hello().held[0].pools, (std::vector<PoolId>{PoolId(11)}));
}

}  // namespace
}  // namespace chain429
