// What a proxy that comes back to the same leader says of the permits that it holds: nothing counts twice, nothing is
// lost.
#include "tests/controlplane/quota/attach_fixture.h"

namespace chain429 {
namespace {

using ReconcileTest = AttachTest;

TEST_F(ReconcileTest, WhatIsHeldUnusedStaysReserved) {
  const TargetId target = Ready({Rpm(10)});
  const PermitId permit = Permitted(target, a);
  Reattach({HeldOf(permit, target, 1, 0)});
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 1);
  // And can still be sent, and settled.
  Send(permit);
  Settle(EndOf(permit, target));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(ReconcileTest, WhatIsHeldUnusedStillExpires) {
  const TargetId target = Ready({Rpm(10)});
  const PermitId permit = Permitted(target, a);
  Reattach({HeldOf(permit, target, 1, 0)});
  Pass(absl::Seconds(6));
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_F(ReconcileTest, WhatIsOpenStaysOpenAndCountsOnce) {
  const TargetId target = Ready({Rpm(10), Concurrency(10)});
  const PermitId permit = Permitted(target, a);
  Send(permit);
  for (int i = 0; i < 3; ++i) Reattach({HeldOf(permit, target, 0, 1)});
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 1);
  Settle(EndOf(permit, target));
  EXPECT_EQ(OpenAttempts(target), 0);
  EXPECT_EQ(UsedRequests(target), 1);
}

TEST_F(ReconcileTest, AnAttemptWhoseSentReportWasLostCountsAsSent) {
  const TargetId target = Ready({Rpm(10), Concurrency(10)});
  const PermitId permit = Permitted(target, a);
  Advance(absl::Seconds(1));
  Reattach({HeldOf(permit, target, 0, 1)});
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 0);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 1);
  Pass(absl::Seconds(10));
  EXPECT_EQ(UsedRequests(target), 1);
  Settle(EndOf(permit, target, absl::Seconds(10)));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(ReconcileTest, AnAttemptThatIsNotNamedAnyMoreCountsAsUsed) {
  // Its settlement was lost on the way, or its grant. Nobody can tell which.
  for (const bool sent_report_came : {false, true}) {
    NewLeader(kEpoch);
    pools.clear();
    targets.clear();
    const TargetId target = Ready({Rpm(10), Concurrency(10)});
    const PermitId permit = Permitted(target, a);
    if (sent_report_came) Send(permit);
    Reattach({});
    Pass(absl::Seconds(10));
    EXPECT_EQ(UsedRequests(target), 1) << sent_report_came;
    EXPECT_EQ(OpenAttempts(target), 0) << sent_report_came;
  }
}

TEST_F(ReconcileTest, ASettlementThatComesAfterAllIsNoNewUse) {
  const TargetId target = Ready({Rpm(10), Tpm(10'000), Concurrency(10)});
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 100}).permit.id;
  Reattach({});
  // From the old stream, behind the new one's hello.
  Send(permit);
  Settle(EndOf(permit, target));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(UsedTokens(target), 200);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(ReconcileTest, AnAttemptThatWasTakenBackWhileItsReportWasLostCountsAfterAll) {
  // The leader stood still: it took the permit back before it read what the proxy has to say.
  for (const uint32_t open : {0u, 1u}) {
    NewLeader(kEpoch);
    pools.clear();
    targets.clear();
    const TargetId target = Ready({Rpm(10), Concurrency(10)});
    const PermitId permit = Permitted(target, a);
    Pass(absl::Seconds(10));
    ASSERT_EQ(UsedRequests(target), 0);
    std::vector<AttachReport::Held> held;
    if (open > 0) held.push_back(HeldOf(permit, target, 0, open));
    Reattach(held);
    EXPECT_EQ(UsedRequests(target), 1) << open;
    EXPECT_EQ(OpenAttempts(target), open);
    Settle(EndOf(permit, target, absl::Seconds(5)));
    EXPECT_EQ(UsedRequests(target), 1) << open;
    EXPECT_EQ(OpenAttempts(target), 0);
  }
}

// While it was away, or while nothing was heard of it. It may have been sent since, and the word of it waits behind the
// hello.
class UnusedAfterAllTest : public ReconcileTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    target = Ready({Rpm(10), Concurrency(10)});
    permit = Permitted(target, a);
    if (GetParam()) broker->Detach(a, /*gone=*/false, now);
    Pass(absl::Seconds(10));
    Reattach({HeldOf(permit, target, 1, 0)});
    // What is kept for it until it asks again is of no interest here.
    Release(Permitted(target, a));
  }
  TargetId target;
  PermitId permit;
};

TEST_P(UnusedAfterAllTest, IsReservedAgain) {
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_P(UnusedAfterAllTest, CountsOnceWhenItWasSent) {
  Send(permit, absl::Seconds(4));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 1);
  Settle(EndOf(permit, target, absl::Seconds(4)));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
  Pass(absl::Seconds(56) + kSlidingGuard);
  EXPECT_EQ(UsedRequests(target), 0);
}

TEST_P(UnusedAfterAllTest, IsFreeWhenItIsReleased) {
  Release(permit);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_P(UnusedAfterAllTest, IsFreeSoonWhenNothingIsHeardOfIt) {
  Pass(absl::Seconds(3));
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(OpenAttempts(target), 0);
}

INSTANTIATE_TEST_SUITE_P(Away, UnusedAfterAllTest, testing::Bool());

TEST_F(ReconcileTest, SparesAreReconciledByNumber) {
  const TargetId target = Ready({Rpm(16'000), Concurrency(16'000)});
  pools[0].limits.pop_back();
  Configure();
  const AcquireAnswer answer = AskAs(a, {target}, {.spares = 9});
  ASSERT_EQ(answer.permit.spares, 9u);
  Send(answer.permit.id, absl::ZeroDuration(), 4);
  // Since then: two settled, three sent, of which one settled; five are left.
  Reattach({HeldOf(answer.permit.id, target, 3, 4)});
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 3);
  EXPECT_EQ(OpenAttempts(target), 4);
  EXPECT_EQ(UsedRequests(target), 10);
  Pass(absl::Seconds(3));
  EXPECT_EQ(UsedRequests(target), 7);
}

TEST_F(ReconcileTest, PermitsOfOthersAreNotTouched) {
  const TargetId target = Ready({Rpm(10), Concurrency(10)});
  const PermitId unused = Permitted(target, b);
  const PermitId open = Permitted(target, b);
  Send(open);
  Reattach({});
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kRequests).reserved, 1);
  EXPECT_EQ(OpenAttempts(target), 1);
  Release(unused);
  EXPECT_EQ(UsedRequests(target), 1);
}

}  // namespace
}  // namespace chain429
