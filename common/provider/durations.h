#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace chain429 {

// The ways in which providers write numbers, waits and points in time. Nothing throws, allocates or overflows: what
// cannot be read, and every negative, is "unknown" (nullopt), never zero; what is too large to be meant is cut to
// kLongestWait.
inline constexpr absl::Duration kLongestWait = absl::Hours(24 * 36500);

// "60", "1000000000", "59.0". Beyond 10^18: unknown.
std::optional<int64_t> ParseCount(std::string_view text);

// "30", "0.5", "33011.382867097855", "3.1e-05": in seconds and in milliseconds.
std::optional<absl::Duration> ParseSeconds(std::string_view text);
std::optional<absl::Duration> ParseMilliseconds(std::string_view text);

// Numbers with units, whole text: "2m59.56s", "6m0s", "20ms", "1h30m", "1d", "47s".
std::optional<absl::Duration> ParseUnitDuration(std::string_view text);

// "2026-11-24T12:00:30Z", with a fraction or an offset; the letters may be small, a space may stand for the T.
std::optional<absl::Time> ParseRfc3339(std::string_view text);

// "Tue, 24 Nov 2026 12:01:30 GMT" and the two older forms that RFC 9110 obliges to read.
std::optional<absl::Time> ParseHttpDate(std::string_view text);

// A bare number as vendors write resets: above 10^12 epoch milliseconds, above 10^9 epoch seconds, else seconds from
// now. A time that is over counts as now.
std::optional<absl::Duration> ParseResetNumber(std::string_view text, absl::Time now);

// A reset in any of these forms.
std::optional<absl::Duration> ParseReset(std::string_view text, absl::Time now);

// Retry-After: seconds (floats occur), epoch seconds (occur), "20s" (occurs), or an HTTP date.
std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now);

// How long until the next edge of a window of `length` whose edges fall on `anchor` past midnight in `zone`. For
// windows that divide a day; days themselves follow the calendar, so that a day of 23 or 25 hours is right.
absl::Duration UntilWindowEdge(absl::Time now, absl::Duration length, absl::Duration anchor, absl::TimeZone zone);

// How long until the first of the next month, 00:00 in `zone`.
absl::Duration UntilNextMonth(absl::Time now, absl::TimeZone zone);

}  // namespace chain429
