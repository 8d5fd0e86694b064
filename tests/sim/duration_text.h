#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace chain429::sim {

// Durations and dates in the many spellings that providers use, and the one that scenarios use.

// "500ms", "3s", "1m30s", "0s". A unit is required; negative and infinite values are refused.
std::optional<absl::Duration> ParseDuration(std::string_view text);

// As Go prints it: "6m0s", "2m59.56s", "370ms". Rounded up to a millisecond, so that waiting that long is enough.
std::string GoDuration(absl::Duration duration);

// Seconds as the shortest decimal that reads back to the same double: "11.382867097".
std::string FloatSeconds(absl::Duration duration);

// Whole seconds, rounded up.
std::string WholeSeconds(absl::Duration duration);

// "Tue, 24 Nov 2026 12:01:30 GMT"; a fraction of a second is rounded up.
std::string HttpDate(absl::Time time);

// "2026-11-24T12:00:30Z"; a fraction of a second is rounded up.
std::string Rfc3339(absl::Time time);

}  // namespace chain429::sim
