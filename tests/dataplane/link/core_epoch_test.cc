// Leaders that follow each other: a proxy hears the newest, whoever else still speaks.
#include "tests/dataplane/link/core_fixture.h"

namespace chain429 {
namespace {

TEST_F(LinkCoreTest, AnEarlierLeaderIsNotHeard) {
  Attach();
  Configure();
  const absl::Status status = Answer(Granted(IdOf(0, 1), 77), kEpoch - 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  PoolState state;
  state.pool = PoolId(11);
  state.closure = Closure::kRateLimited;
  state.closed_for = absl::Hours(1);
  EXPECT_FALSE(SayPool(state, kEpoch - 1).ok());
  EXPECT_FALSE(core.OnSync(Piece(2, 2, SnapshotBytes(), true, kEpoch - 1), now).ok());
  EXPECT_TRUE(core.TakeDeliveries().empty());
  EXPECT_TRUE(Hello().held.empty());
  EXPECT_TRUE(Hello().closures.empty());
  EXPECT_EQ(core.snapshot()->version, Version(1));
  EXPECT_EQ(core.epoch(), Epoch(kEpoch));
}

TEST_F(LinkCoreTest, AnEarlierLeaderIsNotHeardOnANewLinkEither) {
  Attach();
  core.OnDetached();
  Hello();
  SyncHello();
  core.OnAttached(now);
  EXPECT_FALSE(Say({.epoch = Epoch(kEpoch - 1), .answers = {}, .leader = {}, .pools = {}}).ok());
}

TEST_F(LinkCoreTest, TheFirstLeaderVoidsNothing) {
  Hello();
  SyncHello();
  core.OnAttached(now);
  EXPECT_TRUE(Say({.epoch = Epoch(kEpoch), .answers = {}, .leader = {}, .pools = {}}).ok());
  for (const LinkMail& mail : MailFor(0)) EXPECT_FALSE(mail.forget_permits);
  EXPECT_EQ(Hello().epoch_seen, Epoch(kEpoch));
}

TEST_F(LinkCoreTest, ANewLeaderVoidsWhatIsUnusedAndNothingThatIsOpen) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77, 4)).ok());
  Sent(77, 2);
  Leave();
  core.TakeDeliveries();
  core.OnDetached();
  // The hello was for whoever takes it: the unused ones are in it.
  EXPECT_EQ(Hello().held[0].unused, 3u);
  SyncHello();
  core.OnAttached(now);
  core.TakeDeliveries();
  ASSERT_TRUE(Say({.epoch = Epoch(kEpoch + 1), .answers = {}, .leader = {}, .pools = {}}).ok());
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  for (const LinkCore::Delivery& delivery : deliveries) EXPECT_TRUE(delivery.mail.forget_permits);
  const wire::PermitsHello hello = Hello();
  EXPECT_EQ(hello.epoch_seen, Epoch(kEpoch + 1));
  ASSERT_EQ(hello.held.size(), 1u);
  EXPECT_EQ(hello.held[0].unused, 0u);
  EXPECT_EQ(hello.held[0].open, 2u);
}

TEST_F(LinkCoreTest, TheSameLeaderOnANewLinkVoidsNothing) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  core.TakeDeliveries();
  core.OnDetached();
  Attach();
  EXPECT_EQ(Hello().held.size(), 1u);
}

TEST_F(LinkCoreTest, AnAnswerOfTheOldLeaderIsNotTakenForTheNewOnes) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  ASSERT_TRUE(Answer(Granted(IdOf(0, 2), 88), kEpoch + 1).ok());
  const std::vector<LinkMail> mails = MailFor(0);
  // The word that voids stands between them.
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].answers[0].permit.id, PermitId(77));
  EXPECT_FALSE(mails[0].forget_permits);
  EXPECT_TRUE(mails[1].forget_permits);
  EXPECT_EQ(mails[1].answers[0].permit.id, PermitId(88));
  ASSERT_EQ(Hello().held.size(), 1u);
  EXPECT_EQ(Hello().held[0].permit, PermitId(88));
}

TEST_F(LinkCoreTest, ANewLeaderMaySpeakFirstOnEitherStream) {
  Attach();
  Configure();
  ASSERT_TRUE(core.OnSync(Piece(3, 3, SnapshotBytes(), true, kEpoch + 1), now).ok());
  EXPECT_EQ(core.epoch(), Epoch(kEpoch + 1));
  EXPECT_FALSE(Answer(Granted(IdOf(0, 1), 77), kEpoch).ok());
}

TEST_F(LinkCoreTest, AReplicaThatIsNotTheLeaderSaysWhoIsWhateverItsEpoch) {
  Attach();
  EXPECT_EQ(core.TakeRedirect(), "");
  EXPECT_FALSE(Say({.epoch = Epoch(kEpoch - 1), .answers = {}, .leader = "10.0.0.9:4292", .pools = {}}).ok());
  EXPECT_EQ(core.TakeRedirect(), "10.0.0.9:4292");
  EXPECT_EQ(core.TakeRedirect(), "");
}

}  // namespace
}  // namespace chain429
