// What a proxy says of itself when it attaches, and what waits behind that.
#include "tests/dataplane/link/core_fixture.h"

namespace chain429 {
namespace {

TEST_F(LinkCoreTest, AFirstHelloSaysWhoItIsAndNothingElse) {
  const wire::PermitsHello hello = Hello();
  EXPECT_EQ(hello.node, "team-a/one");
  EXPECT_EQ(hello.boot_id, "boot");
  EXPECT_FALSE(hello.epoch_seen);
  EXPECT_TRUE(hello.held.empty());
  EXPECT_TRUE(hello.recent.empty());
  EXPECT_TRUE(hello.closures.empty());
  const v1::SyncHello sync = SyncHello();
  EXPECT_EQ(sync.node(), "team-a/one");
  EXPECT_EQ(sync.boot_id(), "boot");
  EXPECT_EQ(sync.advertise(), "10.0.0.1:4290");
  EXPECT_EQ(sync.software_version(), "1.2");
  EXPECT_EQ(sync.known_version(), 0u);
}

TEST_F(LinkCoreTest, ALaterHelloSaysWhatIsHeld) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77, 4)).ok());
  Sent(77, 3);
  End(EndOf(77));
  Leave();
  core.OnDetached();
  const wire::PermitsHello hello = Hello();
  EXPECT_EQ(hello.epoch_seen, Epoch(kEpoch));
  ASSERT_EQ(hello.held.size(), 1u);
  EXPECT_EQ(hello.held[0].permit, PermitId(77));
  EXPECT_EQ(hello.held[0].target, TargetId(1));
  EXPECT_EQ(hello.held[0].pools, (std::vector<PoolId>{PoolId(11)}));
  EXPECT_EQ(hello.held[0].unused, 2u);
  EXPECT_EQ(hello.held[0].open, 2u);
  EXPECT_EQ(hello.held[0].tokens, 100);
  EXPECT_EQ(SyncHello().known_version(), 1u);
}

TEST_F(LinkCoreTest, AHelloSaysWhatWasUsedLately) {
  Attach();
  Configure();
  Settlement counted = EndOf(0, absl::Seconds(4));
  counted.usage = {.prompt_tokens = 30, .completion_tokens = 12, .seen = true};
  End(counted);
  Leave();
  Turn(absl::Seconds(10));
  const wire::PermitsHello hello = Hello();
  ASSERT_EQ(hello.recent.size(), 1u);
  EXPECT_EQ(hello.recent[0].pool, PoolId(11));
  EXPECT_EQ(hello.recent[0].age, absl::Seconds(14));
  EXPECT_EQ(hello.recent[0].requests, 1);
  EXPECT_EQ(hello.recent[0].tokens, 42);
}

TEST_F(LinkCoreTest, UseWithoutCountedTokensIsReportedAtItsCharge) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77, 4)).ok());
  Sent(77, 2);
  Settlement merged = EndOf(77);
  merged.count = 2;
  End(merged);
  Leave();
  const wire::PermitsHello hello = Hello();
  ASSERT_EQ(hello.recent.size(), 1u);
  EXPECT_EQ(hello.recent[0].requests, 2);
  EXPECT_EQ(hello.recent[0].tokens, 200);
}

TEST_F(LinkCoreTest, WhatTheProviderRefusedIsNoUse) {
  Attach();
  Configure();
  for (const ErrorClass error : {ErrorClass::kRateLimited, ErrorClass::kQuotaExhausted}) {
    Settlement refused = EndOf(0);
    refused.error_class = error;
    End(refused);
  }
  Settlement unsent = EndOf(0);
  unsent.charged = false;
  End(unsent);
  Leave();
  EXPECT_TRUE(Hello().recent.empty());
  Settlement broken = EndOf(0);
  broken.error_class = ErrorClass::kOverloaded;
  End(broken);
  Leave();
  EXPECT_EQ(Hello().recent.size(), 1u);
}

TEST_F(LinkCoreTest, AHelloSaysWhatIsClosed) {
  Attach();
  WorkerMail mail;
  mail.closures = {{PoolId(11), Closure::kRateLimited, absl::Seconds(60), true}};
  core.OnWorkerMail(0, std::move(mail), now);
  Turn(absl::Seconds(20));
  const wire::PermitsHello hello = Hello();
  ASSERT_EQ(hello.closures.size(), 1u);
  EXPECT_EQ(hello.closures[0].pool, PoolId(11));
  EXPECT_EQ(hello.closures[0].closed_for, absl::Seconds(40));
  EXPECT_TRUE(hello.closures[0].authoritative);
}

TEST_F(LinkCoreTest, AHelloAndWhatWaitsBehindItNeverTellOfTheSameAttemptTwice) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77)).ok());
  core.OnDetached();
  Sent(77);
  End(EndOf(77));
  // Neither has left: the attempt is held unused, and nothing was used yet.
  const wire::PermitsHello hello = Hello();
  ASSERT_EQ(hello.held.size(), 1u);
  EXPECT_EQ(hello.held[0].unused, 1u);
  EXPECT_EQ(hello.held[0].open, 0u);
  EXPECT_TRUE(hello.recent.empty());
  SyncHello();
  core.OnAttached(now);
  const wire::PermitsUp up = Leave();
  EXPECT_EQ(up.sent.size(), 1u);
  EXPECT_EQ(up.settlements.size(), 1u);
  // Now that they have left, it is the other way round.
  const wire::PermitsHello again = Hello();
  EXPECT_TRUE(again.held.empty());
  EXPECT_EQ(again.recent.size(), 1u);
}

