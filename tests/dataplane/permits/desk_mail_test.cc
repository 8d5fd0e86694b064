#include "tests/dataplane/permits/desk_fixture.h"

namespace chain429 {
namespace {

TEST_F(DeskTest, APermitThatNobodyTakesGoesBackAtOnce) {
  RecordingWaiter waiter;
  const AcquireId id = Ask(0, &waiter);
  desk.TakeMail(now, true);
  // For another target than was asked for.
  Deliver(Granted(id, 77, 2000, 0));
  ASSERT_EQ(waiter.calls, 1);
  desk.Decline(waiter.last, now);
  EXPECT_TRUE(desk.mail_urgent());
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].permit, PermitId(77));
  EXPECT_EQ(mail.releases[0].count, 1u);
  AcquireAnswer denied;
  desk.Decline(denied, now);
  EXPECT_TRUE(desk.TakeMail(now, true).releases.empty());
}

TEST_F(DeskTest, GoodEndingsOfOnePermitBecomeOneReport) {
  std::vector<Grant> grants = {GrantWithSpares(50, 3)};
  for (int i = 0; i < 3; ++i) grants.push_back(desk.Take(target(0), Gate::kSpare, 0, now));
  desk.TakeMail(now, true);
  for (Grant& grant : grants) {
    desk.Sent(grant, now);
    EXPECT_TRUE(grant.sent);
  }
  for (const Grant& grant : grants) desk.Settle(grant, target(0), Good(10, 20), now, now);
  EXPECT_FALSE(desk.mail_urgent());
  EXPECT_TRUE(desk.TakeMail(now, false).empty());
  Advance(absl::Milliseconds(10));
  EXPECT_LE(desk.NextDeadline(), now);
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.sent.size(), 1u);
  EXPECT_EQ(mail.sent[0].permit, PermitId(50));
  EXPECT_EQ(mail.sent[0].count, 4u);
  EXPECT_EQ(mail.sent[0].age, absl::Milliseconds(10));
  ASSERT_EQ(mail.settlements.size(), 1u);
  const Settlement& settlement = mail.settlements[0];
  EXPECT_EQ(settlement.permit, PermitId(50));
  EXPECT_EQ(settlement.target, TargetId(1000));
  EXPECT_EQ(settlement.pools, target(0).pools);
  EXPECT_EQ(settlement.count, 4u);
  EXPECT_EQ(settlement.last_use, 3u);
  EXPECT_TRUE(settlement.charged);
  EXPECT_EQ(settlement.sent_age, absl::Milliseconds(10));
  EXPECT_TRUE(settlement.usage.seen);
  EXPECT_EQ(settlement.usage.prompt_tokens, 40);
  EXPECT_EQ(settlement.usage.completion_tokens, 80);
  EXPECT_EQ(settlement.prompt_bytes, 160);
  EXPECT_TRUE(desk.TakeMail(now, true).empty());
}

TEST_F(DeskTest, AttemptsWithoutUsageAreKeptApart) {
  Grant first = GrantWithSpares(50, 1);
  Grant second = desk.Take(target(0), Gate::kSpare, 0, now);
  desk.Sent(first, now);
  desk.Sent(second, now);
  desk.Settle(first, target(0), Good(), now, now);
  desk.Settle(second, target(0), Settlement{}, now, now);
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.settlements.size(), 2u);
  EXPECT_NE(mail.settlements[0].usage.seen, mail.settlements[1].usage.seen);
}

TEST_F(DeskTest, NewestReadingsTravelWithTheirOwnIndexAndTime) {
  Grant first = GrantWithSpares(50, 2);
  Grant second = desk.Take(target(0), Gate::kSpare, 0, now);
  Grant third = desk.Take(target(0), Gate::kSpare, 0, now);
  const MonoTime start = now;
  for (Grant* grant : {&first, &second, &third}) {
    desk.Sent(*grant, now);
    Advance(absl::Milliseconds(1));
  }
  const auto with_reading = [](int64_t remaining) {
    Settlement settlement = Good();
    settlement.readings.push_back({.limit = 100, .remaining = remaining});
    return settlement;
  };
  desk.Settle(second, target(0), with_reading(80), start + absl::Milliseconds(1), now);
  desk.Settle(first, target(0), with_reading(81), start, now);          // older: its readings say less
  desk.Settle(third, target(0), Good(), start + absl::Milliseconds(2), now);  // younger, but says nothing
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.settlements.size(), 1u);
  EXPECT_EQ(mail.settlements[0].count, 3u);
  ASSERT_EQ(mail.settlements[0].readings.size(), 1u);
  EXPECT_EQ(mail.settlements[0].readings[0].remaining, 80);
  EXPECT_EQ(mail.settlements[0].last_use, 1u);
  EXPECT_EQ(mail.settlements[0].sent_age, absl::Milliseconds(2));
}

