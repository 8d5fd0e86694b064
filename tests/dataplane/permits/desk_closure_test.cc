#include "tests/dataplane/permits/desk_fixture.h"

namespace chain429 {
namespace {

PoolState ClosedState(uint64_t id, absl::Duration closed_for) {
  PoolState state;
  state.pool = PoolId(id);
  state.limited = true;
  state.closure = closed_for > absl::ZeroDuration() ? Closure::kRateLimited : Closure::kNone;
  state.closed_for = closed_for;
  return state;
}

TEST_F(DeskTest, ClosedPoolClosesItsTargetsUntilItsTime) {
  LinkMail mail;
  mail.pools = {ClosedState(10, absl::Seconds(5))};
  desk.OnMail(mail, now);
  const GateView view = Consult(0);
  EXPECT_EQ(view.gate, Gate::kClosed);
  EXPECT_EQ(view.closure, Closure::kRateLimited);
  EXPECT_EQ(view.until, now + absl::Seconds(5));
  EXPECT_EQ(GateOf(1), Gate::kAsk);
  Advance(absl::Seconds(5));
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, SparesOfAClosedPoolAreNotUsed) {
  GrantWithSpares(50, 3);
  desk.Close(PoolId(1), Closure::kRateLimited, absl::Seconds(2), true, now);
  EXPECT_EQ(GateOf(0), Gate::kClosed);
}

TEST_F(DeskTest, OwnClosureIsToldAtOnceAndNeverShortened) {
  desk.Close(PoolId(1), Closure::kRateLimited, absl::Seconds(30), true, now);
  EXPECT_TRUE(desk.mail_urgent());
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.closures.size(), 1u);
  EXPECT_EQ(mail.closures[0].pool, PoolId(1));
  EXPECT_EQ(mail.closures[0].closed_for, absl::Seconds(30));
  EXPECT_TRUE(mail.closures[0].authoritative);
  desk.Close(PoolId(1), Closure::kOverloaded, absl::Seconds(1), false, now);
  EXPECT_EQ(Consult(0).until, now + absl::Seconds(30));
  EXPECT_EQ(Consult(0).closure, Closure::kRateLimited);
}

TEST_F(DeskTest, StateThatWasOnItsWayDoesNotOpenWhatWasJustSeenClosing) {
  desk.Close(PoolId(1), Closure::kRateLimited, absl::Seconds(30), true, now);
  LinkMail mail;
  mail.pools = {ClosedState(1, absl::ZeroDuration())};
  Advance(absl::Milliseconds(100));
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(0), Gate::kClosed);
  Advance(absl::Seconds(3));
  desk.OnMail(mail, now);  // by now the control plane knows, and still says so: somebody opened the pool by hand
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, DenialTeachesACooldown) {
  RecordingWaiter waiter;
  AcquireAnswer answer;
  answer.acquire = Ask(0, &waiter);
  answer.denials.push_back({TargetId(1000), PoolId(1), true, Closure::kQuotaExhausted, absl::Seconds(9)});
  Deliver(answer);
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_FALSE(waiter.last.granted);
  EXPECT_EQ(Consult(0).closure, Closure::kQuotaExhausted);
  EXPECT_EQ(Consult(0).until, now + absl::Seconds(9));
}

TEST_F(DeskTest, CredentialsRotateOverThoseThatAreOpen) {
  std::vector<int> picks;
  for (int i = 0; i < 4; ++i) picks.push_back(desk.PickCredential(snapshot, target(0), now));
  EXPECT_EQ(picks, (std::vector<int>{0, 1, 0, 1}));
  desk.Close(PoolId(101), Closure::kAuth, absl::Hours(1), false, now);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(desk.PickCredential(snapshot, target(0), now), 1);
  EXPECT_EQ(desk.PickCredential(snapshot, target(1), now), -1);
}

TEST_F(DeskTest, TargetIsClosedOnceAllItsCredentialsAre) {
  desk.Close(PoolId(101), Closure::kAuth, absl::Hours(1), false, now);
  EXPECT_EQ(GateOf(0), Gate::kAsk);
  desk.Close(PoolId(102), Closure::kAuth, absl::Minutes(1), false, now);
  EXPECT_EQ(GateOf(0), Gate::kClosed);
  EXPECT_EQ(Consult(0).closure, Closure::kAuth);
  EXPECT_EQ(Consult(0).until, now + absl::Minutes(1));
}

TEST_F(DeskTest, CredentialsThatCouldNotBeResolvedAreNeverUsed) {
  snapshot.providers[0].credentials[0].usable = false;
  EXPECT_EQ(desk.PickCredential(snapshot, target(0), now), 1);
  EXPECT_EQ(desk.PickCredential(snapshot, target(0), now), 1);
  snapshot.providers[0].credentials[1].usable = false;
  EXPECT_EQ(GateOf(0), Gate::kUnfit) << "no time will bring a key";
  EXPECT_EQ(Consult(0).closure, Closure::kAuth);
}

TEST_F(DeskTest, OpeningThatComesRightAfterAClosureCountsAfterAMoment) {
  desk.Close(PoolId(1), Closure::kAuth, absl::Minutes(10), false, now);
  Advance(absl::Milliseconds(100));
  LinkMail mail;
  mail.pools = {ClosedState(1, absl::ZeroDuration())};
  desk.OnMail(mail, now);
  EXPECT_EQ(GateOf(0), Gate::kClosed);
  Advance(absl::Seconds(2));  // nobody has said since that it is closed
  EXPECT_EQ(GateOf(0), Gate::kAsk);
}

TEST_F(DeskTest, ClosureThatIsConfirmedHoldsForItsTime) {
  desk.Close(PoolId(1), Closure::kRateLimited, absl::Seconds(30), true, now);
  LinkMail stale;
  stale.pools = {ClosedState(1, absl::ZeroDuration())};
  desk.OnMail(stale, now);
  LinkMail confirmed;
  confirmed.pools = {ClosedState(1, absl::Seconds(30))};
  desk.OnMail(confirmed, now);
  Advance(absl::Seconds(29));
  EXPECT_EQ(GateOf(0), Gate::kClosed);
}

}  // namespace
}  // namespace chain429
