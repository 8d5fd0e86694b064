#include "common/limits/estimate.h"

#include <algorithm>
#include <cmath>

namespace chain429 {
namespace {

// Before anything was learnt: English prose in JSON has about four bytes a token, and an answer of a few paragraphs.
constexpr double kTokensPerByte = 0.25;
constexpr int64_t kOutputGuess = 500;
constexpr int64_t kStrictOutputGuess = 4096;
// Weight of the past after each attempt: about the last hundred count for outputs, some tens for the ratio.
constexpr float kOutputFade = 0.99F;
constexpr double kRatioFade = 0.97;
constexpr uint32_t kMergedAtMost = 64;
constexpr double kCarefulMargin = 1.25;

int StepOf(int64_t tokens) {
  if (tokens <= 1) return 0;
  return static_cast<int>(std::ceil(4 * std::log2(static_cast<double>(tokens))));
}

int64_t UpperEdge(int step) { return static_cast<int64_t>(std::floor(std::exp2(step / 4.0) + 1e-9)); }

}  // namespace

int64_t Estimator::PromptTokens(const Demand& demand, bool careful) const {
  double tokens = static_cast<double>(demand.prompt_tokens);
  if (demand.prompt_bytes > 0 && bytes_ > 0) {
    tokens = static_cast<double>(demand.prompt_bytes) * tokens_ / bytes_;
  } else if (demand.prompt_bytes > 0 && demand.prompt_tokens <= 0) {
    tokens = static_cast<double>(demand.prompt_bytes) * kTokensPerByte;
  }
  // Strictly counted prompts get a margin: the ratio is a mean, and text that is not prose has more tokens a byte.
  return static_cast<int64_t>(std::ceil(tokens * (careful ? kCarefulMargin : 1.0)));
}

int64_t Estimator::OutputQuantile(double share) const {
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    sum += static_cast<double>(outputs_[static_cast<size_t>(i)]);
    if (sum > 0 && sum >= share * outputs_sum_) return UpperEdge(i);
  }
  return UpperEdge(kSteps - 1);
}

bool Estimator::Guesses(const Demand& demand, TokenPolicy policy, const ChargeRule& rule) {
  if (rule.tokens == TokenCharge::kOnUse) return policy == TokenPolicy::kP95;
  return demand.max_output <= 0 && rule.default_output <= 0 && policy == TokenPolicy::kP95;
}

Charge Estimator::Estimate(const Demand& demand, TokenPolicy policy, const ChargeRule& rule) const {
  const bool strict = policy == TokenPolicy::kStrict;
  const bool up_front = rule.tokens != TokenCharge::kOnUse;
  Charge charge;
  charge.requests = 1;
  charge.input = PromptTokens(demand, strict);
  if (demand.max_output <= 0 && up_front && rule.default_output > 0) {
    charge.output = rule.default_output;
  } else if (strict || up_front) {
    const int64_t guess = outputs_sum_ > 0 ? std::max(kStrictOutputGuess, OutputQuantile(1.0)) : kStrictOutputGuess;
    charge.output = demand.max_output > 0 ? demand.max_output : guess;
  } else {
    charge.output = outputs_sum_ > 0 ? OutputQuantile(0.95) : kOutputGuess;
    if (demand.max_output > 0) charge.output = std::min(charge.output, demand.max_output);
  }
  return charge;
}

void Estimator::Learn(const Usage& usage, int64_t prompt_bytes, uint32_t count) {
  if (!usage.seen || count == 0) return;
  if (prompt_bytes > 0 && usage.prompt_tokens > 0) {
    const double fade = std::pow(kRatioFade, std::min(count, kMergedAtMost));
    bytes_ = bytes_ * fade + static_cast<double>(prompt_bytes);
    tokens_ = tokens_ * fade + static_cast<double>(usage.prompt_tokens);
  }
  const int step = std::min(kSteps - 1, StepOf(usage.completion_tokens / count));
  const auto weight = static_cast<float>(std::min(count, kMergedAtMost));
  const float fade = std::pow(kOutputFade, weight);
  for (float& output : outputs_) output *= fade;
  outputs_[static_cast<size_t>(step)] += weight;
  // Added up anew, in the order of the quantiles: a sum that fades beside them rounds in its own way, and the largest
  // would not reach it.
  outputs_sum_ = 0;
  for (const float output : outputs_) outputs_sum_ += static_cast<double>(output);
}

}  // namespace chain429
