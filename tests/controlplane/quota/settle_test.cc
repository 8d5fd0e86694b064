// What an attempt cost in the end, and settlements that nobody expects.
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

using SettleTest = BrokerTest;

Usage Tokens(int64_t prompt, int64_t completion) {
  return {.prompt_tokens = prompt, .completion_tokens = completion, .seen = true};
}

TEST_F(SettleTest, TruesUpToWhatTheProviderReported) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  for (const auto& [usage, used] : {std::pair{Tokens(80, 20), 100}, std::pair{Tokens(400, 900), 1400}}) {
    const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 500}).permit.id;
    Send(permit);
    Settlement end = EndOf(permit, target);
    end.usage = usage;
    Settle(end);
    EXPECT_EQ(UsedTokens(target), used);
  }
}

TEST_F(SettleTest, WithoutUsageTheFullChargeStays) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 500}).permit.id;
  Send(permit);
  Settle(EndOf(permit, target));
  EXPECT_EQ(UsedTokens(target), 600);
  EXPECT_EQ(broker->counters().settled, 1u);
  EXPECT_EQ(broker->open_permits(), 0u);
}

TEST_F(SettleTest, TokensTruedUpLeaveTheWindowWithTheRequest) {
  const TargetId target = AddLimited("t", {Tpm(1000)});
  Configure();
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 100}).permit.id;
  Send(permit);
  Advance(absl::Seconds(40));
  Settlement end = EndOf(permit, target, absl::Seconds(40));
  end.usage = Tokens(100, 800);
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 900);
  Advance(absl::Seconds(20) + kSlidingGuard);
  EXPECT_EQ(UsedTokens(target), 0);
}

TEST_F(SettleTest, TruesUpWhereTheAttemptWasCountedThoughItsReportsDateItDifferently) {
  for (const absl::Duration skew : {absl::Milliseconds(-80), absl::ZeroDuration(), absl::Milliseconds(80)}) {
    const TargetId target = AddLimited("t" + absl::FormatDuration(skew), {Tpm(10'000)});
    Configure();
    Advance(absl::Seconds(10));
    const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 500}).permit.id;
    Send(permit, absl::Milliseconds(500));
    Settlement end = EndOf(permit, target, absl::Milliseconds(500) + skew);
    end.usage = Tokens(80, 20);
    Settle(end);
    EXPECT_EQ(UsedTokens(target), 100) << skew;
  }
}

TEST_F(SettleTest, ARefusalIsNotCountedAsUse) {
  const TargetId target = AddLimited("t", {Rpm(5), Tpm(1000), Concurrency(5)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Settle(RefusalOf(permit, target, absl::Seconds(1)));
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(UsedTokens(target), 0);
  EXPECT_EQ(OpenAttempts(target), 0);
  EXPECT_EQ(broker->counters().refused, 1u);
}

TEST_F(SettleTest, AFailureThatIsNoRefusalCountsItsRequest) {
  for (const ErrorClass error : {ErrorClass::kOverloaded, ErrorClass::kBadRequest, ErrorClass::kContextTooLong,
                                 ErrorClass::kAuth, ErrorClass::kModelUnavailable, ErrorClass::kRefusedHere}) {
    const TargetId target = AddLimited("t" + std::to_string(static_cast<int>(error)), {Rpm(5)});
    Configure();
    const PermitId permit = Permitted(target);
    Send(permit);
    Settlement end = EndOf(permit, target);
    end.error_class = error;
    Settle(end);
    EXPECT_EQ(UsedRequests(target), 1) << static_cast<int>(error);
  }
}

TEST_F(SettleTest, ARequestThatTheProviderDidNotWorkOnCostsNoTokens) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 500}).permit.id;
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.error_class = ErrorClass::kBadRequest;
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 0);
}

TEST_F(SettleTest, ABrokenAnswerKeepsItsCharge) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 500}).permit.id;
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.error_class = ErrorClass::kOverloaded;
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 600);
}

