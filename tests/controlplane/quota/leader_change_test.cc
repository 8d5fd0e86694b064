// A new leader that knows nothing but what the proxies bring.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

constexpr uint64_t kOldEpoch = 6;
constexpr absl::Duration kDay = absl::Hours(24);

class LeaderChangeTest : public BrokerTest {
 protected:
  AttachReport FromTheOldLeader(const std::string& boot) { return ReportOf(boot, kOldEpoch); }
  // Until all have reported, nobody is granted anything.
  void Learnt() { Pass(absl::Seconds(4)); }
  static PermitId OldPermit(uint64_t n) { return PermitId((kOldEpoch << 40) | n); }
  AttachReport::Held HeldOf(uint64_t n, TargetId target, uint32_t unused, uint32_t open, int64_t tokens = 0) {
    return {.permit = OldPermit(n),
            .target = target,
            .pools = {QuotaOf(target)},
            .unused = unused,
            .open = open,
            .tokens = tokens};
  }
};

TEST_F(LeaderChangeTest, TakesOverWhatIsHeldUnused) {
  const TargetId target = AddLimited("t", {Rpm(30), Tpm(10'000)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 3, 0, 200)};
  broker->Attach(report, now);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 3);
  EXPECT_EQ(UsedTokens(target), 600);
  Send(OldPermit(1));
  Settle(EndOf(OldPermit(1), target));
  EXPECT_EQ(UsedRequests(target), 3);
  EXPECT_EQ(OpenAttempts(target), 0);
  // As long as such a permit may still be sent, and no longer.
  Pass(absl::Seconds(5));
  EXPECT_EQ(UsedRequests(target), 3);
  Pass(absl::Seconds(2));
  EXPECT_EQ(UsedRequests(target), 1);
}

TEST_F(LeaderChangeTest, TakesOverWhatIsOpen) {
  const TargetId target = AddLimited("t", {Rpm(30), Tpm(10'000), Concurrency(5)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 0, 2, 200)};
  broker->Attach(report, now);
  EXPECT_EQ(UsedRequests(target), 2);
  EXPECT_EQ(UsedTokens(target), 400);
  EXPECT_EQ(OpenAttempts(target), 2);
  Pass(absl::Seconds(30));
  Settlement end = EndOf(OldPermit(1), target, absl::Seconds(35));
  end.usage = {.prompt_tokens = 50, .completion_tokens = 50, .seen = true};
  Settle(end);
  EXPECT_EQ(OpenAttempts(target), 1);
  EXPECT_EQ(UsedTokens(target), 300);
}

TEST_F(LeaderChangeTest, ALateReportOfATakenOverPermitCounts) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 1, 0)};
  broker->Attach(report, now);
  Pass(absl::Seconds(7));
  EXPECT_EQ(UsedRequests(target), 0);
  Send(OldPermit(1), absl::Seconds(3));
  EXPECT_EQ(UsedRequests(target), 1);
}

TEST_F(LeaderChangeTest, TakesOverRecentUseAtItsDate) {
  const TargetId target = AddLimited("t", {Rpm(30), Rpd(1000)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.recent = {{QuotaOf(target), absl::Seconds(10), 4, 0},
                   {QuotaOf(target), absl::Seconds(50), 6, 0},
                   {QuotaOf(target), absl::Hours(3), 500, 0}};
  broker->Attach(report, now);
  EXPECT_EQ(UsedRequests(target), 10);
  EXPECT_EQ(UsedRequests(target, kDay), 510);
  EXPECT_EQ(OpenAttempts(target), 0);
  Pass(absl::Seconds(10) + kSlidingGuard);
  EXPECT_EQ(UsedRequests(target), 4);
}

TEST_F(LeaderChangeTest, TakesOverTokensOfRecentUse) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.recent = {{QuotaOf(target), absl::Seconds(10), 2, 900}};
  broker->Attach(report, now);
  EXPECT_EQ(UsedTokens(target), 900);
}

TEST_F(LeaderChangeTest, AddsUpWhatSeveralProxiesBring) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  for (const char* boot : {"a", "b", "c"}) {
    AttachReport report = FromTheOldLeader(boot);
    report.recent = {{QuotaOf(target), absl::Seconds(10), 7, 0}};
    broker->Attach(report, now);
  }
  Learnt();
  EXPECT_EQ(Grantable(target), 9);
}

TEST_F(LeaderChangeTest, TheSameReportTwiceCountsOnce) {
  const TargetId target = AddLimited("t", {Rpm(30), Concurrency(20)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 1, 2)};
  report.recent = {{QuotaOf(target), absl::Seconds(10), 5, 0}};
  broker->Attach(report, now);
  broker->Attach(report, now);
  report.epoch_seen = broker->epoch();
  broker->Attach(report, now);
  EXPECT_EQ(UsedRequests(target), 8);
  EXPECT_EQ(OpenAttempts(target), 2);
}

TEST_F(LeaderChangeTest, TakesOverClosures) {
  const TargetId target = AddLimited("t", {});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.closures = {{QuotaOf(target), Closure::kQuotaExhausted, absl::Hours(2), true}};
  broker->Attach(report, now);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), QuotaOf(target)).closure, Closure::kQuotaExhausted);
  // Another proxy that knows less changes nothing.
  AttachReport shorter = FromTheOldLeader("b");
  shorter.closures = {{QuotaOf(target), Closure::kRateLimited, absl::Seconds(5), true}};
  broker->Attach(shorter, now);
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
  Learnt();
  const AcquireAnswer denied = Ask({target});
  ASSERT_EQ(denied.denials.size(), 1u);
  EXPECT_EQ(denied.denials[0].retry_after, absl::Hours(2) - absl::Seconds(4));
}

