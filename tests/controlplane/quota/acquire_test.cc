#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

using AcquireTest = BrokerTest;

TEST_F(AcquireTest, TakesTheFirstCandidateThatFits) {
  const TargetId first = AddLimited("first", {Rpm(10)});
  const TargetId second = AddLimited("second", {Rpm(10)});
  Configure();
  const AcquireAnswer answer = Ask({first, second});
  EXPECT_TRUE(answer.granted);
  EXPECT_EQ(answer.permit.target, first);
  EXPECT_TRUE(answer.denials.empty());
  EXPECT_EQ(UsedRequests(first), 1);
  EXPECT_EQ(UsedRequests(second), 0);
}

TEST_F(AcquireTest, AnswersWithTheNumberThatAsked) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const AcquireAnswer granted = Ask({target});
  EXPECT_EQ(granted.acquire, AcquireId(last_acquire));
  EXPECT_EQ(granted.permit.acquire, granted.acquire);
  const AcquireAnswer denied = Ask({target});
  EXPECT_FALSE(denied.granted);
  EXPECT_EQ(denied.acquire, AcquireId(last_acquire));
}

TEST_F(AcquireTest, GoesOnToTheNextCandidateAndSaysWhatStoodBeforeIt) {
  const TargetId full = AddLimited("full", {Rpm(1)});
  const TargetId closed = AddLimited("closed", {Rpm(10)});
  const TargetId open = AddLimited("open", {Rpm(10)});
  Configure();
  const PermitId permit = Permitted(full);
  Send(permit);
  Settle(RefusalOf(PermitId(), closed, absl::Seconds(7)));
  Advance(absl::Seconds(2));

  const AcquireAnswer answer = Ask({full, closed, open});
  EXPECT_TRUE(answer.granted);
  EXPECT_EQ(answer.permit.target, open);
  ASSERT_EQ(answer.denials.size(), 2u);
  EXPECT_EQ(answer.denials[0].target, full);
  EXPECT_EQ(answer.denials[0].pool, QuotaOf(full));
  EXPECT_FALSE(answer.denials[0].cooldown);
  EXPECT_EQ(answer.denials[0].closure, Closure::kNone);
  // A minute after it was sent, and what the guard adds.
  EXPECT_EQ(answer.denials[0].retry_after, absl::Seconds(58) + kSlidingGuard);
  EXPECT_EQ(answer.denials[1].target, closed);
  EXPECT_EQ(answer.denials[1].pool, QuotaOf(closed));
  EXPECT_TRUE(answer.denials[1].cooldown);
  EXPECT_EQ(answer.denials[1].closure, Closure::kRateLimited);
  EXPECT_EQ(answer.denials[1].retry_after, absl::Seconds(5));
}

TEST_F(AcquireTest, DeniesWithAReasonForEachWhenNoneFits) {
  const TargetId a = AddLimited("a", {Rpm(1)});
  const TargetId b = AddLimited("b", {Rpm(1)});
  Configure();
  Send(Permitted(a));
  Send(Permitted(b));
  const AcquireAnswer answer = Ask({a, b});
  EXPECT_FALSE(answer.granted);
  EXPECT_FALSE(answer.permit.id);
  ASSERT_EQ(answer.denials.size(), 2u);
  EXPECT_EQ(answer.denials[0].target, a);
  EXPECT_EQ(answer.denials[1].target, b);
  EXPECT_EQ(broker->counters().denied, 1u);
}

TEST_F(AcquireTest, IsGrantedAgainWhenTheReasonSaidSo) {
  const TargetId target = AddLimited("t", {Rpm(2)});
  Configure();
  Send(Permitted(target));
  Advance(absl::Seconds(20));
  Send(Permitted(target));
  const AcquireAnswer denied = Ask({target});
  ASSERT_FALSE(denied.granted);
  Advance(denied.denials[0].retry_after - absl::Milliseconds(1));
  EXPECT_FALSE(Ask({target}).granted);
  Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(AcquireTest, ReservesInEveryPoolOfTheTarget) {
  const PoolId account = AddPool("account", {Rpm(10)});
  const PoolId model = AddPool("model", {Rpm(10)});
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  Permitted(target);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).reserved, 1);
  EXPECT_EQ(ViewOf(model, Unit::kRequests).reserved, 1);
}

TEST_F(AcquireTest, ReservesInNoPoolWhenOneIsFull) {
  const PoolId account = AddPool("account", {Rpm(10)});
  const PoolId model = AddPool("model", {Rpm(1)});
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  Permitted(target);
  const AcquireAnswer denied = Ask({target});
  ASSERT_FALSE(denied.granted);
  EXPECT_EQ(denied.denials[0].pool, model);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).used, 1);
  EXPECT_EQ(ViewOf(model, Unit::kRequests).used, 1);
}

