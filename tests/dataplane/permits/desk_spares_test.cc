#include "tests/dataplane/permits/desk_fixture.h"

namespace chain429 {
namespace {

TEST_F(DeskTest, UnlimitedTargetsAreFree) {
  EXPECT_EQ(GateOf(2), Gate::kFree);
  EXPECT_EQ(desk.Take(target(2), Gate::kFree, 100, now).permit, PermitId());
}

TEST_F(DeskTest, WhoHasHeardNothingOfAPoolAsksBeforeCallingIt) {
  AddTarget(4000, {PoolId(40)}, {});
  EXPECT_EQ(GateOf(3), Gate::kAsk);
  EXPECT_EQ(GateOf(3, 0, /*alone=*/true), Gate::kFree) << "nobody is there to be asked";
  LinkMail mail;
  mail.closures = {{PoolId(40), Closure::kRateLimited, absl::Seconds(1), false}};
  desk.OnMail(mail, now);
  Advance(absl::Seconds(2));
  EXPECT_EQ(GateOf(3), Gate::kAsk) << "another worker's word is not the control plane's";
  mail = {};
  mail.pools = {Unlimited(40)};
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(3), Gate::kFree);
}

TEST_F(DeskTest, AHeldAcquireIsAnsweredWhenMoreIsKnown) {
  RecordingWaiter waiter;
  const AcquireId id = Ask(0, &waiter);
  AcquireAnswer held;
  held.acquire = id;
  held.held = true;
  Deliver(held);
  AdvanceWithTimer(absl::Milliseconds(1100));
  EXPECT_EQ(waiter.calls, 0);
  Deliver(Granted(id, 50, 1000, 0));
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_TRUE(waiter.last.granted);
}

TEST_F(DeskTest, AHeldAcquireThatIsForgottenIsGivenUp) {
  RecordingWaiter waiter;
  AcquireAnswer held;
  held.acquire = Ask(0, &waiter);
  held.held = true;
  Deliver(held);
  AdvanceWithTimer(absl::Seconds(3));
  EXPECT_EQ(waiter.unanswered, 1);
}

TEST_F(DeskTest, AWatchedAttemptTellsThatItsAnswerHasBegun) {
  RecordingWaiter waiter;
  AcquireAnswer answer = Granted(Ask(0, &waiter), 50, 1000, 0);
  answer.permit.watched = true;
  Deliver(answer);
  Grant grant = desk.Accept(waiter.last, now);
  desk.TakeMail(now, true);
  desk.Sent(grant, now);
  Advance(absl::Milliseconds(300));
  Reading reading;
  reading.limit = 30;
  reading.remaining = 29;
  desk.Begun(grant, target(0), {reading}, now - absl::Milliseconds(300), now);
  EXPECT_TRUE(desk.mail_urgent());
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.sent.size(), 1u);
  ASSERT_EQ(mail.settlements.size(), 1u);
  EXPECT_TRUE(mail.settlements[0].begun);
  EXPECT_EQ(mail.settlements[0].permit, PermitId(50));
  EXPECT_EQ(mail.settlements[0].sent_age, absl::Milliseconds(300));
  EXPECT_EQ(mail.settlements[0].readings, std::vector<Reading>{reading});
  desk.Settle(grant, target(0), {}, now, now);
  const WorkerMail end = desk.TakeMail(now, true);
  ASSERT_EQ(end.settlements.size(), 1u);
  EXPECT_FALSE(end.settlements[0].begun);
}

TEST_F(DeskTest, OtherAttemptsTellNothingBeforeTheirEnd) {
  const Grant grant = GrantWithSpares(50, 0);
  desk.TakeMail(now, true);
  desk.Begun(grant, target(0), {}, now, now);
  EXPECT_TRUE(desk.TakeMail(now, true).empty());
}

TEST_F(DeskTest, ConfiguredLimitsNeedAPermitBeforeTheControlPlaneSaidAnything) {
  AddTarget(4000, {PoolId(20)}, {});
  pool(20).limits.emplace_back();
  EXPECT_EQ(GateOf(3), Gate::kAsk);
  EXPECT_EQ(GateOf(3, 0, /*alone=*/true), Gate::kExhausted);
}

TEST_F(DeskTest, AModelThatNoSnapshotListsIsAskedForWhereItsProviderIsLimited) {
  Target dynamic = target(2);
  dynamic.id = TargetId(77);
  dynamic.pools = {PoolId(770)};
  EXPECT_EQ(desk.Consult(snapshot, dynamic, 0, true, now).gate, Gate::kFree);
  snapshot.providers[0].catalogue_limits.emplace_back();
  EXPECT_EQ(desk.Consult(snapshot, dynamic, 0, false, now).gate, Gate::kAsk);
  LinkMail mail;
  mail.pools.push_back({});
  mail.pools.back().pool = PoolId(770);
  desk.OnMail(mail, now);
  EXPECT_EQ(desk.Consult(snapshot, dynamic, 0, false, now).gate, Gate::kFree);
}

TEST_F(DeskTest, AnswerBecomesTheFirstAttemptAndItsSparesFollow) {
  EXPECT_EQ(GateOf(0), Gate::kAsk);
  const Grant first = GrantWithSpares(50, 2, 100);
  EXPECT_EQ(first.permit, PermitId(50));
  EXPECT_EQ(first.use, 0u);
  EXPECT_EQ(first.target, TargetId(1000));
  EXPECT_EQ(GateOf(0), Gate::kSpare);
  EXPECT_EQ(GateOf(1), Gate::kAsk);
  EXPECT_EQ(desk.Take(target(0), Gate::kSpare, 0, now).use, 1u);
  EXPECT_EQ(desk.Take(target(0), Gate::kSpare, 0, now).use, 2u);
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, AcquireIdsNameTheirWorker) {
  RecordingWaiter waiter;
  const AcquireId a = Ask(0, &waiter);
  const AcquireId b = Ask(0, &waiter);
  EXPECT_EQ(a.value() >> 56, 3u);
  EXPECT_NE(a, b);
  desk.Cancel(a);
  desk.Cancel(b);
}