TEST_F(DeskTest, FailuresGoAtOnceWithTheReportThatTheyWereSent) {
  Grant failed = GrantWithSpares(50, 1);
  Grant other = desk.Take(target(0), Gate::kSpare, 0, now);
  Grant elsewhere = GrantWithSpares(60, 0);
  for (Grant* grant : {&failed, &other, &elsewhere}) desk.Sent(*grant, now);
  desk.Settle(elsewhere, target(0), Good(), now, now);
  Settlement settlement;
  settlement.error_class = ErrorClass::kRateLimited;
  settlement.scope = Scope::kPool;
  settlement.closes = PoolId(1);
  settlement.retry_after = absl::Seconds(3);
  settlement.authoritative = true;
  desk.Settle(failed, target(0), settlement, now, now);
  EXPECT_TRUE(desk.mail_urgent());
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.sent.size(), 1u);
  EXPECT_EQ(mail.sent[0].permit, PermitId(50));
  EXPECT_EQ(mail.sent[0].count, 2u);
  ASSERT_EQ(mail.settlements.size(), 1u);
  EXPECT_EQ(mail.settlements[0].permit, PermitId(50));
  EXPECT_EQ(mail.settlements[0].pools, target(0).pools);
  EXPECT_EQ(mail.settlements[0].closes, PoolId(1));
  EXPECT_FALSE(desk.mail_urgent());
  Advance(absl::Milliseconds(10));
  const WorkerMail rest = desk.TakeMail(now, false);
  ASSERT_EQ(rest.settlements.size(), 1u);
  EXPECT_EQ(rest.settlements[0].permit, PermitId(60));
}

TEST_F(DeskTest, NearlyUsedUpLimitIsUrgent) {
  Grant grant = GrantWithSpares(50, 1);
  Grant second = desk.Take(target(0), Gate::kSpare, 0, now);
  desk.Sent(grant, now);
  desk.Sent(second, now);
  desk.TakeMail(now, true);
  Settlement settlement = Good();
  settlement.readings.push_back({.limit = 100, .remaining = 21});
  desk.Settle(grant, target(0), settlement, now, now);
  EXPECT_FALSE(desk.mail_urgent());
  settlement.readings[0].remaining = 20;
  desk.Settle(second, target(0), settlement, now, now);
  EXPECT_TRUE(desk.mail_urgent());
  EXPECT_EQ(desk.TakeMail(now, false).settlements.size(), 1u);
}

TEST_F(DeskTest, AttemptsWithoutPermitsAreMergedPerTarget) {
  for (int i = 0; i < 5; ++i) {
    Grant grant = desk.Take(target(2), Gate::kFree, 0, now);
    desk.Sent(grant, now);
    desk.Settle(grant, target(2), Good(1, 2), now, now);
  }
  EXPECT_FALSE(desk.mail_urgent());
  EXPECT_TRUE(desk.TakeMail(now, false).empty());
  Advance(absl::Milliseconds(10));
  const WorkerMail mail = desk.TakeMail(now, false);
  EXPECT_TRUE(mail.sent.empty());
  ASSERT_EQ(mail.settlements.size(), 1u);
  EXPECT_EQ(mail.settlements[0].permit, PermitId());
  EXPECT_EQ(mail.settlements[0].target, TargetId(3000));
  EXPECT_EQ(mail.settlements[0].pools, target(2).pools);
  EXPECT_EQ(mail.settlements[0].count, 5u);
  EXPECT_EQ(mail.settlements[0].usage.completion_tokens, 10);
}