TEST_F(AcquireTest, ReservesInAllFiveLimitsAtOnce) {
  const TargetId target = AddLimited(
      "t", {Rpm(10), Rpd(100), Tpm(10'000), LimitOf(Unit::kTokens, 100'000, absl::Hours(24)), Concurrency(3)});
  Configure();
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 100, .max_output = 50});
  ASSERT_TRUE(answer.granted);
  EXPECT_EQ(answer.permit.tokens, 150);
  const PoolId pool = QuotaOf(target);
  EXPECT_EQ(ViewOf(pool, Unit::kRequests).used, 1);
  EXPECT_EQ(ViewOf(pool, Unit::kRequests, absl::Hours(24)).used, 1);
  EXPECT_EQ(ViewOf(pool, Unit::kTokens).used, 150);
  EXPECT_EQ(ViewOf(pool, Unit::kTokens, absl::Hours(24)).used, 150);
  EXPECT_EQ(ViewOf(pool, Unit::kConcurrency).used, 1);
}

TEST_F(AcquireTest, RefusesWhenOneOfFiveLimitsIsFull) {
  const std::vector<Limit> roomy = {Rpm(10), Rpd(10), Tpm(1500), LimitOf(Unit::kTokens, 1500, absl::Hours(24)),
                                    Concurrency(10)};
  for (size_t tight = 0; tight < roomy.size(); ++tight) {
    std::vector<Limit> limits = roomy;
    limits[tight].amount /= 10;
    const TargetId target = AddLimited("limit " + std::to_string(tight), limits);
    Configure();
    const Wish wish{.prompt_tokens = 100, .max_output = 50};
    EXPECT_TRUE(Ask({target}, wish).granted) << tight;
    EXPECT_FALSE(Ask({target}, wish).granted) << tight;
  }
}

TEST_F(AcquireTest, NamesThePoolThatTakesLongest) {
  const PoolId account = AddPool("account", {Rpm(1)});
  const PoolId model = AddPool("model", {Rpm(1)});
  const TargetId other = AddTarget("other", {account});
  const TargetId target = AddTarget("t", {account, model});
  const TargetId only_model = AddTarget("only model", {model});
  Configure();
  Send(Permitted(other));
  Advance(absl::Seconds(10));
  Send(Permitted(only_model));
  const AcquireAnswer denied = Ask({target});
  ASSERT_EQ(denied.denials.size(), 1u);
  EXPECT_EQ(denied.denials[0].pool, model);
  EXPECT_EQ(denied.denials[0].retry_after, absl::Minutes(1) + kSlidingGuard);
}

TEST_F(AcquireTest, AClosedPoolThatIsAlsoUsedUpIsWaitedForUntilBothHavePassed) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Settle(EndOf(permit, target));
  Settle(RefusalOf(PermitId(), target, absl::Seconds(2)));
  const AcquireAnswer denied = Ask({target});
  ASSERT_EQ(denied.denials.size(), 1u);
  EXPECT_EQ(denied.denials[0].retry_after, absl::Minutes(1) + kSlidingGuard);
  // What the proxy is to hold against the pool is the closure alone, which it hears of by itself.
  EXPECT_FALSE(denied.denials[0].cooldown);
}

TEST_F(AcquireTest, ATargetWithoutAKnownLimitNeedsNoPermit) {
  const TargetId target = AddLimited("free", {});
  Configure();
  MakeFamiliar(target);
  const AcquireAnswer answer = Ask({target}, {.spares = 8});
  EXPECT_TRUE(answer.granted);
  EXPECT_FALSE(answer.permit.id);
  EXPECT_EQ(answer.permit.target, target);
  EXPECT_EQ(answer.permit.spares, 0u);
  EXPECT_EQ(broker->open_permits(), 0u);
  EXPECT_EQ(broker->counters().granted_free, 1u);
}

TEST_F(AcquireTest, OneLimitedPoolOfSeveralIsEnoughToNeedAPermit) {
  const PoolId account = AddPool("account");
  const PoolId model = AddPool("model", {Rpm(3)});
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  EXPECT_TRUE(Ask({target}).permit.id);
}

TEST_F(AcquireTest, PermitsAreDistinct) {
  const TargetId target = AddLimited("t", {Rpm(100)});
  Configure();
  const PermitId a = Permitted(target);
  const PermitId b = Permitted(target);
  EXPECT_NE(a, b);
  EXPECT_EQ(broker->open_permits(), 2u);
}

TEST_F(AcquireTest, ConcurrencyIsFreeWhenAnAttemptEndsAndNotBefore) {
  const TargetId target = AddLimited("t", {Concurrency(2)});
  Configure();
  const PermitId first = Permitted(target);
  Permitted(target);
  Send(first);
  Advance(absl::Minutes(3));
  EXPECT_FALSE(Ask({target}).granted);
  Settle(EndOf(first, target, absl::Minutes(3)));
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).granted);
}

