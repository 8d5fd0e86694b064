#include "tests/dataplane/permits/desk_fixture.h"

namespace chain429 {
namespace {

PoolState WithShare(uint64_t id, int64_t share) {
  PoolState state;
  state.pool = PoolId(id);
  state.limited = true;
  state.shares = {{share, share, absl::Minutes(1)}};
  return state;
}

TEST_F(DeskTest, UnansweredAskTimesOutAndIsCancelled) {
  RecordingWaiter waiter;
  const AcquireId id = Ask(0, &waiter);
  EXPECT_TRUE(desk.mail_urgent());
  desk.TakeMail(now, false);
  EXPECT_EQ(desk.NextDeadline(), now + absl::Seconds(1));
  AdvanceWithTimer(absl::Milliseconds(999));
  EXPECT_EQ(waiter.calls, 0);
  AdvanceWithTimer(absl::Milliseconds(1));
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(waiter.unanswered, 1);
  EXPECT_EQ(desk.TakeMail(now, false).cancels, std::vector<AcquireId>{id});
}

TEST_F(DeskTest, LatePermitGoesBackWhenNobodyNeedsIt) {
  RecordingWaiter waiter;
  const AcquireId id = Ask(0, &waiter);
  AdvanceWithTimer(absl::Seconds(1));
  desk.TakeMail(now, true);
  Deliver(Granted(id, 50, 1000, 3));
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(GateOf(0), Gate::kAsk);
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].permit, PermitId(50));
  EXPECT_EQ(mail.releases[0].count, 4u);
}

TEST_F(DeskTest, APermitsTimeCountsFromTheAsking) {
  RecordingWaiter waiter;
  const MonoTime asked_at = now;
  const AcquireId id = Ask(0, &waiter);
  // The process stands still, and the answer lies unread.
  now = now + absl::Seconds(30);
  const AcquireAnswer answer = Granted(id, 50, 1000, 0);
  Deliver(answer);
  ASSERT_EQ(waiter.calls, 1);
  EXPECT_EQ(desk.Accept(waiter.last, now).good_until, asked_at + answer.permit.ttl);
}

TEST_F(DeskTest, LatePermitStaysAsSparesWhileThereIsDemand) {
  RecordingWaiter waiter;
  const AcquireId a = Ask(0, &waiter);
  const AcquireId b = Ask(0, &waiter);
  desk.Cancel(a);
  desk.Cancel(b);
  Deliver(Granted(a, 50, 1000, 20));
  EXPECT_EQ(waiter.calls, 0);
  EXPECT_EQ(GateOf(0), Gate::kSpare);
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].count, 21u - 8u);
  EXPECT_EQ(desk.Take(target(0), Gate::kSpare, 0, now).use, 0u);
}

TEST_F(DeskTest, CancelBeforeTheMailLeavesNoTrace) {
  RecordingWaiter waiter;
  desk.Cancel(Ask(0, &waiter));
  EXPECT_TRUE(desk.TakeMail(now, true).empty());
  const AcquireId id = Ask(0, &waiter);
  desk.TakeMail(now, false);
  desk.Cancel(id);
  EXPECT_TRUE(desk.mail_urgent());
  EXPECT_EQ(desk.TakeMail(now, false).cancels.size(), 1u);
  AdvanceWithTimer(absl::Seconds(5));
  EXPECT_EQ(waiter.calls, 0);
}

TEST_F(DeskTest, LostLinkAnswersEveryWaiterAtOnce) {
  RecordingWaiter a;
  RecordingWaiter b;
  Ask(0, &a);
  Ask(1, &b);
  Detach();
  EXPECT_FALSE(desk.attached());
  EXPECT_EQ(a.unanswered, 1);
  EXPECT_EQ(b.unanswered, 1);
  EXPECT_EQ(desk.NextDeadline(), MonoTime::Max());
  EXPECT_TRUE(desk.TakeMail(now, true).empty());
}

// A waiter that gives up its neighbour when it is told that there is no answer.
struct CancellingWaiter : RecordingWaiter {
  void OnAcquireAnswer(const AcquireAnswer* answer) override {
    RecordingWaiter::OnAcquireAnswer(answer);
    if (other) desk->Cancel(other);
  }
  PermitDesk* desk = nullptr;
  AcquireId other;
};

