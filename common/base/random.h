#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace chain429 {

// A small seeded generator (splitmix64). One per process or loop, passed by reference; the same seed gives the same
// run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  // In [0, bound); 0 for bound 0.
  uint64_t Below(uint64_t bound);
  // In [0, 1).
  double Uniform();
  // `base` times a factor in [1 - spread, 1 + spread].
  absl::Duration Jitter(absl::Duration base, double spread);

 private:
  uint64_t state_;
};

// A seed from the operating system, to be logged once.
uint64_t SystemSeed();

}  // namespace chain429
