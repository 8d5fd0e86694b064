#include "common/limits/estimate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

Usage Tokens(int64_t prompt, int64_t completion) { return {prompt, completion, true}; }

Demand Bytes(int64_t bytes, int64_t max_output = 0) { return {bytes, bytes / 4, max_output}; }

TEST(Estimator, BeforeAnythingIsLearntItGuesses) {
  const Estimator estimator;
  const Charge charge = estimator.Estimate(Bytes(4000), TokenPolicy::kP95);
  EXPECT_EQ(charge.requests, 1);
  EXPECT_EQ(charge.input, 1000);
  EXPECT_EQ(charge.output, 500);
  // Without the proxy's guess, or without the bytes.
  EXPECT_EQ(estimator.Estimate({4000, 0, 0}, TokenPolicy::kP95).input, 1000);
  EXPECT_EQ(estimator.Estimate({0, 123, 0}, TokenPolicy::kP95).input, 123);
}

TEST(Estimator, LearnsTheBytesOfAToken) {
  Estimator estimator;
  for (int i = 0; i < 200; ++i) estimator.Learn(Tokens(500, 10), 1000, 1);
  EXPECT_NEAR(static_cast<double>(estimator.Estimate(Bytes(4000), TokenPolicy::kP95).input), 2000, 2);
  // And anew, where prompts are of another kind.
  for (int i = 0; i < 200; ++i) estimator.Learn(Tokens(200, 10), 1000, 1);
  EXPECT_NEAR(static_cast<double>(estimator.Estimate(Bytes(4000), TokenPolicy::kP95).input), 800, 15);
}

TEST(Estimator, ChargesTheNinetyFifthPercentileOfOutputs) {
  Random random(1);
  Estimator estimator;
  std::vector<int64_t> outputs;
  for (int i = 0; i < 2000; ++i) {
    // Log-normal, roughly: most answers are short and a few are long.
    const double bell = random.Uniform() + random.Uniform() + random.Uniform() + random.Uniform() - 2;
    const auto output = static_cast<int64_t>(300 * std::exp(bell * 2));
    outputs.push_back(output);
    estimator.Learn(Tokens(100, output), 400, 1);
  }
  // Only about the last hundred count.
  std::vector<int64_t> recent(outputs.end() - 400, outputs.end());
  std::sort(recent.begin(), recent.end());
  const int64_t charged = estimator.Estimate(Bytes(400), TokenPolicy::kP95).output;
  EXPECT_GE(charged, recent[recent.size() * 88 / 100]);
  EXPECT_LE(static_cast<double>(charged), 1.2 * static_cast<double>(recent[recent.size() * 99 / 100]));
}

// Of outputs that are all alike the charge is that size, never below and at most a step (a quarter octave) above.
TEST(Estimator, NeverChargesLessThanWhatEveryAnswerCosts) {
  for (int64_t output = 1; output < 300'000; output += 1 + output / 7) {
    Estimator estimator;
    for (int i = 0; i < 20; ++i) estimator.Learn(Tokens(10, output), 40, 1);
    const int64_t charged = estimator.Estimate(Bytes(40), TokenPolicy::kP95).output;
    EXPECT_GE(charged, output);
    EXPECT_LE(static_cast<double>(charged), static_cast<double>(output) * 1.19 + 1);
  }
}

TEST(Estimator, AFewLongAnswersDoNotDecideButManyDo) {
  Estimator estimator;
  for (int i = 0; i < 500; ++i) estimator.Learn(Tokens(10, i % 50 == 0 ? 8000 : 100), 40, 1);
  EXPECT_LE(estimator.Estimate(Bytes(40), TokenPolicy::kP95).output, 120);
  for (int i = 0; i < 500; ++i) estimator.Learn(Tokens(10, i % 10 == 0 ? 8000 : 100), 40, 1);
  EXPECT_GE(estimator.Estimate(Bytes(40), TokenPolicy::kP95).output, 8000);
}

