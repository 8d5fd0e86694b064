#pragma once

#include <cstdint>
#include <span>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// A limit as it is some time after it was told.
struct LimitNow {
  int64_t remaining = 0;
  absl::Duration frees_in;  // until something is left; 0: something is, infinite: unknown
  absl::Duration full_in;   // until all of it is
};
LimitNow LookAt(const LimitState& told, absl::Duration age);

// The same as if it were told `age` later: what has recovered meanwhile is counted.
LimitState After(LimitState told, absl::Duration age);

// The least that is left over the limits of `unit` (kTokens: of every token unit); -1: there is none.
int64_t SmallestRemaining(std::span<const LimitState> limits, Unit unit);

bool IsTokens(Unit unit);

}  // namespace chain429
