#include "dataplane/link/outbox.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

MonoTime At(absl::Duration since_start) { return MonoTime::FromNanos(1'000'000'000'000) + since_start; }
const MonoTime kStart = At(absl::ZeroDuration());

SentReport Sent(uint64_t permit, absl::Duration age = {}) { return {PermitId(permit), 1, age}; }

Settlement Ended(uint64_t permit) {
  Settlement settlement;
  settlement.permit = PermitId(permit);
  settlement.target = TargetId(1);
  settlement.pools = {PoolId(1)};
  return settlement;
}

Acquire Asked(uint64_t id) {
  Acquire acquire;
  acquire.id = AcquireId(id);
  return acquire;
}

TEST(Outbox, GathersWhatSeveralWorkersSayIntoOneMessage) {
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  WorkerMail first;
  first.sent = {Sent(1)};
  first.acquires = {Asked(1)};
  WorkerMail second;
  second.sent = {Sent(2)};
  second.settlements = {Ended(2)};
  second.releases = {{PermitId(3), 4}};
  second.cancels = {AcquireId(9)};
  outbox.Add(std::move(first), kStart);
  outbox.Add(std::move(second), kStart);
  const wire::PermitsUp up = outbox.Take(kStart);
  ASSERT_EQ(up.sent.size(), 2u);
  EXPECT_EQ(up.sent[0].permit, PermitId(1));
  EXPECT_EQ(up.sent[1].permit, PermitId(2));
  EXPECT_EQ(up.settlements.size(), 1u);
  ASSERT_EQ(up.releases.size(), 1u);
  EXPECT_EQ(up.releases[0].count, 4u);
  EXPECT_EQ(up.cancels, (std::vector<AcquireId>{AcquireId(9)}));
  ASSERT_EQ(up.acquires.size(), 1u);
  EXPECT_EQ(up.acquires[0].id, AcquireId(1));
  EXPECT_FALSE(up.hello);
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, AgesGrowWhileSomethingWaits) {
  Outbox outbox;
  WorkerMail mail;
  mail.sent = {Sent(1, absl::Milliseconds(5))};
  Settlement settlement = Ended(1);
  settlement.sent_age = absl::Seconds(2);
  settlement.retry_after = absl::Seconds(30);
  Reading reading;
  reading.limit = 10;
  reading.reset_after = absl::Seconds(20);
  Reading endless = reading;
  endless.reset_after = absl::InfiniteDuration();
  settlement.readings = {reading, endless};
  mail.settlements = {settlement};
  outbox.Add(std::move(mail), kStart);
  const wire::PermitsUp up = outbox.Take(At(absl::Seconds(8)));
  EXPECT_EQ(up.sent[0].age, absl::Seconds(8) + absl::Milliseconds(5));
  EXPECT_EQ(up.settlements[0].sent_age, absl::Seconds(10));
  EXPECT_EQ(up.settlements[0].retry_after, absl::Seconds(22));
  EXPECT_EQ(up.settlements[0].readings[0].reset_after, absl::Seconds(12));
  EXPECT_EQ(up.settlements[0].readings[1].reset_after, absl::InfiniteDuration());
}

TEST(Outbox, AWaitThatHasPassedIsStillAWait) {
  Outbox outbox;
  WorkerMail mail;
  mail.settlements = {Ended(1), Ended(2)};
  mail.settlements[0].retry_after = absl::Seconds(3);
  mail.settlements[0].readings.resize(1);
  mail.settlements[0].readings[0].reset_after = absl::Seconds(3);
  outbox.Add(std::move(mail), kStart);
  const wire::PermitsUp up = outbox.Take(At(absl::Seconds(8)));
  // Nothing at all would mean that the provider did not say.
  EXPECT_GT(up.settlements[0].retry_after, absl::ZeroDuration());
  EXPECT_LT(up.settlements[0].retry_after, absl::Seconds(1));
  EXPECT_EQ(up.settlements[0].readings[0].reset_after, absl::ZeroDuration());
  EXPECT_EQ(up.settlements[1].retry_after, absl::ZeroDuration());
}

