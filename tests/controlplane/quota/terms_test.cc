// How the provider's rules and rates come into what attempts are charged.
#include "controlplane/quota/terms.h"

#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

Usage Tokens(int64_t prompt, int64_t completion) {
  return {.prompt_tokens = prompt, .completion_tokens = completion, .seen = true};
}

Settlement End(ErrorClass error_class, Usage usage = {}, uint32_t count = 1) {
  Settlement settlement;
  settlement.error_class = error_class;
  settlement.usage = usage;
  settlement.count = count;
  return settlement;
}

constexpr Charge kCharged{1, 100, 400};

TEST(ActualOf, WithoutRulesTheProviderCountsWhatItWorkedOn) {
  const Terms terms;
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk, Tokens(90, 20)), kCharged, terms), (Charge{1, 90, 20}));
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk), kCharged, terms), kCharged);
  EXPECT_EQ(ActualOf(End(ErrorClass::kOverloaded), kCharged, terms), kCharged) << "it may have worked on it";
  EXPECT_EQ(ActualOf(End(ErrorClass::kBadRequest), kCharged, terms), (Charge{1, 0, 0}));
  EXPECT_EQ(ActualOf(End(ErrorClass::kRateLimited), kCharged, terms), Charge());
  EXPECT_EQ(ActualOf(End(ErrorClass::kQuotaExhausted), kCharged, terms), Charge());
  Settlement unsent = End(ErrorClass::kOverloaded);
  unsent.charged = false;
  EXPECT_EQ(ActualOf(unsent, kCharged, terms), Charge());
}

TEST(ActualOf, RefusedAndFailedAttemptsCountWhereTheProviderSaysSo) {
  const Terms counted{.policy = {}, .rule = {.counts_refused = true}, .rates = {}};
  EXPECT_EQ(ActualOf(End(ErrorClass::kRateLimited, {}, 3), kCharged, counted), (Charge{3, 0, 0}));
  EXPECT_EQ(ActualOf(End(ErrorClass::kQuotaExhausted), kCharged, counted), (Charge{1, 0, 0}));
  const Terms free{.policy = {}, .rule = {.counts_failed = false}, .rates = {}};
  EXPECT_EQ(ActualOf(End(ErrorClass::kOverloaded), kCharged, free), Charge());
  EXPECT_EQ(ActualOf(End(ErrorClass::kBadRequest), kCharged, free), Charge());
  EXPECT_EQ(ActualOf(End(ErrorClass::kOverloaded, Tokens(90, 5)), kCharged, free), (Charge{1, 90, 5}))
      << "what was answered was counted, however it ended";
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk), kCharged, free), kCharged);
}

TEST(ActualOf, WhatWasReservedUpFrontIsGivenBackOrKept) {
  const Terms corrected{.policy = {}, .rule = {.tokens = TokenCharge::kUpFront}, .rates = {}};
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk, Tokens(90, 20)), kCharged, corrected), (Charge{1, 90, 20}));
  const Terms kept{.policy = {}, .rule = {.tokens = TokenCharge::kUpFrontKept}, .rates = {}};
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk, Tokens(90, 20)), kCharged, kept), (Charge{1, 90, 400}));
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk, Tokens(90, 500)), kCharged, kept), (Charge{1, 90, 500}));
  EXPECT_EQ(ActualOf(End(ErrorClass::kRateLimited), kCharged, kept), Charge());
}

TEST(ActualOf, CreditsArePaidForWhatWasUsed) {
  const Terms terms{
      .policy = {}, .rule = {.tokens = TokenCharge::kUpFrontKept}, .rates = CreditRates{7, 1'000'000, 3'000'000}};
  EXPECT_EQ(ActualOf(End(ErrorClass::kOk, Tokens(90, 20), 2), kCharged * 2, terms).credits, 14 + 90 + 60);
  EXPECT_EQ(ActualOf(End(ErrorClass::kRateLimited), kCharged, terms).credits, 0);
}

TEST(ReportedUse, TakesTheDearestThatTheTokensCanHaveBeen) {
  Pool pool;
  EXPECT_EQ(ReportedUse(pool, 3, 500), (Charge{3, 500, 0, 0}));
  pool.rates = CreditRates{10, 1'000'000, 3'000'000};
  EXPECT_EQ(ReportedUse(pool, 3, 500), (Charge{3, 500, 0, 30 + 1500}));
  pool.rates->input = 9'000'000;
  EXPECT_EQ(ReportedUse(pool, 3, 500), (Charge{3, 500, 0, 30 + 4500}));
}

class TermsTest : public BrokerTest {
 protected:
  static Limit Credits(int64_t micros) { return LimitOf(Unit::kCredits, micros, absl::Hours(24)); }
  int64_t UsedCredits(TargetId id) { return ViewOf(QuotaOf(id), Unit::kCredits, absl::Hours(24)).used; }
};

