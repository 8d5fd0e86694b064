#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// A limit's short name, wherever one is written or shown: what is counted, and over which window.
struct LimitKey {
  std::string_view name;
  Unit unit;
  absl::Duration window;  // zero: concurrency, which has none
};

// Requests, tokens, input and output tokens, credits; per second, minute, hour, day and month.
inline constexpr std::array kLimitKeys = {
    LimitKey{"rps", Unit::kRequests, absl::Seconds(1)},
    LimitKey{"rpm", Unit::kRequests, absl::Minutes(1)},
    LimitKey{"rph", Unit::kRequests, absl::Hours(1)},
    LimitKey{"rpd", Unit::kRequests, absl::Hours(24)},
    LimitKey{"rpmo", Unit::kRequests, kMonth},
    LimitKey{"tps", Unit::kTokens, absl::Seconds(1)},
    LimitKey{"tpm", Unit::kTokens, absl::Minutes(1)},
    LimitKey{"tph", Unit::kTokens, absl::Hours(1)},
    LimitKey{"tpd", Unit::kTokens, absl::Hours(24)},
    LimitKey{"tpmo", Unit::kTokens, kMonth},
    LimitKey{"itps", Unit::kInputTokens, absl::Seconds(1)},
    LimitKey{"itpm", Unit::kInputTokens, absl::Minutes(1)},
    LimitKey{"itph", Unit::kInputTokens, absl::Hours(1)},
    LimitKey{"itpd", Unit::kInputTokens, absl::Hours(24)},
    LimitKey{"itpmo", Unit::kInputTokens, kMonth},
    LimitKey{"otps", Unit::kOutputTokens, absl::Seconds(1)},
    LimitKey{"otpm", Unit::kOutputTokens, absl::Minutes(1)},
    LimitKey{"otph", Unit::kOutputTokens, absl::Hours(1)},
    LimitKey{"otpd", Unit::kOutputTokens, absl::Hours(24)},
    LimitKey{"otpmo", Unit::kOutputTokens, kMonth},
    LimitKey{"cps", Unit::kCredits, absl::Seconds(1)},
    LimitKey{"cpm", Unit::kCredits, absl::Minutes(1)},
    LimitKey{"cph", Unit::kCredits, absl::Hours(1)},
    LimitKey{"cpd", Unit::kCredits, absl::Hours(24)},
    LimitKey{"cpmo", Unit::kCredits, kMonth},
    LimitKey{"concurrency", Unit::kConcurrency, absl::ZeroDuration()},
};

// The index in kLimitKeys; its size for an unknown name.
constexpr size_t LimitKeyIndex(std::string_view name) {
  size_t i = 0;
  while (i < kLimitKeys.size() && kLimitKeys[i].name != name) ++i;
  return i;
}

// Empty where no key says it.
constexpr std::string_view LimitKeyName(Unit unit, absl::Duration window) {
  for (const LimitKey& key : kLimitKeys) {
    if (key.unit == unit && (unit == Unit::kConcurrency || key.window == window)) return key.name;
  }
  return {};
}

}  // namespace chain429
