#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/base/random.h"

namespace chain429 {

// Pauses between tries: 50 ms, doubling to 2 s, each spread over half to one and a half of that so that a fleet does
// not come back in step.
class Backoff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(50);
  static constexpr absl::Duration kLongest = absl::Seconds(2);

  absl::Duration Next(Random& random) {
    const absl::Duration pause = random.Jitter(base_, 0.5);
    base_ = std::min(base_ * 2, kLongest);
    return std::min(pause, kLongest);
  }
  void Reset() { base_ = kFirst; }

 private:
  absl::Duration base_ = kFirst;
};

}  // namespace chain429