TEST(Outbox, MessagesAreBoundedAndKeepTheOrder) {
  Outbox outbox;
  WorkerMail mail;
  const uint64_t count = Outbox::kMaxPerMessage + 500;
  for (uint64_t i = 1; i <= count; ++i) {
    mail.sent.push_back(Sent(i));
    mail.settlements.push_back(Ended(i));
    mail.releases.push_back({PermitId(i), 1});
  }
  outbox.Add(std::move(mail), kStart);
  std::vector<PermitId> sent;
  std::vector<PermitId> ended;
  std::vector<PermitId> released;
  while (!outbox.empty()) {
    const wire::PermitsUp up = outbox.Take(kStart);
    EXPECT_LE(up.sent.size(), Outbox::kMaxPerMessage);
    EXPECT_LE(up.settlements.size(), Outbox::kMaxPerMessage);
    // No attempt ends before the control plane has heard that it began.
    EXPECT_TRUE(up.settlements.empty() || sent.size() + up.sent.size() == count);
    EXPECT_TRUE(up.releases.empty() || ended.size() + up.settlements.size() == count);
    for (const SentReport& report : up.sent) sent.push_back(report.permit);
    for (const Settlement& settlement : up.settlements) ended.push_back(settlement.permit);
    for (const PermitRelease& release : up.releases) released.push_back(release.permit);
  }
  for (const auto* ids : {&sent, &ended, &released}) {
    ASSERT_EQ(ids->size(), count);
    EXPECT_TRUE(std::is_sorted(ids->begin(), ids->end()));
  }
}

TEST(Outbox, AcquiresDoNotWaitForALongQueueOfReports) {
  Outbox outbox;
  WorkerMail mail;
  for (uint64_t i = 0; i < 3 * Outbox::kMaxPerMessage; ++i) mail.sent.push_back(Sent(i + 1));
  mail.acquires = {Asked(1)};
  outbox.Add(std::move(mail), kStart);
  EXPECT_EQ(outbox.Take(kStart).acquires.size(), 1u);
}

TEST(Outbox, AnAcquireThatIsCancelledBeforeItLeftStaysHere) {
  Outbox outbox;
  WorkerMail ask;
  ask.acquires = {Asked(1), Asked(2)};
  outbox.Add(std::move(ask), kStart);
  WorkerMail cancel;
  cancel.cancels = {AcquireId(1)};
  outbox.Add(std::move(cancel), kStart);
  const wire::PermitsUp up = outbox.Take(kStart);
  ASSERT_EQ(up.acquires.size(), 1u);
  EXPECT_EQ(up.acquires[0].id, AcquireId(2));
  EXPECT_TRUE(up.cancels.empty());
}

TEST(Outbox, ACancelOfOneThatHasLeftFollowsIt) {
  Outbox outbox;
  WorkerMail ask;
  ask.acquires = {Asked(1)};
  outbox.Add(std::move(ask), kStart);
  outbox.Take(kStart);
  WorkerMail cancel;
  cancel.cancels = {AcquireId(1)};
  outbox.Add(std::move(cancel), kStart);
  EXPECT_EQ(outbox.Take(kStart).cancels, (std::vector<AcquireId>{AcquireId(1)}));
}

TEST(Outbox, AcquiresThatNobodyWaitsForAreDroppedAndReportsStay) {
  Outbox outbox;
  WorkerMail mail;
  mail.acquires = {Asked(1)};
  mail.cancels = {AcquireId(9)};
  mail.settlements = {Ended(1)};
  outbox.Add(std::move(mail), kStart);
  outbox.DropAcquires();
  const wire::PermitsUp up = outbox.Take(kStart);
  EXPECT_TRUE(up.acquires.empty());
  EXPECT_TRUE(up.cancels.empty());
  EXPECT_EQ(up.settlements.size(), 1u);
}

TEST(Outbox, IsBoundedAndHandsBackWhatFindsNoRoom) {
  Outbox outbox;
  WorkerMail mail;
  for (uint64_t i = 1; i <= Outbox::kMaxQueued + 3; ++i) {
    mail.sent.push_back(Sent(i));
    mail.settlements.push_back(Ended(i));
    mail.releases.push_back({PermitId(i), 1});
    mail.acquires.push_back(Asked(i));
    mail.cancels.push_back(AcquireId(1'000'000 + i));
  }
  // Cancels look at every acquire that waits; that is not what this is about.
  const std::vector<AcquireId> cancels = std::exchange(mail.cancels, {});
  const Outbox::Overflow overflow = outbox.Add(std::move(mail), kStart);
  ASSERT_EQ(overflow.sent.size(), 3u);
  ASSERT_EQ(overflow.settlements.size(), 3u);
  ASSERT_EQ(overflow.releases.size(), 3u);
  EXPECT_EQ(overflow.sent[0].permit, PermitId(Outbox::kMaxQueued + 1));
  EXPECT_EQ(overflow.settlements[2].permit, PermitId(Outbox::kMaxQueued + 3));
  outbox.DropAcquires();
  WorkerMail many;
  many.cancels = cancels;
  outbox.Add(std::move(many), kStart);
  size_t left = 0;
  size_t cancelled = 0;
  while (!outbox.empty()) {
    const wire::PermitsUp up = outbox.Take(kStart);
    left += up.sent.size() + up.settlements.size() + up.releases.size();
    cancelled += up.cancels.size();
  }
  EXPECT_EQ(left, 3 * Outbox::kMaxQueued);
  EXPECT_EQ(cancelled, Outbox::kMaxQueued);
}

}  // namespace
}  // namespace chain429
