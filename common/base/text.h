#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace chain429 {

// Abseil's string_view is a type of its own on Debian 12; these two lines are its only border.
inline absl::string_view ToAbsl(std::string_view s) { return absl::string_view(s.data(), s.size()); }
inline std::string_view FromAbsl(absl::string_view s) { return std::string_view(s.data(), s.size()); }

// "500ms", "3s", "10m", "1h", "0s"; several units in falling order as in "1m30s". A bare number, a negative, an unknown
// unit: an error that says what is allowed.
absl::StatusOr<absl::Duration> ParseConfigDuration(std::string_view text);
// The shortest of those forms: 90 s is "1m30s".
std::string FormatDuration(absl::Duration duration);
// For people: "42 s", "3 min 5 s", "2 h 10 min".
std::string HumanDuration(absl::Duration duration);

// Seconds rounded up, at least 0: what Retry-After wants.
int64_t CeilSeconds(absl::Duration duration);

// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the pen.
std::optional<std::string> DidYouMean(std::string_view word, std::span<const std::string> candidates);

// ASCII only, as header names need.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string LowerAscii(std::string_view text);
std::string_view TrimSpace(std::string_view text);

// At most `bytes` bytes, cut before a UTF-8 sequence rather than within it, with "…" when something was cut.
std::string Truncate(std::string_view text, size_t bytes);

// Every occurrence of `secret`, also with characters escaped as in JSON, replaced by "[redacted]"; secrets shorter than
// 4 bytes are left alone (they would shred the text).
std::string Redact(std::string_view text, std::string_view secret);

// [a-z0-9][a-z0-9._-]{0,62}: names of chains, providers, credentials.
bool IsName(std::string_view text);

}  // namespace chain429
