#include <string>
#include <vector>

#include "common/model/pool.h"
#include "common/model/settlement.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Names, OfUnits) {
  EXPECT_EQ(UnitName(Unit::kRequests), "requests");
  EXPECT_EQ(UnitName(Unit::kTokens), "tokens");
  EXPECT_EQ(UnitName(Unit::kInputTokens), "input_tokens");
  EXPECT_EQ(UnitName(Unit::kOutputTokens), "output_tokens");
  EXPECT_EQ(UnitName(Unit::kConcurrency), "concurrency");
  EXPECT_EQ(UnitName(Unit::kCredits), "credits");
}

TEST(Names, OfClosures) {
  const std::vector<std::string> expected = {"open", "rate_limited",      "quota_exhausted",
                                             "auth", "model_unavailable", "overloaded"};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(ClosureName(static_cast<Closure>(i)), expected[i]);
}

// The words of the trail header, all of them and no others.
TEST(Names, OfOutcomesAreTheTrailsWords) {
  const std::vector<std::string> expected = {
      "ok",           "skipped_cooldown", "skipped_quota", "skipped_unfit", "skipped_health",
      "rate_limited", "quota_exhausted",  "auth",          "overloaded",    "error",
      "timeout",      "connect",          "broken",        "empty",         "model_unavailable"};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(OutcomeName(static_cast<Outcome>(i)), expected[i]);
}

}  // namespace
}  // namespace chain429