TEST_F(DeskTest, FirstReadingsOfAnUnknownLimitAreUrgentAndThenNoLonger) {
  Grant grant = desk.Take(target(2), Gate::kFree, 0, now);
  Settlement settlement = Good();
  settlement.readings.push_back({.limit = 1000, .remaining = 999});
  desk.Settle(grant, target(2), settlement, now, now);
  EXPECT_TRUE(desk.mail_urgent());
  EXPECT_EQ(desk.TakeMail(now, false).settlements.size(), 1u);
  Advance(absl::Milliseconds(1));
  desk.Settle(grant, target(2), settlement, now, now);
  EXPECT_FALSE(desk.mail_urgent());
}

TEST_F(DeskTest, SettlementWithoutSentReportsBoth) {
  const Grant grant = GrantWithSpares(50, 0);
  desk.Settle(grant, target(0), Good(), now, now);
  const WorkerMail mail = desk.TakeMail(now, true);
  EXPECT_EQ(mail.sent.size(), 1u);
  EXPECT_EQ(mail.settlements.size(), 1u);
}

TEST_F(DeskTest, NumbersOfAProviderThatMakeNoSenseAreMadeHarmless) {
  Grant grant = GrantWithSpares(50, 0);
  desk.Sent(grant, now);
  Settlement settlement = Good(-5, INT64_MAX);
  settlement.readings.push_back({.limit = -77, .remaining = INT64_MIN, .reset_after = -absl::Seconds(1)});
  settlement.retry_after = -absl::Seconds(1);
  desk.Settle(grant, target(0), settlement, now, now);
  const WorkerMail mail = desk.TakeMail(now, true);
  ASSERT_EQ(mail.settlements.size(), 1u);
  EXPECT_EQ(mail.settlements[0].usage.prompt_tokens, 0);
  EXPECT_LE(mail.settlements[0].usage.completion_tokens, int64_t{1} << 40);
  EXPECT_EQ(mail.settlements[0].readings[0].limit, -1);
  EXPECT_EQ(mail.settlements[0].readings[0].remaining, -1);
  EXPECT_EQ(mail.settlements[0].readings[0].reset_after, absl::ZeroDuration());
  EXPECT_EQ(mail.settlements[0].retry_after, absl::ZeroDuration());
}

TEST_F(DeskTest, ManySinglePermitsLeaveNothingBehind) {
  for (uint64_t i = 1; i <= 10'000; ++i) {
    Grant grant = GrantWithSpares(i, 0);
    desk.Sent(grant, now);
    desk.Settle(grant, target(0), Good(), now, now);
    const WorkerMail mail = desk.TakeMail(now, true);
    ASSERT_EQ(mail.sent.size(), 1u);
    ASSERT_EQ(mail.settlements.size(), 1u);
    ASSERT_EQ(mail.settlements[0].permit, PermitId(i));
    Advance(absl::Milliseconds(1));
  }
  EXPECT_GT(desk.NextDeadline(), now);
}

TEST_F(DeskTest, AnAcquireTakesAlongWhatWaits) {
  Grant grant = GrantWithSpares(50, 0);
  desk.Sent(grant, now);
  EXPECT_FALSE(desk.mail_urgent());
  EXPECT_TRUE(desk.TakeMail(now, false).empty());
  RecordingWaiter waiter;
  Ask(1, &waiter);
  const WorkerMail mail = desk.TakeMail(now, false);
  EXPECT_EQ(mail.acquires.size(), 1u);
  ASSERT_EQ(mail.sent.size(), 1u);
  EXPECT_EQ(mail.sent[0].permit, PermitId(50));
}

TEST_F(DeskTest, ARightThatWasNotUsedGoesBackAtOnce) {
  const Grant grant = GrantWithSpares(50, 0);
  desk.Release(grant, now);
  EXPECT_TRUE(desk.mail_urgent());
  const WorkerMail mail = desk.TakeMail(now, false);
  ASSERT_EQ(mail.releases.size(), 1u);
  EXPECT_EQ(mail.releases[0].count, 1u);
}

}  // namespace
}  // namespace chain429