TEST_F(TermsTest, CreditsAreReservedByTheEstimateAndTruedUp) {
  const TargetId target = AddLimited("t", {Credits(10'000)});
  PoolOf(QuotaOf(target)).rates = CreditRates{100, 1'000'000, 2'000'000};
  Configure();
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 1000, .max_output = 300});
  ASSERT_TRUE(answer.granted);
  EXPECT_EQ(UsedCredits(target), 100 + 1000 + 600);
  EXPECT_GT(answer.permit.tokens, 0) << "a spare must not be used for a larger request";
  Send(answer.permit.id);
  Settlement end = EndOf(answer.permit.id, target);
  end.usage = Tokens(1100, 50);
  Settle(end);
  EXPECT_EQ(UsedCredits(target), 100 + 1100 + 100);
}

TEST_F(TermsTest, NoMoreCreditsAreGrantedThanThereAre) {
  const TargetId target = AddLimited("t", {Credits(1000)});
  PoolOf(QuotaOf(target)).rates = CreditRates{300, 0, 0};
  Configure();
  EXPECT_EQ(Grantable(target), 3);
  const AcquireAnswer denied = Ask({target});
  ASSERT_EQ(denied.denials.size(), 1u);
  EXPECT_FALSE(denied.denials[0].never);
}

TEST_F(TermsTest, TwoModelsOfOneAccountPayEachItsOwnPrice) {
  const PoolId account = AddPool("account", {Credits(1'000'000)});
  const PoolId cheap_pool = AddPool("account|cheap");
  const PoolId dear_pool = AddPool("account|dear");
  const TargetId cheap = AddTarget("cheap", {account, cheap_pool});
  const TargetId dear = AddTarget("dear", {account, dear_pool});
  PoolOf(cheap_pool).rates = CreditRates{1, 0, 0};
  PoolOf(dear_pool).rates = CreditRates{1000, 0, 0};
  Configure();
  Use(cheap);
  EXPECT_EQ(UsedCredits(cheap), 1);
  Use(dear);
  EXPECT_EQ(UsedCredits(dear), 1001);
}

TEST_F(TermsTest, AModelOfUnknownCostNeverFitsALimitOfCredits) {
  const PoolId account = AddPool("account", {Credits(1'000'000)});
  const TargetId target = AddTarget("unpriced", {account, AddPool("account|unpriced")});
  Configure();
  const AcquireAnswer answer = Ask({target});
  EXPECT_FALSE(answer.granted);
  ASSERT_EQ(answer.denials.size(), 1u);
  EXPECT_TRUE(answer.denials[0].never);
  EXPECT_EQ(answer.denials[0].unit, Unit::kCredits);
  EXPECT_EQ(answer.denials[0].limit, 0);
}

TEST_F(TermsTest, AGuessedOutputAloneIsNotTooDear) {
  const TargetId target = AddLimited("t", {Credits(1000)});
  PoolOf(QuotaOf(target)).rates = CreditRates{0, 1'000'000, 10'000'000};
  Configure();
  EXPECT_TRUE(Ask({target}, {.prompt_tokens = 900}).granted);
  EXPECT_EQ(UsedCredits(target), 1000);
  const TargetId other = AddLimited("o", {Credits(1000)});
  PoolOf(QuotaOf(other)).rates = CreditRates{0, 1'000'000, 0};
  Configure();
  EXPECT_TRUE(Ask({other}, {.prompt_tokens = 1001}).denials.at(0).never);
}

TEST_F(TermsTest, UpFrontTheWholeOutputIsReservedWhateverThePolicy) {
  const TargetId target = AddLimited("t", {Tpm(30'000)});
  PoolOf(QuotaOf(target)).charging = {.tokens = TokenCharge::kUpFront, .default_output = 16'384};
  Configure();
  const AcquireAnswer stated = Ask({target}, {.prompt_tokens = 100, .max_output = 5000});
  EXPECT_EQ(stated.permit.tokens, 5100);
  const AcquireAnswer unstated = Ask({target}, {.prompt_tokens = 100});
  EXPECT_EQ(unstated.permit.tokens, 16'484);
  EXPECT_FALSE(Ask({target}, {.prompt_tokens = 100, .max_output = 9000}).granted);
  // What is stated is not cut to fit: the provider would refuse it.
  EXPECT_TRUE(Ask({target}, {.prompt_tokens = 100, .max_output = 30'000}).denials.at(0).never);
  Send(stated.permit.id);
  Settlement end = EndOf(stated.permit.id, target);
  end.usage = Tokens(100, 50);
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 150 + 16'484);
}

TEST_F(TermsTest, WhatIsKeptUpFrontStaysCountedToTheEndOfItsWindow) {
  const TargetId target = AddLimited("t", {Tpm(30'000)});
  PoolOf(QuotaOf(target)).charging.tokens = TokenCharge::kUpFrontKept;
  Configure();
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 5000}).permit.id;
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.usage = Tokens(100, 50);
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 5100);
  Advance(absl::Minutes(1) + kSlidingGuard);
  EXPECT_EQ(UsedTokens(target), 0);
}

// The header of a long answer was written while others had their outputs reserved, which ended and gave back since.
TEST_F(TermsTest, ACountOfReservationsThatWentBackIsNoUseOfSomebodyElse) {
  const TargetId target = AddLimited("t", {Tpm(100'000)});
  PoolOf(QuotaOf(target)).charging.tokens = TokenCharge::kUpFront;
  Configure();
  const PermitId early = Ask({target}, {.prompt_tokens = 100, .max_output = 4000}).permit.id;
  Send(early);
  Advance(absl::Seconds(5));
  const PermitId late = Ask({target}, {.prompt_tokens = 100, .max_output = 4000}).permit.id;
  Send(late);
  Advance(absl::Seconds(10));
  Settlement first = EndOf(early, target, absl::Seconds(15));
  first.usage = Tokens(100, 50);
  Settle(first);
  Settlement second = EndOf(late, target, absl::Seconds(10));
  second.usage = Tokens(100, 50);
  // As the provider counted when the second came: both reservations whole.
  second.readings = {{.unit = Unit::kTokens,
                      .window = absl::Minutes(1),
                      .limit = 100'000,
                      .remaining = 100'000 - 8200,
                      .reset_after = absl::Seconds(50)}};
  Settle(second);
  EXPECT_EQ(UsedTokens(target), 300);
  EXPECT_EQ(ViewOf(QuotaOf(target), Unit::kTokens).outside, 0);
}

TEST_F(TermsTest, RefusedRequestsCountInTheWindowsOfThoseWhoCountThem) {
  for (const bool counts : {false, true}) {
    const TargetId target = AddLimited(counts ? "counts" : "free", {Rpd(50)});
    PoolOf(QuotaOf(target)).charging.counts_refused = counts;
    Configure();
    const PermitId permit = Permitted(target);
    Send(permit);
    Settle(RefusalOf(permit, target, absl::Seconds(5)));
    EXPECT_EQ(UsedRequests(target, absl::Hours(24)), counts ? 1 : 0);
  }
}

TEST_F(TermsTest, FailedRequestsCountUnlessTheProviderFreesThem) {
  for (const bool counts : {false, true}) {
    const TargetId target = AddLimited(counts ? "counts" : "free", {Rpd(50), Tpm(10'000)});
    PoolOf(QuotaOf(target)).charging.counts_failed = counts;
    Configure();
    const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 100}).permit.id;
    Send(permit);
    Settlement end = EndOf(permit, target);
    end.error_class = ErrorClass::kOverloaded;
    Settle(end);
    EXPECT_EQ(UsedRequests(target, absl::Hours(24)), counts ? 1 : 0);
    EXPECT_EQ(UsedTokens(target), counts ? 200 : 0);
  }
}

TEST_F(TermsTest, CreditsAreSharedInRequestsOfUsualSize) {
  const TargetId target = AddLimited("t", {Credits(1'000'000)});
  PoolOf(QuotaOf(target)).rates = CreditRates{0, 1'000'000, 1'000'000};  // a thousand for a usual request
  Configure();
  Attach("a");
  Use(target);
  const PoolState state = StateIn(broker->AllStates(now), QuotaOf(target));
  ASSERT_EQ(state.shares.size(), 1u);
  EXPECT_EQ(state.shares[0].steady, 1000);
}

TEST_F(TermsTest, WhatAProxyReportsOfItselfIsCountedInCredits) {
  const TargetId target = AddLimited("t", {Credits(1'000'000)});
  PoolOf(QuotaOf(target)).rates = CreditRates{10, 1'000'000, 2'000'000};
  Configure();
  AttachReport report = ReportOf("a");
  report.recent = {{QuotaOf(target), absl::Seconds(3), 2, 500}};
  AttachReport::Held held;
  held.permit = PermitId(99);
  held.target = target;
  held.pools = {QuotaOf(target)};
  held.open = 1;
  held.tokens = 100;
  report.held = {held};
  broker->Attach(report, now);
  EXPECT_EQ(UsedCredits(target), (20 + 1000) + (10 + 200));
}

TEST_F(TermsTest, ABucketGivesItsBurstAtOnceAndNoMore) {
  Limit limit = Rpm(60);
  limit.window.kind = WindowKind::kBucket;
  limit.window.burst = 5;
  const TargetId target = AddLimited("t", {limit});
  Configure();
  int sent = 0;
  for (AcquireAnswer answer = Ask({target}); answer.granted; answer = Ask({target}), ++sent) Send(answer.permit.id);
  EXPECT_EQ(sent, 5);
  Pass(absl::Seconds(10));
  EXPECT_EQ(Grantable(target), 5);
}

}  // namespace
}  // namespace chain429
