#include "common/provider/wait.h"

#include <algorithm>

#include "common/provider/durations.h"
#include "common/provider/prose.h"

namespace chain429 {
namespace {

constexpr absl::Duration kLongestUndated = absl::Hours(24);

// A body's wait: "5.2s", a number of seconds, or, under a name that says so, milliseconds.
std::optional<absl::Duration> BodyWait(const ErrorBody& body, const BodyShape& shape) {
  std::optional<absl::Duration> longest;
  for (const FieldPath& path : shape.wait_at) {
    const bool milliseconds = path.steps().back().key.ends_with("_ms");
    body.AnyAt(path, [&](std::string_view value) {
      std::optional<absl::Duration> wait = milliseconds ? ParseMilliseconds(value) : ParseSeconds(value);
      if (!wait) wait = ParseUnitDuration(value);
      if (wait && (!longest || *wait > *longest)) longest = wait;
      return false;
    });
  }
  return longest;
}

bool Waits(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kRateLimited:
    case ErrorClass::kQuotaExhausted:
    case ErrorClass::kOverloaded:
      return true;
    case ErrorClass::kOk:
    case ErrorClass::kAuth:
    case ErrorClass::kModelUnavailable:
    case ErrorClass::kBadRequest:
    case ErrorClass::kRefusedHere:
    case ErrorClass::kContextTooLong:
      return false;
  }
  return false;
}

}  // namespace

StatedWaits ReadWaits(HeaderView headers, const ErrorBody& body, const BodyShape& shape, absl::Time wall_now) {
  StatedWaits waits;
  if (const auto ms = FindHeader(headers, "retry-after-ms")) waits.retry_after = ParseMilliseconds(*ms);
  if (!waits.retry_after) {
    if (const auto value = FindHeader(headers, "retry-after")) waits.retry_after = ParseRetryAfter(*value, wall_now);
  }
  waits.prose = FindDelay(body.text());
  waits.body = BodyWait(body, shape);
  if (!waits.body) waits.body = waits.prose;
  return waits;
}

std::optional<absl::Duration> ResetOfUsedUp(const std::vector<Reading>& readings, absl::Duration lone_reset) {
  std::optional<absl::Duration> longest;
  bool remaining_stated = false;
  for (const Reading& reading : readings) {
    remaining_stated |= reading.remaining >= 0;
    if (reading.remaining != 0 || reading.reset_after == absl::InfiniteDuration()) continue;
    if (!longest || reading.reset_after > *longest) longest = reading.reset_after;
  }
  if (!longest && !remaining_stated && lone_reset != absl::InfiniteDuration()) longest = lone_reset;
  return longest;
}

void DecideWait(const StatedWaits& waits, std::optional<absl::Duration> reset, const ErrorRule* rule,
                absl::Time wall_now, Verdict& verdict) {
  if (!Waits(verdict.error_class)) return;
  const ErrorRule::StatedWait stated = rule == nullptr ? ErrorRule::StatedWait::kUse : rule->stated;
  std::optional<absl::Duration> wait;
  if (stated == ErrorRule::StatedWait::kBodyFirst) wait = waits.body;
  if (stated != ErrorRule::StatedWait::kIgnore) {
    if (!wait) wait = waits.retry_after;
    if (!wait) wait = waits.body;
    // An overloaded provider's quota headers say nothing of when it recovers.
    if (!wait && verdict.error_class != ErrorClass::kOverloaded) wait = reset;
    if (wait && !(rule != nullptr && rule->dated)) wait = std::min(*wait, kLongestUndated);
  }
  if (!wait && rule != nullptr && rule->until) wait = rule->until->Until(wall_now);
  verdict.authoritative = wait.has_value();
  if (wait) {
    verdict.retry_after = *wait;
  } else if (rule != nullptr) {
    verdict.retry_after = rule->fallback;
  }
}

}  // namespace chain429