TEST_F(DeskTest, SpareFitsRequestsNoLargerThanTheOneItWasAskedFor) {
  GrantWithSpares(50, 1, 30, 100);
  EXPECT_EQ(GateOf(0, 100), Gate::kSpare);
  EXPECT_EQ(GateOf(0, 101), Gate::kAsk);
  GrantWithSpares(51, 1, 150, 500);
  EXPECT_EQ(GateOf(0, 101), Gate::kSpare);
  const Grant grant = desk.Take(target(0), Gate::kSpare, 101, now);
  EXPECT_EQ(grant.permit, PermitId(51));
}

TEST_F(DeskTest, SparesOfPoolsThatCountNoTokensFitEveryRequest) {
  GrantWithSpares(50, 1, 0);
  EXPECT_EQ(GateOf(0, 1'000'000), Gate::kSpare);
}

TEST_F(DeskTest, FirstRequestAsksForNoSparesABurstForFourTimesItsSize) {
  RecordingWaiter waiter;
  std::vector<AcquireId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(Ask(0, &waiter));
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.acquires.size(), 10u);
  EXPECT_EQ(mail.acquires[0].spares_wanted, 0u);
  uint32_t wanted = 0;
  for (const Acquire& acquire : mail.acquires) wanted += acquire.spares_wanted;
  EXPECT_EQ(wanted, 40u);  // what is under way already is not asked for again
  for (const AcquireId id : ids) desk.Cancel(id);
}

TEST_F(DeskTest, RefillsInTheBackgroundBeforeSparesRunOut) {
  GrantWithSpares(50, 8, 100);
  for (int i = 0; i < 4; ++i) desk.Take(target(0), Gate::kSpare, 0, now);
  EXPECT_TRUE(desk.TakeMail(now, false).acquires.empty());
  desk.Take(target(0), Gate::kSpare, 0, now);
  WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.acquires.size(), 1u);
  const Acquire refill = mail.acquires[0];
  EXPECT_EQ(refill.candidates.size(), 1u);
  EXPECT_EQ(refill.candidates[0].target, TargetId(1000));
  EXPECT_EQ(refill.candidates[0].pools, target(0).pools);
  EXPECT_EQ(refill.prompt_tokens, 7);
  EXPECT_EQ(refill.spares_wanted + 1, 6 * 4 - 3u);
  desk.Take(target(0), Gate::kSpare, 0, now);
  EXPECT_TRUE(desk.TakeMail(now, false).acquires.empty()) << "one at a time";
  Deliver(Granted(refill.id, 51, 1000, 9, 100));
  int spares = 0;
  for (; GateOf(0) == Gate::kSpare; ++spares) {
    const Grant grant = desk.Take(target(0), Gate::kSpare, 0, now);
    if (grant.permit == PermitId(51)) {
      EXPECT_EQ(grant.use, static_cast<uint32_t>(spares - 2)) << "a refill's own attempt is a spare too";
    }
  }
  EXPECT_EQ(spares, 2 + 10);
}

TEST_F(DeskTest, RefusedRefillIsNotRepeatedForEveryRequest) {
  GrantWithSpares(50, 8);
  for (int i = 0; i < 5; ++i) desk.Take(target(0), Gate::kSpare, 0, now);
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.acquires.size(), 1u);
  AcquireAnswer denied;
  denied.acquire = mail.acquires[0].id;
  Deliver(denied);
  desk.Take(target(0), Gate::kSpare, 0, now);
  EXPECT_TRUE(desk.TakeMail(now, false).acquires.empty());
  Advance(absl::Milliseconds(51));
  desk.Take(target(0), Gate::kSpare, 0, now);
  EXPECT_EQ(desk.TakeMail(now, false).acquires.size(), 1u);
}

TEST_F(DeskTest, PoolsThatGiveSinglePermitsAreNotRefilled) {
  for (int i = 0; i < 5; ++i) GrantWithSpares(50 + static_cast<uint64_t>(i), 0);
  EXPECT_TRUE(desk.TakeMail(now, true).acquires.empty());
}

TEST_F(DeskTest, SparesAreUsedNoLongerThanTheirTimeLessAMargin) {
  GrantWithSpares(50, 3);
  Advance(absl::Milliseconds(6999));
  EXPECT_EQ(GateOf(0), Gate::kSpare);
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, ExpiredSparesGoBack) {
  GrantWithSpares(50, 3);
  desk.Take(target(0), Gate::kSpare, 0, now);
  EXPECT_EQ(desk.NextDeadline(), now + absl::Seconds(7));
  AdvanceWithTimer(absl::Seconds(7));
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].permit, PermitId(50));
  EXPECT_EQ(mail.releases[0].count, 2u);
  EXPECT_EQ(desk.NextDeadline(), MonoTime::Max());
}

TEST_F(DeskTest, UnwrittenAttemptIsReleased) {
  const Grant grant = GrantWithSpares(50, 0);
  desk.Release(grant, now);
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].count, 1u);
  EXPECT_TRUE(mail.sent.empty());
  EXPECT_TRUE(mail.settlements.empty());
}

}  // namespace
}  // namespace chain429