TEST_F(LeaderChangeTest, AGuessedClosureStillNeedsItsCanary) {
  const TargetId target = AddLimited("t", {});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.closures = {{QuotaOf(target), Closure::kRateLimited, absl::Seconds(5), false}};
  broker->Attach(report, now);
  Pass(absl::Seconds(5));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(LeaderChangeTest, ClosuresOfPoolsThatItDoesNotKnowAreKeptForWhenItDoes) {
  Configure();
  const PoolId id(StableId("later"));
  AttachReport report = FromTheOldLeader("a");
  report.closures = {{id, Closure::kRateLimited, absl::Minutes(5), true}};
  report.recent = {{id, absl::Seconds(5), 3, 0}};
  broker->Attach(report, now);
  const TargetId target = AddLimited("later", {Rpm(10)});
  Configure();
  Learnt();
  EXPECT_FALSE(Ask({target}).granted);
  EXPECT_EQ(UsedRequests(target), 3);
}

TEST_F(LeaderChangeTest, ItsOwnPermitsDoNotCollideWithThoseTakenOver) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  for (uint64_t n = 1; n <= 20; ++n) report.held.push_back(HeldOf(n, target, 1, 0));
  broker->Attach(report, now);
  Learnt();
  for (int i = 0; i < 20; ++i) Permitted(target);
  EXPECT_EQ(broker->open_permits(), 40u);
  EXPECT_EQ(UsedRequests(target), 40);
}

TEST_F(LeaderChangeTest, GrantsNothingUntilTheProxiesHaveHadTimeToReport) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  const TargetId free = AddLimited("free", {});
  Configure();
  broker->Attach(FromTheOldLeader("a"), now);
  for (const TargetId asked : {target, free}) {
    const AcquireAnswer answer = Ask({asked});
    EXPECT_TRUE(answer.alone);
    EXPECT_FALSE(answer.granted);
    EXPECT_TRUE(answer.denials.empty());
  }
  // For so long its proxies go by the shares that they know.
  const PoolState state = StateIn(broker->AllStates(now), QuotaOf(target));
  EXPECT_TRUE(state.shares_kept);
  EXPECT_TRUE(state.shares.empty());

  Pass(absl::Seconds(3));
  AttachReport late = FromTheOldLeader("b");
  late.recent = {{QuotaOf(target), absl::Seconds(5), 25, 0}};
  broker->Attach(late, now);
  EXPECT_TRUE(Ask({target}).alone);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Grantable(target), 5);
  EXPECT_TRUE(broker->has_routine());
  const PoolState learnt = StateIn(broker->TakeRoutine(now), QuotaOf(target));
  EXPECT_FALSE(learnt.shares_kept);
  EXPECT_EQ(FirstShare(learnt), 0);
}

TEST_F(LeaderChangeTest, ALatecomerOfTheOldLeaderHoldsUpNobody) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  broker->Attach(FromTheOldLeader("a"), now);
  Learnt();
  broker->Attach(FromTheOldLeader("b"), now);
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(LeaderChangeTest, AFirstLeaderHasNothingToWaitFor) {
  const TargetId target = AddLimited("t", {Rpm(30)});
  Configure();
  Attach("a");
  EXPECT_TRUE(Ask({target}).granted);
  Attach("a", broker->epoch().value());
  EXPECT_TRUE(Ask({target}).granted);
}

TEST_F(LeaderChangeTest, PermitsThatAreUsedUpAreNotTakenOver) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 0, 0)};
  broker->Attach(report, now);
  EXPECT_EQ(broker->open_permits(), 0u);
}

TEST_F(LeaderChangeTest, AProxyThatDiesAfterwardsLeavesItsUseAlone) {
  const TargetId target = AddLimited("t", {Rpd(100), Concurrency(50)});
  Configure();
  AttachReport report = FromTheOldLeader("a");
  report.held = {HeldOf(1, target, 0, 2)};
  const HolderId holder = broker->Attach(report, now);
  broker->Detach(holder, /*gone=*/true, now);
  EXPECT_EQ(UsedRequests(target, kDay), 2);
  EXPECT_EQ(OpenAttempts(target), 0);
}

}  // namespace
}  // namespace chain429
