// Acquires, their answers, and what becomes of both when the link goes.
#include "tests/dataplane/link/core_fixture.h"

namespace chain429 {
namespace {

TEST_F(LinkCoreTest, AnAnswerGoesToTheWorkerThatAsked) {
  Attach();
  Configure();
  Ask(1, 8);
  EXPECT_EQ(Leave().acquires.size(), 1u);
  ASSERT_TRUE(Answer(Granted(IdOf(1, 8), 77)).ok());
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].worker, 1u);
  ASSERT_EQ(deliveries[0].mail.answers.size(), 1u);
  EXPECT_EQ(deliveries[0].mail.answers[0].permit.id, PermitId(77));
  EXPECT_TRUE(core.TakeDeliveries().empty());
}

TEST_F(LinkCoreTest, AnswersOfOneTurnAreOneLetter) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  ASSERT_TRUE(Answer(Granted(IdOf(0, 2), 78)).ok());
  const std::vector<LinkMail> mails = MailFor(0);
  ASSERT_EQ(mails.size(), 1u);
  ASSERT_EQ(mails[0].answers.size(), 2u);
  EXPECT_EQ(mails[0].answers[0].permit.id, PermitId(77));
  EXPECT_EQ(mails[0].answers[1].permit.id, PermitId(78));
}

TEST_F(LinkCoreTest, ALinkWithNothingToSaySaysSoNowAndThen) {
  v1::PermitsUp up;
  EXPECT_EQ(core.next_beat(), MonoTime::Max()) << "nobody is there";
  Attach();
  EXPECT_EQ(core.next_beat(), now + LinkCore::kBeatEvery);
  Turn(LinkCore::kBeatEvery - absl::Milliseconds(1));
  EXPECT_FALSE(core.TakePermits(&up, now));
  Turn(absl::Milliseconds(1));
  ASSERT_TRUE(core.TakePermits(&up, now));
  EXPECT_EQ(up.ByteSizeLong(), 0u);
  EXPECT_FALSE(core.TakePermits(&up, now));
  EXPECT_EQ(core.next_beat(), now + LinkCore::kBeatEvery);
  core.OnDetached();
  EXPECT_EQ(core.next_beat(), MonoTime::Max());
}

TEST_F(LinkCoreTest, ADenialAndAWordToGoAloneAreHandedOn) {
  Attach();
  Configure();
  AcquireAnswer denied;
  denied.acquire = IdOf(0, 1);
  denied.denials = {{TargetId(1), PoolId(11), true, Closure::kRateLimited, absl::Seconds(4)}};
  ASSERT_TRUE(Answer(denied).ok());
  AcquireAnswer alone;
  alone.acquire = IdOf(0, 2);
  alone.alone = true;
  ASSERT_TRUE(Answer(alone).ok());
  const std::vector<LinkMail> mails = MailFor(0);
  ASSERT_EQ(mails.size(), 1u);
  ASSERT_EQ(mails[0].answers.size(), 2u);
  EXPECT_FALSE(mails[0].answers[0].granted);
  EXPECT_EQ(mails[0].answers[0].denials[0].retry_after, absl::Seconds(4));
  EXPECT_TRUE(mails[0].answers[1].alone);
  EXPECT_TRUE(Hello().held.empty());
}

TEST_F(LinkCoreTest, APermitForAWorkerThatIsNotThereGoesBack) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(9, 1), 77, 4)).ok());
  EXPECT_TRUE(core.TakeDeliveries().empty());
  EXPECT_TRUE(Hello().held.empty());
  const wire::PermitsUp up = Leave();
  ASSERT_EQ(up.releases.size(), 1u);
  EXPECT_EQ(up.releases[0].permit, PermitId(77));
  EXPECT_EQ(up.releases[0].count, 5u);
}

TEST_F(LinkCoreTest, NothingIsAskedWhileTheControlPlaneIsAway) {
  Configure();
  Ask(0, 1);
  WorkerMail cancel;
  cancel.cancels = {IdOf(0, 1)};
  core.OnWorkerMail(0, std::move(cancel), now);
  Attach();
  const wire::PermitsUp up = Leave();
  EXPECT_TRUE(up.acquires.empty());
  EXPECT_TRUE(up.cancels.empty());
}

TEST_F(LinkCoreTest, WhatWasAskedBeforeTheLinkBrokeIsNotAskedOnTheNext) {
  Attach();
  Configure();
  Ask(0, 1);
  core.OnDetached();
  Attach();
  EXPECT_TRUE(Leave().acquires.empty());
}

TEST_F(LinkCoreTest, EveryWorkerHearsThatTheLinkCameAndWent) {
  Hello();
  SyncHello();
  core.OnAttached(now);
  EXPECT_TRUE(core.attached());
  const std::vector<LinkCore::Delivery> came = core.TakeDeliveries();
  ASSERT_EQ(came.size(), 2u);
  for (const LinkCore::Delivery& delivery : came) EXPECT_EQ(delivery.mail.status, LinkMail::Status::kAttached);
  core.OnAttached(now);
  EXPECT_TRUE(core.TakeDeliveries().empty());

  core.OnDetached();
  EXPECT_FALSE(core.attached());
  const std::vector<LinkCore::Delivery> went = core.TakeDeliveries();
  ASSERT_EQ(went.size(), 2u);
  for (const LinkCore::Delivery& delivery : went) EXPECT_EQ(delivery.mail.status, LinkMail::Status::kDetached);
  core.OnDetached();
  EXPECT_TRUE(core.TakeDeliveries().empty());
}

TEST_F(LinkCoreTest, GoneAndBackAgainWithinOneTurnIsTwoPiecesOfNews) {
  Attach();
  core.OnDetached();
  core.OnAttached(now);
  const std::vector<LinkMail> mails = MailFor(1);
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].status, LinkMail::Status::kDetached);
  EXPECT_EQ(mails[1].status, LinkMail::Status::kAttached);
}

TEST_F(LinkCoreTest, AnAnswerThatCameBeforeTheLinkWentIsDeliveredWithOrBeforeThatNews) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  core.OnDetached();
  const std::vector<LinkMail> mails = MailFor(0);
  // A worker takes the answers of a letter before the loss of the link that it tells.
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].answers.size(), 1u);
  EXPECT_EQ(mails[0].status, LinkMail::Status::kDetached);
}

TEST_F(LinkCoreTest, ADrainGoesToEveryWorker) {
  Attach();
  v1::SyncDown down;
  down.set_epoch(kEpoch);
  down.mutable_drain();
  ASSERT_TRUE(core.OnSync(down, now).ok());
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  for (const LinkCore::Delivery& delivery : deliveries) EXPECT_TRUE(delivery.mail.drain);
}

TEST_F(LinkCoreTest, AMessageWithOneBadPartIsIgnoredWhole) {
  Attach();
  Configure();
  wire::PermitsDown down;
  down.epoch = Epoch(kEpoch);
  down.answers = {Granted(IdOf(0, 1), 77)};
  v1::PermitsDown message;
  wire::Encode(down, &message);
  message.add_answers();  // without a number
  const absl::Status status = core.OnPermits(message, now);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(core.TakeDeliveries().empty());
  EXPECT_TRUE(Hello().held.empty());
}

TEST_F(LinkCoreTest, WhatANewerControlPlaneSaysBeyondItIsIgnored) {
  Attach();
  v1::SyncDown down;
  down.set_epoch(kEpoch);
  EXPECT_TRUE(core.OnSync(down, now).ok());
  EXPECT_TRUE(core.TakeDeliveries().empty());
}

}  // namespace
}  // namespace chain429
