#include <gtest/gtest.h>

#include "common/waterfall/walk.h"

namespace chain429 {
namespace {

TEST(Outcome, OfAnErrorsClass) {
  const struct {
    ErrorClass error_class;
    Outcome outcome;
  } cases[] = {
      {ErrorClass::kOk, Outcome::kOk},
      {ErrorClass::kRateLimited, Outcome::kRateLimited},
      {ErrorClass::kQuotaExhausted, Outcome::kQuotaExhausted},
      {ErrorClass::kAuth, Outcome::kAuth},
      {ErrorClass::kModelUnavailable, Outcome::kModelUnavailable},
      {ErrorClass::kOverloaded, Outcome::kOverloaded},
      {ErrorClass::kBadRequest, Outcome::kError},
      {ErrorClass::kRefusedHere, Outcome::kError},
      {ErrorClass::kContextTooLong, Outcome::kError},
  };
  for (const auto& c : cases) EXPECT_EQ(OutcomeOf(c.error_class), c.outcome) << OutcomeName(c.outcome);
}

TEST(Outcome, OnlyLimitsOpenAgainByWaiting) {
  for (int i = 0; i <= static_cast<int>(Outcome::kModelUnavailable); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(WaitsForLimit(outcome), outcome == Outcome::kRateLimited || outcome == Outcome::kQuotaExhausted)
        << OutcomeName(outcome);
  }
}

TEST(Outcome, TheTrailsWords) {
  std::string words;
  for (int i = 0; i <= static_cast<int>(Outcome::kModelUnavailable); ++i) {
    words.append(OutcomeName(static_cast<Outcome>(i))).push_back(' ');
  }
  EXPECT_EQ(
      words,
      "ok skipped_cooldown skipped_quota skipped_unfit skipped_health rate_limited quota_exhausted auth overloaded "
      "error timeout connect broken empty model_unavailable ");
}

}  // namespace
}  // namespace chain429
