#include "common/model/limit_state.h"

#include <algorithm>
#include <utility>

namespace chain429 {

LimitNow LookAt(const LimitState& told, absl::Duration age) {
  LimitNow now;
  now.remaining = told.remaining;
  now.frees_in = absl::InfiniteDuration();
  for (const Recovery& recovery : told.recoveries) {
    if (recovery.in <= age) {
      now.remaining = recovery.remaining;
      continue;
    }
    now.frees_in = std::min(now.frees_in, recovery.in - age);
    now.full_in = recovery.in - age;
  }
  if (now.remaining > 0) now.frees_in = absl::ZeroDuration();
  return now;
}

LimitState After(LimitState told, absl::Duration age) {
  told.remaining = LookAt(told, age).remaining;
  std::erase_if(told.recoveries, [age](const Recovery& recovery) { return recovery.in <= age; });
  for (Recovery& recovery : told.recoveries) recovery.in -= age;
  return told;
}

int64_t SmallestRemaining(std::span<const LimitState> limits, Unit unit) {
  int64_t smallest = -1;
  for (const LimitState& limit : limits) {
    if (limit.unit != unit && !(unit == Unit::kTokens && IsTokens(limit.unit))) continue;
    smallest = smallest < 0 ? limit.remaining : std::min(smallest, limit.remaining);
  }
  return smallest;
}

bool IsTokens(Unit unit) { return unit == Unit::kTokens || unit == Unit::kInputTokens || unit == Unit::kOutputTokens; }

}  // namespace chain429