TEST(Estimator, ForgetsWhatWasLongAgo) {
  Estimator estimator;
  for (int i = 0; i < 1000; ++i) estimator.Learn(Tokens(10, 8000), 40, 1);
  for (int i = 0; i < 400; ++i) estimator.Learn(Tokens(10, 100), 40, 1);
  EXPECT_LE(estimator.Estimate(Bytes(40), TokenPolicy::kP95).output, 120);
}

TEST(Estimator, ARequestsOwnBoundIsTheMostThatIsCharged) {
  Estimator estimator;
  EXPECT_EQ(estimator.Estimate(Bytes(40, 64), TokenPolicy::kP95).output, 64);
  for (int i = 0; i < 100; ++i) estimator.Learn(Tokens(10, 1000), 40, 1);
  EXPECT_EQ(estimator.Estimate(Bytes(40, 64), TokenPolicy::kP95).output, 64);
  EXPECT_GE(estimator.Estimate(Bytes(40, 100'000), TokenPolicy::kP95).output, 1000);
  EXPECT_LE(estimator.Estimate(Bytes(40, 100'000), TokenPolicy::kP95).output, 1200);
}

TEST(Estimator, StrictChargesPromptAndBoundWhateverWasLearnt) {
  Estimator estimator;
  EXPECT_EQ(estimator.Estimate(Bytes(40, 7000), TokenPolicy::kStrict).output, 7000);
  for (int i = 0; i < 100; ++i) estimator.Learn(Tokens(10, 50), 40, 1);
  EXPECT_EQ(estimator.Estimate(Bytes(40, 7000), TokenPolicy::kStrict).output, 7000);
  EXPECT_EQ(estimator.Estimate(Bytes(40, 1), TokenPolicy::kStrict).output, 1);
}

// A mean is not a bound: prompts are counted with a margin, learnt or not.
TEST(Estimator, StrictCountsPromptsWithAMargin) {
  Estimator estimator;
  EXPECT_GE(estimator.Estimate(Bytes(4000, 1), TokenPolicy::kStrict).input, 1250);
  EXPECT_GE(estimator.Estimate({4000, 0, 1}, TokenPolicy::kStrict).input, 1250);
  EXPECT_GE(estimator.Estimate({0, 1000, 1}, TokenPolicy::kStrict).input, 1250);
  for (int i = 0; i < 100; ++i) estimator.Learn(Tokens(500, 50), 1000, 1);
  EXPECT_GE(estimator.Estimate(Bytes(4000, 1), TokenPolicy::kStrict).input, 2450);
  EXPECT_LE(estimator.Estimate(Bytes(4000, 1), TokenPolicy::kStrict).input, 2600);
}

// Where a request states no bound, the largest answer seen stands for it, and no more than that: the sums of what was
// seen fade and round, and must not be taken for answers that nobody gave.
TEST(Estimator, StrictWithoutABoundChargesTheLargestOutputSeen) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    Estimator estimator;
    int64_t largest = 0;
    EXPECT_EQ(estimator.Estimate(Bytes(40), TokenPolicy::kStrict).output, 4096);
    for (int i = 0; i < 400; ++i) {
      const auto output = static_cast<int64_t>(random.Below(20'000));
      largest = std::max(largest, output);
      estimator.Learn(Tokens(10, output), 40, 1 + static_cast<uint32_t>(random.Below(3)));
    }
    const int64_t charged = estimator.Estimate(Bytes(40), TokenPolicy::kStrict).output;
    ASSERT_GE(charged, 4096);
    ASSERT_LE(static_cast<double>(charged), 1.2 * static_cast<double>(std::max<int64_t>(largest, 4096))) << round;
  }
}

TEST(Estimator, AttemptsSettledTogetherCountByTheirMean) {
  Estimator estimator;
  estimator.Learn(Tokens(1000, 500), 4000, 10);
  const Charge charge = estimator.Estimate(Bytes(400), TokenPolicy::kP95);
  EXPECT_EQ(charge.input, 100);
  EXPECT_GE(charge.output, 50);
  EXPECT_LE(charge.output, 60);
}

TEST(Estimator, LearnsNothingFromNothingAndSurvivesNonsense) {
  Estimator estimator;
  estimator.Learn({9999, 9999, false}, 10, 1);
  estimator.Learn(Tokens(9999, 9999), 10, 0);
  EXPECT_EQ(estimator.Estimate(Bytes(4000), TokenPolicy::kP95), (Charge{1, 1000, 500}));
  estimator.Learn(Tokens(-5, -5), 10, 1);
  estimator.Learn(Tokens(0, 0), 0, 1);
  estimator.Learn(Tokens(int64_t{1} << 40, int64_t{1} << 60), 10, 1);
  const Charge charge = estimator.Estimate(Bytes(40), TokenPolicy::kP95);
  EXPECT_GE(charge.input, 0);
  EXPECT_GE(charge.output, 0);
  for (int i = 0; i < 100'000; ++i) estimator.Learn(Tokens(10, 100), 40, 1);
  EXPECT_LE(estimator.Estimate(Bytes(40), TokenPolicy::kP95).output, 120);
  EXPECT_NEAR(static_cast<double>(estimator.Estimate(Bytes(40), TokenPolicy::kP95).input), 10, 1);
}

constexpr ChargeRule UpFront(int64_t default_output = 0) {
  return {.tokens = TokenCharge::kUpFront, .default_output = default_output};
}

TEST(Estimator, WhatIsCountedUpFrontIsChargedWholeWhateverThePolicy) {
  Estimator estimator;
  for (int i = 0; i < 100; ++i) estimator.Learn(Tokens(250, 10), 1000, 1);
  for (const TokenCharge tokens : {TokenCharge::kUpFront, TokenCharge::kUpFrontKept}) {
    const ChargeRule rule{.tokens = tokens, .default_output = 16'384};
    EXPECT_EQ(estimator.Estimate(Bytes(1000, 4000), TokenPolicy::kP95, rule).output, 4000);
    EXPECT_EQ(estimator.Estimate(Bytes(1000, 4000), TokenPolicy::kStrict, rule).output, 4000);
    EXPECT_EQ(estimator.Estimate(Bytes(1000), TokenPolicy::kP95, rule).output, 16'384) << "the provider's default";
  }
  EXPECT_LE(estimator.Estimate(Bytes(1000, 4000), TokenPolicy::kP95).output, 12) << "charged on use: what was learnt";
}

TEST(Estimator, AnUnknownDefaultUpFrontIsGuessedLargely) {
  Estimator estimator;
  EXPECT_GE(estimator.Estimate(Bytes(1000), TokenPolicy::kP95, UpFront()).output, 4096);
  estimator.Learn(Tokens(10, 9000), 40, 1);
  EXPECT_GE(estimator.Estimate(Bytes(1000), TokenPolicy::kP95, UpFront()).output, 9000);
}

TEST(Estimator, OnlyWhatNobodyStatedIsAGuess) {
  const ChargeRule on_use;
  EXPECT_TRUE(Estimator::Guesses(Bytes(10, 50), TokenPolicy::kP95, on_use));
  EXPECT_FALSE(Estimator::Guesses(Bytes(10, 50), TokenPolicy::kStrict, on_use));
  EXPECT_FALSE(Estimator::Guesses(Bytes(10, 50), TokenPolicy::kP95, UpFront()));
  EXPECT_FALSE(Estimator::Guesses(Bytes(10), TokenPolicy::kP95, UpFront(100)));
  EXPECT_TRUE(Estimator::Guesses(Bytes(10), TokenPolicy::kP95, UpFront()));
}

}  // namespace
}  // namespace chain429