TEST_F(DeskTest, WaitersMayCancelOthersFromWithinTheirAnswer) {
  CancellingWaiter first;
  RecordingWaiter second;
  Ask(0, &first);
  first.desk = &desk;
  first.other = Ask(0, &second);
  Detach();
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 0);
}

TEST_F(DeskTest, WhileAwayTheSafeShareIsUsedAndNoMore) {
  LinkMail mail;
  mail.pools = {WithShare(1, 2)};
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(0), Gate::kAsk);
  EXPECT_EQ(GateOf(0, 0, /*alone=*/true), Gate::kShare);
  Detach();
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(GateOf(0), Gate::kShare);
    EXPECT_EQ(desk.Take(target(0), Gate::kShare, 0, now).permit, PermitId());
  }
  const GateView view = Consult(0);
  EXPECT_EQ(view.gate, Gate::kExhausted);
  EXPECT_GT(view.until, now);
  Advance(absl::Seconds(67));
  EXPECT_EQ(GateOf(0), Gate::kShare);
}

// A pool that the fleet uses up has the same state all the time, so that nothing is told of it for long.
LinkMail UsedUpLongAgo() {
  LinkMail mail;
  mail.pools = {WithShare(1, 2)};
  mail.pools[0].shares[0].first = 0;
  return mail;
}

TEST_F(DeskTest, WhileOthersAreGrantedALateAnswerBeginsNoSteadyShare) {
  desk.OnMail(UsedUpLongAgo(), now);
  Advance(absl::Minutes(10));
  RecordingWaiter waiter;
  Ask(0, &waiter);
  desk.TakeMail(now, true);
  AdvanceWithTimer(absl::Seconds(1));
  ASSERT_EQ(waiter.unanswered, 1);
  EXPECT_EQ(GateOf(0, 0, /*alone=*/true), Gate::kExhausted);
}

TEST_F(DeskTest, WhatWasGrantedUntilTheLinkWasLostCountsForAWindow) {
  desk.OnMail(UsedUpLongAgo(), now);
  Advance(absl::Minutes(10));
  Detach();
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
  Advance(absl::Seconds(60));
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
  Advance(absl::Seconds(7));
  EXPECT_EQ(GateOf(0), Gate::kShare);
}

TEST_F(DeskTest, AControlPlaneThatIsSilentHasGrantedUntilTheFirstAskThatItLeft) {
  desk.OnMail(UsedUpLongAgo(), now);
  Advance(absl::Minutes(10));
  for (int i = 0; i < 70; ++i) {
    RecordingWaiter waiter;
    Ask(0, &waiter);
    desk.TakeMail(now, true);
    EXPECT_EQ(GateOf(0, 0, /*alone=*/true), i < 66 ? Gate::kExhausted : Gate::kShare) << i;
    AdvanceWithTimer(absl::Seconds(1));
    ASSERT_EQ(waiter.unanswered, 1);
  }
}

TEST_F(DeskTest, TheSteadyShareGoesOnWhileTheNextLeaderStillGrantsNothing) {
  desk.OnMail(UsedUpLongAgo(), now);
  Detach();
  Advance(absl::Minutes(2));
  ASSERT_EQ(GateOf(0), Gate::kShare);
  LinkMail mail;
  mail.status = LinkMail::Status::kAttached;
  mail.pools = {Limited(1)};
  mail.pools[0].shares_kept = true;
  desk.OnMail(mail, now);
  RecordingWaiter waiter;
  AcquireAnswer answer;
  answer.acquire = Ask(0, &waiter);
  answer.alone = true;
  Deliver(answer);
  EXPECT_EQ(GateOf(0, 0, /*alone=*/true), Gate::kShare);
  // It grants.
  desk.OnMail(UsedUpLongAgo(), now);
  EXPECT_EQ(GateOf(0, 0, /*alone=*/true), Gate::kExhausted);
}