TEST_F(SettleTest, ASettlementThatOvertakesItsSentReportCountsOnce) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  Configure();
  const PermitId permit = Permitted(target);
  Settle(EndOf(permit, target, absl::Seconds(1)));
  Send(permit, absl::Seconds(1));
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(SettleTest, SeveralAttemptsOfOnePermitAreSettledTogether) {
  const TargetId target = AddLimited("t", {Rpm(16'000), Tpm(10'000'000)});
  Configure();
  Attach("a");
  const AcquireAnswer answer = Ask({target}, {.prompt_tokens = 100, .max_output = 100, .spares = 9});
  ASSERT_EQ(answer.permit.spares, 9u);
  Send(answer.permit.id, absl::ZeroDuration(), 6);
  Settlement end = EndOf(answer.permit.id, target);
  end.count = 5;
  end.usage = Tokens(50, 100);
  Settle(end);
  EXPECT_EQ(OpenAttempts(target), 1);
  EXPECT_EQ(UsedRequests(target), 10);
  EXPECT_EQ(UsedTokens(target), 150 + 5 * 200);
  EXPECT_EQ(broker->counters().settled, 5u);
}

TEST_F(SettleTest, WithoutAPermitCountsInThePoolsOfTheTarget) {
  const PoolId account = AddPool("account", {Rpm(5), Tpm(10'000), Concurrency(2)});
  const PoolId model = AddPool("model", {Rpm(5)});
  const TargetId target = AddTarget("t", {account, model});
  Configure();
  Settlement end = EndOf(PermitId(), target, absl::Seconds(10));
  end.usage = Tokens(100, 50);
  Settle(end);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).used, 1);
  EXPECT_EQ(ViewOf(account, Unit::kTokens).used, 150);
  EXPECT_EQ(ViewOf(account, Unit::kConcurrency).used, 0);
  EXPECT_EQ(ViewOf(model, Unit::kRequests).used, 1);
  // Dated when it was sent.
  Advance(absl::Seconds(50) + kSlidingGuard);
  EXPECT_EQ(ViewOf(account, Unit::kRequests).used, 0);
}

TEST_F(SettleTest, WithoutAPermitAndWithoutUsageAGuessIsCounted) {
  const TargetId target = AddLimited("t", {Tpm(10'000)});
  Configure();
  Settlement end = EndOf(PermitId(), target);
  end.count = 2;
  end.prompt_bytes = 800;
  Settle(end);
  EXPECT_EQ(UsedTokens(target), 2 * (100 + 500));
}

TEST_F(SettleTest, OfAnotherLeadersPermitIsHarmless) {
  const TargetId target = AddLimited("t", {Rpm(5), Tpm(1000), Concurrency(2)});
  Configure();
  const PermitId foreign((uint64_t{6} << 40) | 1);
  Settle(EndOf(foreign, target));
  Settle(EndOf(foreign, target));
  Settlement unsent = EndOf(foreign, target);
  unsent.charged = false;
  Settle(unsent);
  EXPECT_EQ(UsedRequests(target), 0);
  EXPECT_EQ(UsedTokens(target), 0);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(SettleTest, OfAPermitWhoseRecordWasGivenUpCountsItsUse) {
  const TargetId target = AddLimited("t", {Rpd(5)});
  Configure();
  const PermitId permit = Permitted(target);
  Pass(absl::Seconds(6));
  Pass(absl::Minutes(2));
  ASSERT_EQ(broker->open_permits(), 0u);
  Settle(EndOf(permit, target, absl::Minutes(2)));
  EXPECT_EQ(UsedRequests(target, absl::Hours(24)), 1);
  EXPECT_EQ(OpenAttempts(target), 0);
}

TEST_F(SettleTest, MoreAttemptsThanAPermitHasAreNotCounted) {
  const TargetId target = AddLimited("t", {Rpm(50), Tpm(100'000), Concurrency(3)});
  Configure();
  const PermitId other = Permitted(target);
  const PermitId permit = Ask({target}, {.prompt_tokens = 100, .max_output = 100}).permit.id;
  Send(other);
  Send(permit);
  const int64_t tokens_before = UsedTokens(target);
  Settlement end = EndOf(permit, target);
  end.count = 4;
  end.usage = Tokens(400, 400);
  Settle(end);
  EXPECT_EQ(UsedRequests(target), 2);
  EXPECT_EQ(UsedTokens(target), tokens_before);
  EXPECT_EQ(OpenAttempts(target), 1);
}

TEST_F(SettleTest, RepeatedSettlementsNeverFreeWhatOthersHold) {
  const TargetId target = AddLimited("t", {Rpm(50), Concurrency(3)});
  Configure();
  const PermitId other = Permitted(target);
  const PermitId permit = Permitted(target);
  Send(other);
  Send(permit);
  Settle(EndOf(permit, target));
  Settle(EndOf(permit, target));
  Settlement unsent = EndOf(permit, target);
  unsent.charged = false;
  Settle(unsent);
  EXPECT_EQ(OpenAttempts(target), 1);
  EXPECT_GE(UsedRequests(target), 2);
  EXPECT_EQ(Grantable(target), 2);
}

TEST_F(SettleTest, NoAttemptsAtAllChangeNothing) {
  const TargetId target = AddLimited("t", {Rpm(5)});
  Configure();
  const PermitId permit = Permitted(target);
  Settlement none = EndOf(permit, target);
  none.count = 0;
  Settle(none);
  EXPECT_EQ(UsedRequests(target), 1);
  EXPECT_EQ(broker->counters().settled, 0u);
  EXPECT_EQ(broker->open_permits(), 1u);
}

TEST_F(SettleTest, TeachesHowManyTokensAPromptHas) {
  const TargetId target = AddLimited("t", {Tpm(1'000'000)});
  Configure();
  const PermitId permit = Permitted(target);
  Send(permit);
  Settlement end = EndOf(permit, target);
  end.usage = Tokens(500, 100);
  end.prompt_bytes = 1000;
  Settle(end);
  Acquire acquire;
  acquire.id = AcquireId(99);
  acquire.candidates = {CandidateOf(target)};
  acquire.prompt_bytes = 2000;
  acquire.prompt_tokens = 500;  // what the proxy guessed
  acquire.max_output = 10;
  EXPECT_EQ(broker->OnAcquire(HolderId(1), acquire, now).permit.tokens, 1010);
}

}  // namespace
}  // namespace chain429
