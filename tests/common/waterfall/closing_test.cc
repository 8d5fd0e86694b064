#include "common/waterfall/closing.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

const PoolId kAccount(1), kModel(2), kCredential(3);

Target TargetOfTwoPools() {
  Target target;
  target.pools = {kAccount, kModel};
  return target;
}
Verdict VerdictOf(ErrorClass error_class, Scope scope, absl::Duration wait = absl::ZeroDuration()) {
  Verdict verdict;
  verdict.error_class = error_class;
  verdict.scope = scope;
  verdict.retry_after = wait;
  verdict.authoritative = wait > absl::ZeroDuration();
  return verdict;
}
std::optional<Closing> Closes(const Verdict& verdict, PoolId credential = kCredential) {
  return ClosingOf(verdict, TargetOfTwoPools(), credential);
}

TEST(ClosingOf, TheScopeNamesThePool) {
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kRateLimited, Scope::kPool))->pool, kAccount);
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kRateLimited, Scope::kProvider))->pool, kAccount);
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kModelUnavailable, Scope::kTarget))->pool, kModel);
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kAuth, Scope::kCredential))->pool, kCredential);
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kAuth, Scope::kCredential), PoolId())->pool, kAccount) << "no key was sent";
}

TEST(ClosingOf, WhatTheProviderSaysOfTheWaitHolds) {
  const auto closing = Closes(VerdictOf(ErrorClass::kAuth, Scope::kCredential, absl::Seconds(7)));
  EXPECT_EQ(closing->wait, absl::Seconds(7));
  EXPECT_EQ(closing->closure, Closure::kAuth);
}

TEST(ClosingOf, ElseItDependsOnWhatHappened) {
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kRateLimited, Scope::kPool))->wait, absl::Seconds(1));
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kQuotaExhausted, Scope::kPool))->wait, absl::Seconds(1));
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kAuth, Scope::kCredential))->wait, absl::Minutes(10));
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kModelUnavailable, Scope::kTarget))->wait, absl::Minutes(10));
}

TEST(ClosingOf, PassingTroubleClosesNothingUnlessItsEndIsSaid) {
  EXPECT_FALSE(Closes(VerdictOf(ErrorClass::kOverloaded, Scope::kPool)));
  EXPECT_EQ(Closes(VerdictOf(ErrorClass::kOverloaded, Scope::kPool, absl::Seconds(5)))->closure, Closure::kOverloaded);
  Verdict guessed = VerdictOf(ErrorClass::kOverloaded, Scope::kPool, absl::Seconds(5));
  guessed.authoritative = false;
  EXPECT_FALSE(Closes(guessed));
}

TEST(ClosingOf, WhatIsTheRequestsOwnFaultClosesNothing) {
  for (const ErrorClass own :
       {ErrorClass::kOk, ErrorClass::kBadRequest, ErrorClass::kRefusedHere, ErrorClass::kContextTooLong}) {
    EXPECT_FALSE(Closes(VerdictOf(own, Scope::kPool, absl::Seconds(5))));
  }
  EXPECT_FALSE(Closes(VerdictOf(ErrorClass::kRateLimited, Scope::kRequest, absl::Seconds(5))));
}

}  // namespace
}  // namespace chain429