TEST_F(LinkCoreTest, ReportsWaitForTheNextLinkAndGrowOlder) {
  Attach();
  Configure();
  core.OnDetached();
  End(EndOf(0, absl::Seconds(1)));
  Turn(absl::Seconds(9));
  Hello();
  SyncHello();
  core.OnAttached(now);
  const wire::PermitsUp up = Leave();
  ASSERT_EQ(up.settlements.size(), 1u);
  EXPECT_EQ(up.settlements[0].sent_age, absl::Seconds(10));
  // And are dated as they were sent when they are told once more.
  EXPECT_EQ(Hello().recent[0].age, absl::Seconds(10));
}

TEST_F(LinkCoreTest, ReportsLeaveBeforeTheAcquiresOfTheSameTurn) {
  Attach();
  Configure();
  WorkerMail mail;
  mail.acquires = {AskOf(IdOf(0, 1))};
  mail.sent = {{PermitId(5), 1, absl::ZeroDuration()}};
  mail.settlements = {EndOf(5)};
  mail.releases = {{PermitId(6), 1}};
  core.OnWorkerMail(0, std::move(mail), now);
  v1::PermitsUp up;
  ASSERT_TRUE(core.TakePermits(&up, now));
  EXPECT_EQ(up.sent_size(), 1);
  EXPECT_EQ(up.settlements_size(), 1);
  EXPECT_EQ(up.releases_size(), 1);
  EXPECT_EQ(up.acquires_size(), 1);
  EXPECT_FALSE(core.TakePermits(&up, now));
}

TEST_F(LinkCoreTest, WhatFindsNoRoomIsTakenIntoAccountByTheNextHello) {
  Attach();
  Configure();
  ASSERT_TRUE(Answer(Granted(IdOf(0, 1), 77, 1)).ok());
  core.OnDetached();
  WorkerMail full;
  for (size_t i = 0; i < Outbox::kMaxQueued; ++i) {
    full.sent.push_back({PermitId(1'000'000 + i), 1, absl::ZeroDuration()});
    full.settlements.push_back(EndOf(1'000'000 + i));
  }
  core.OnWorkerMail(1, std::move(full), now);
  Sent(77, 2);
  End(EndOf(77));
  const wire::PermitsHello hello = Hello();
  ASSERT_EQ(hello.held.size(), 1u);
  EXPECT_EQ(hello.held[0].unused, 0u);
  EXPECT_EQ(hello.held[0].open, 1u);
  ASSERT_EQ(hello.recent.size(), 1u);
  EXPECT_EQ(hello.recent[0].requests, 1);
}

TEST_F(LinkCoreTest, UsageIsCumulativeAndToldWhenDue) {
  Attach();
  Configure();
  v1::SyncUp up;
  End(EndOf(0));
  EXPECT_FALSE(core.TakeSync(&up));
  core.ReportUsage();
  ASSERT_TRUE(core.TakeSync(&up));
  ASSERT_EQ(up.usage().targets_size(), 1);
  EXPECT_EQ(up.usage().targets(0).name(), "p/m");
  EXPECT_EQ(up.usage().targets(0).attempts(), 1u);
  // Nothing new.
  core.ReportUsage();
  EXPECT_FALSE(core.TakeSync(&up));
  // The next one has all of it again, whether the last one arrived or not.
  End(EndOf(0));
  core.ReportUsage();
  v1::SyncUp second;
  ASSERT_TRUE(core.TakeSync(&second));
  EXPECT_EQ(second.usage().targets(0).attempts(), 2u);
  // And on a new stream though nothing has happened.
  core.OnDetached();
  Attach();
  core.ReportUsage();
  v1::SyncUp third;
  ASSERT_TRUE(core.TakeSync(&third));
  EXPECT_EQ(third.usage().targets(0).attempts(), 2u);
}

TEST_F(LinkCoreTest, UsageOfAModelThatNoSnapshotListsHasItsName) {
  Attach();
  Configure();
  WorkerMail mail;
  mail.acquires = {AskOf(IdOf(0, 1))};
  mail.acquires[0].candidates[0] = {.target = TargetId(99), .pools = {PoolId(98)}, .dynamic = {"p", "", "new-model"}};
  core.OnWorkerMail(0, std::move(mail), now);
  AcquireAnswer answer = Granted(IdOf(0, 1), 77);
  answer.permit.target = TargetId(99);
  ASSERT_TRUE(Answer(answer).ok());
  // Its pools are known from the asking.
  EXPECT_EQ(Hello().held[0].pools, (std::vector<PoolId>{PoolId(98)}));
  Settlement end = EndOf(77);
  end.target = TargetId(99);
  End(end);
  core.ReportUsage();
  v1::SyncUp up;
  ASSERT_TRUE(core.TakeSync(&up));
  EXPECT_EQ(up.usage().targets(0).name(), "p/new-model");
}

}  // namespace
}  // namespace chain429
