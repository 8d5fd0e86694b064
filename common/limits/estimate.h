#pragma once

#include <array>
#include <cstdint>

#include "common/limits/charge.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"

namespace chain429 {

// What is asked for, as far as its cost is concerned.
struct Demand {
  int64_t prompt_bytes = 0;
  int64_t prompt_tokens = 0;  // the proxy's guess; used until the ratio is learnt
  int64_t max_output = 0;     // 0: not given
};

// What requests of one target cost in tokens: learnt from the usage that its provider reports.
class Estimator {
 public:
  // What one attempt is charged before its usage is known. `kP95`: prompt and the 95th percentile of outputs seen, at
  // most `max_output`. `kStrict`, and whatever the policy where the provider counts output up front: prompt and
  // `max_output`; where none is given, what the provider takes for it, else the largest output seen, for want of a
  // bound.
  Charge Estimate(const Demand& demand, TokenPolicy policy, const ChargeRule& rule = {}) const;
  // Whether the output of such an estimate is only a guess.
  static bool Guesses(const Demand& demand, TokenPolicy policy, const ChargeRule& rule);
  // `count` attempts together. Ignored without usage.
  void Learn(const Usage& usage, int64_t prompt_bytes, uint32_t count);

 private:
  int64_t PromptTokens(const Demand& demand, bool careful) const;
  int64_t OutputQuantile(double share) const;

  // Outputs by size in steps of a quarter octave; older ones fade.
  static constexpr int kSteps = 96;
  std::array<float, kSteps> outputs_{};
  double outputs_sum_ = 0;
  double bytes_ = 0;  // fading sums for the ratio
  double tokens_ = 0;
};

}  // namespace chain429
