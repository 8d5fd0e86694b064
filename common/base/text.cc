#include "common/base/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/hex.h"

namespace chain429 {
namespace {

struct UnitName {
  std::string_view name;
  absl::Duration length;
};

constexpr std::string_view kDurationHelp = "write a number with a unit: 500ms, 3s, 10m, 1h";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::optional<absl::Duration> UnitLength(std::string_view unit) {
  if (unit == "ms") return absl::Milliseconds(1);
  if (unit == "s") return absl::Seconds(1);
  if (unit == "m") return absl::Minutes(1);
  if (unit == "h") return absl::Hours(1);
  return std::nullopt;
}

absl::Status BadDuration(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", ToAbsl(text), "\" is not a duration (", ToAbsl(why), "); ", ToAbsl(kDurationHelp)));
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t previous = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1)});
      diagonal = previous;
    }
  }
  return row[b.size()];
}

// The bytes that spell `c` at the front of `text`, as it is or as JSON may escape it; 0: it is not spelled there.
size_t SpelledAt(std::string_view text, char c) {
  if (text.empty()) return 0;
  if (text[0] == c && c != '\\') return 1;
  if (text[0] != '\\' || text.size() < 2) return c == '\\' && text[0] == c ? 1 : 0;
  if (text[1] == c && (c == '"' || c == '\\' || c == '/')) return 2;
  if (text[1] != 'u' || text.size() < 6) return 0;
  int code = 0;
  for (size_t i = 2; i < 6; ++i) code = code < 0 || HexDigit(text[i]) < 0 ? -1 : code * 16 + HexDigit(text[i]);
  return code == static_cast<unsigned char>(c) ? 6 : 0;
}

size_t SpelledAt(std::string_view text, std::string_view word) {
  size_t size = 0;
  for (const char c : word) {
    const size_t spelled = SpelledAt(text.substr(size), c);
    if (spelled == 0) return 0;
    size += spelled;
  }
  return size;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseConfigDuration(std::string_view text) {
  if (text.empty()) return BadDuration(text, "it is empty");
  if (text.front() == '-') return BadDuration(text, "it is negative");
  absl::Duration total;
  absl::Duration last_unit = absl::InfiniteDuration();
  std::string_view rest = text;
  while (!rest.empty()) {
    double amount = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), amount, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(amount) || !std::isdigit(static_cast<unsigned char>(rest.front()))) {
      return BadDuration(text, "no number where one should stand");
    }
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    const size_t unit_size = static_cast<size_t>(
        std::find_if(rest.begin(), rest.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '.'; }) -
        rest.begin());
    if (unit_size == 0) return BadDuration(text, "the unit is missing");
    const auto unit = UnitLength(rest.substr(0, unit_size));
    if (!unit) return BadDuration(text, "unknown unit");
    if (*unit >= last_unit) return BadDuration(text, "units must fall");
    last_unit = *unit;
    rest.remove_prefix(unit_size);
    total += *unit * amount;
  }
  if (total > absl::Hours(24 * 366)) return BadDuration(text, "longer than a year");
  return total;
}

std::string FormatDuration(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) duration = absl::ZeroDuration();
  int64_t ms = absl::ToInt64Milliseconds(duration);
  if (ms == 0) return "0s";
  std::string out;
  for (const UnitName& unit : {UnitName{"h", absl::Hours(1)},
                               {"m", absl::Minutes(1)},
                               {"s", absl::Seconds(1)},
                               {"ms", absl::Milliseconds(1)}}) {
    const int64_t length = absl::ToInt64Milliseconds(unit.length);
    if (ms >= length) absl::StrAppend(&out, ms / length, ToAbsl(unit.name));
    ms %= length;
  }
  return out;
}

std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds = CeilSeconds(duration);
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600)
    return seconds % 60 == 0 ? absl::StrCat(seconds / 60, " min")
                             : absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
  const int64_t minutes = seconds % 3600 / 60;
  return minutes == 0 ? absl::StrCat(seconds / 3600, " h") : absl::StrCat(seconds / 3600, " h ", minutes, " min");
}

int64_t CeilSeconds(absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return 0;
  return absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
}

std::optional<std::string> DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (best == nullptr || *best == word) return std::nullopt;
  return *best;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string LowerAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Lower(c);
  return out;
}

std::string_view TrimSpace(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string Truncate(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  constexpr std::string_view kEllipsis = "…";
  if (bytes < kEllipsis.size()) return "";
  size_t end = bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)).append(kEllipsis);
}

std::string Redact(std::string_view text, std::string_view secret) {
  if (secret.size() < 4) return std::string(text);
  std::string out;
  size_t from = 0;
  for (size_t at = 0; at < text.size();) {
    if (const size_t size = SpelledAt(text.substr(at), secret); size > 0) {
      out.append(text.substr(from, at - from)).append("[redacted]");
      from = at += size;
    } else {
      ++at;
    }
  }
  return out.append(text.substr(from));
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace chain429
