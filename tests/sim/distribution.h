#pragma once

#include <optional>
#include <random>
#include <string_view>

#include "absl/time/time.h"

namespace chain429::sim {

// One seed makes a provider's whole behaviour repeatable: the engine and the formulas are fixed here, not left to the
// standard library's distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // [0, 1)
  double Normal();                                                              // mean 0, deviation 1
  size_t Below(size_t n) { return static_cast<size_t>(Uniform() * static_cast<double>(n)); }

 private:
  std::mt19937_64 engine_;
};

// A non-negative quantity: constant, uniform or lognormal.
struct Distribution {
  enum class Kind { kConstant, kUniform, kLognormal };
  Kind kind = Kind::kConstant;
  double a = 0;  // constant: the value; uniform: the least; lognormal: the median
  double b = 0;  // uniform: the most; lognormal: sigma of the logarithm
  std::optional<double> most;  // lognormal: cut off here

  double Draw(Random& random) const;
};

// "50ms", "uniform:10ms:50ms", "lognormal:50ms:0.5", "lognormal:50ms:0.5:2s"; Draw gives seconds.
std::optional<Distribution> ParseDelay(std::string_view text);
// The same with plain numbers: "5", "uniform:1:9", "lognormal:50:0.5".
std::optional<Distribution> ParseAmount(std::string_view text);

absl::Duration DrawDelay(const Distribution& distribution, Random& random);
int64_t DrawAmount(const Distribution& distribution, Random& random);

}  // namespace chain429::sim
