#include "tests/sim/duration_text.h"

#include <charconv>

namespace chain429::sim {
namespace {

absl::Time CeilToSecond(absl::Time time) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Seconds(1));
}

// 59.56 from 59560 ms: no trailing zeros, no point without digits behind it.
std::string SecondsWithFraction(int64_t millis) {
  std::string text = std::to_string(millis / 1000);
  if (int64_t rest = millis % 1000; rest != 0) {
    std::string fraction = std::to_string(1000 + rest).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += "." + fraction;
  }
  return text;
}

}  // namespace

std::optional<absl::Duration> ParseDuration(std::string_view text) {
  absl::Duration duration;
  if (text.empty() || text == "0" || text.front() == '-' || text.front() == '+') return std::nullopt;
  if (!absl::ParseDuration(absl::string_view(text.data(), text.size()), &duration)) return std::nullopt;
  if (duration == absl::InfiniteDuration()) return std::nullopt;
  return duration;
}

std::string GoDuration(absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return "0s";
  int64_t millis = absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1)));
  if (millis < 1000) return std::to_string(millis) + "ms";
  int64_t hours = millis / 3'600'000;
  int64_t minutes = millis / 60'000 % 60;
  std::string text;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  return text + SecondsWithFraction(millis % 60'000) + "s";
}

std::string FloatSeconds(absl::Duration duration) {
  char buffer[64];
  auto result = std::to_chars(buffer, buffer + sizeof(buffer), absl::ToDoubleSeconds(duration));
  return std::string(buffer, result.ptr);
}

std::string WholeSeconds(absl::Duration duration) {
  return std::to_string(absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", CeilToSecond(time), absl::UTCTimeZone());
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", CeilToSecond(time), absl::UTCTimeZone());
}

}  // namespace chain429::sim