TEST_F(DeskTest, WhileAwayAPoolWithoutShareIsExhausted) {
  Detach();
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
  EXPECT_EQ(GateOf(2), Gate::kFree);
}

TEST_F(DeskTest, WhileAwayPoolsDoAsConfigured) {
  Detach();
  pool(1).when_disconnected = WhenDisconnected::kOpen;
  EXPECT_EQ(GateOf(0), Gate::kFree);
  pool(1).when_disconnected = WhenDisconnected::kDeny;
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
  EXPECT_GT(Consult(0).until, now);
}

TEST_F(DeskTest, WhileAwayEveryPoolOfATargetMustAllow) {
  LinkMail mail;
  mail.pools = {WithShare(1, 5), WithShare(10, 1)};
  desk.OnMail(mail, now);
  Detach();
  ASSERT_EQ(GateOf(0), Gate::kShare);
  desk.Take(target(0), Gate::kShare, 0, now);
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
}

TEST_F(DeskTest, SparesAtHandAreGoodWhileAway) {
  GrantWithSpares(50, 1);
  Detach();
  EXPECT_EQ(GateOf(0), Gate::kSpare);
  EXPECT_EQ(desk.Take(target(0), Gate::kSpare, 0, now).permit, PermitId(50));
  EXPECT_TRUE(desk.TakeMail(now, true).acquires.empty());
}

TEST_F(DeskTest, NewLeaderVoidsSparesButNotWhatIsUnderWay) {
  Grant grant = GrantWithSpares(50, 5);
  desk.Sent(grant, now);
  LinkMail mail;
  mail.forget_permits = true;
  mail.status = LinkMail::Status::kAttached;
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(0), Gate::kAsk);
  desk.Settle(grant, target(0), Good(), now, now);
  const WorkerMail up = desk.TakeMail(now, true);
  EXPECT_TRUE(up.releases.empty());
  ASSERT_EQ(up.sent.size(), 1u);
  ASSERT_EQ(up.settlements.size(), 1u);
  EXPECT_EQ(up.settlements[0].permit, PermitId(50));
  EXPECT_EQ(desk.NextDeadline(), MonoTime::Max());
}

TEST_F(DeskTest, AnswerOfTheNewLeaderInTheSameMailIsGood) {
  GrantWithSpares(50, 5);
  RecordingWaiter waiter;
  const AcquireId id = Ask(0, &waiter);
  LinkMail mail;
  mail.forget_permits = true;
  mail.answers.push_back(Granted(id, 1, 1000, 1));
  desk.OnMail(mail, now);
  EXPECT_EQ(desk.Accept(waiter.last, now).permit, PermitId(1));
  EXPECT_EQ(desk.Take(target(0), Gate::kSpare, 0, now).permit, PermitId(1));
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, ALeaderThatHasJustStartedSendsTheProxyToItsShare) {
  LinkMail told;
  told.pools = {WithShare(1, 2)};
  desk.OnMail(told, now);
  RecordingWaiter waiter;
  AcquireAnswer answer;
  answer.acquire = Ask(0, &waiter);
  answer.alone = true;
  Deliver(answer);
  EXPECT_EQ(waiter.unanswered, 1);
  PoolState kept = Limited(1);
  kept.shares_kept = true;
  LinkMail mail;
  mail.pools = {kept};
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(0, 0, true), Gate::kShare);
  for (int i = 0; i < 2; ++i) desk.Take(target(0), Gate::kShare, 0, now);
  EXPECT_EQ(GateOf(0, 0, true), Gate::kExhausted);
}

TEST_F(DeskTest, EveryShareOfAPoolHolds) {
  PoolState state = Limited(1);
  state.shares = {{5, 5, absl::Minutes(1)}, {1, 1, absl::Hours(24)}};
  LinkMail mail;
  mail.pools = {state};
  desk.OnMail(mail, now);
  Detach();
  EXPECT_EQ(GateOf(0), Gate::kShare);
  desk.Take(target(0), Gate::kShare, 0, now);
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
  Advance(absl::Minutes(10));
  EXPECT_EQ(GateOf(0), Gate::kExhausted);
}

}  // namespace
}  // namespace chain429