TEST_F(AcquireTest, ARequestLargerThanALimitNeverFits) {
  const TargetId target = AddLimited("small", {Tpm(1000)});
  const TargetId large = AddLimited("large", {Tpm(100'000)});
  Configure();
  const AcquireAnswer answer = Ask({target, large}, {.prompt_tokens = 1001});
  EXPECT_EQ(answer.permit.target, large);
  ASSERT_EQ(answer.denials.size(), 1u);
  EXPECT_EQ(answer.denials[0].target, target);
  EXPECT_EQ(answer.denials[0].pool, QuotaOf(target));
  EXPECT_TRUE(answer.denials[0].never);
  EXPECT_EQ(answer.denials[0].unit, Unit::kTokens);
  EXPECT_EQ(answer.denials[0].limit, 1000);
}

TEST_F(AcquireTest, WhatNeverFitsIsNotToldToWaitForACooldown) {
  const TargetId target = AddLimited("small", {Tpm(1000)});
  Configure();
  Settle(RefusalOf(PermitId(), target, absl::Seconds(7)));
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 1001});
  ASSERT_EQ(answer.denials.size(), 1u);
  EXPECT_TRUE(answer.denials[0].never);
  EXPECT_FALSE(answer.denials[0].cooldown);
}

TEST_F(AcquireTest, AGuessedOutputAloneDoesNotMakeARequestTooLarge) {
  const TargetId target = AddLimited("t", {Tpm(400)});
  Configure();
  // 300 tokens of prompt and a guess of 500: the guess is cut to what the limit can hold.
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 300});
  EXPECT_TRUE(answer.granted);
  EXPECT_EQ(answer.permit.tokens, 400);
}

TEST_F(AcquireTest, StrictReservesPromptAndMaxTokens) {
  const TargetId target = AddLimited("t", {Tpm(100'000)});
  PoolOf(QuotaOf(target)).tokens = TokenPolicy::kStrict;
  Configure();
  // The prompt is only estimated: a quarter more is reserved for it.
  EXPECT_EQ(Ask({target}, {.prompt_tokens = 100, .max_output = 2000}).permit.tokens, 2125);
}

TEST_F(AcquireTest, StrictNeverCutsTheOutputToFit) {
  const TargetId target = AddLimited("t", {Tpm(1000)});
  PoolOf(QuotaOf(target)).tokens = TokenPolicy::kStrict;
  Configure();
  EXPECT_FALSE(Ask({target}, {.prompt_tokens = 100, .max_output = 876}).granted);
  EXPECT_TRUE(Ask({target}, {.prompt_tokens = 100, .max_output = 875}).granted);
}

TEST_F(AcquireTest, P95ReservesWhatOutputsWereLearntToBe) {
  const TargetId learnt = AddLimited("learnt", {Tpm(1'000'000)});
  const TargetId strict = AddLimited("strict", {Tpm(1'000'000)});
  PoolOf(QuotaOf(strict)).tokens = TokenPolicy::kStrict;
  Configure();
  for (int i = 0; i < 100; ++i) {
    for (const TargetId target : {learnt, strict}) {
      const PermitId permit = Ask({target}, {.prompt_tokens = 10, .max_output = 4000}).permit.id;
      Send(permit);
      Settlement end = EndOf(permit, target);
      end.usage = {.prompt_tokens = 10, .completion_tokens = i < 97 ? 64 : 4000, .seen = true};
      Settle(end);
    }
  }
  const Wish wish{.prompt_tokens = 100, .max_output = 4000};
  // 97 of 100 outputs had 64 tokens: three in a hundred may cost more than they were charged.
  EXPECT_EQ(Ask({learnt}, wish).permit.tokens, 164);
  EXPECT_EQ(Ask({strict}, wish).permit.tokens, 4125);
  // Never more than the request itself allows.
  EXPECT_EQ(Ask({learnt}, {.prompt_tokens = 100, .max_output = 20}).permit.tokens, 120);
}

TEST_F(AcquireTest, EachCandidateIsChargedByWhatItsOwnTargetTaught) {
  const TargetId terse = AddLimited("terse", {Tpm(100)});
  const TargetId chatty = AddLimited("chatty", {Tpm(1'000'000)});
  Configure();
  const PermitId permit = Permitted(chatty);
  Send(permit);
  Settlement end = EndOf(permit, chatty);
  end.usage = {.prompt_tokens = 10, .completion_tokens = 2048, .seen = true};
  Settle(end);
  EXPECT_EQ(Ask({chatty}, {.prompt_tokens = 100}).permit.tokens, 2148);
  EXPECT_EQ(Ask({terse}, {.prompt_tokens = 60}).permit.tokens, 100);
}

TEST_F(AcquireTest, PermitsOfPoolsThatCountNoTokensSayNone) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  EXPECT_EQ(Ask({target}, {.prompt_tokens = 100}).permit.tokens, 0);
}

}  // namespace
}  // namespace chain429
