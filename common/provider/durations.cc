#include "common/provider/durations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "absl/time/civil_time.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr int64_t kNanosPerUnit = 1'000'000'000;
constexpr int64_t kLongestSeconds = int64_t{36500} * 86400;
constexpr int64_t kEpochMillis = 1'000'000'000'000;
constexpr int64_t kEpochSeconds = 1'000'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A non-negative decimal: whole + nanos / 10^9. `whole` stays below 10^18.
struct Decimal {
  int64_t whole = 0;
  int64_t nanos = 0;
};

// Digits with an optional fraction at the front of `text`, consumed; no sign. Nullopt: there is no digit, or the number
// exceeds 10^18.
std::optional<Decimal> TakeDecimal(std::string_view& text) {
  Decimal value;
  size_t i = 0;
  while (i < text.size() && IsDigit(text[i])) {
    if (value.whole >= 100'000'000'000'000'000) return std::nullopt;
    value.whole = value.whole * 10 + (text[i] - '0');
    ++i;
  }
  const size_t whole_digits = i;
  size_t fraction_digits = 0;
  if (i < text.size() && text[i] == '.') {
    int64_t weight = kNanosPerUnit / 10;
    size_t j = i + 1;
    for (; j < text.size() && IsDigit(text[j]); ++j, weight /= 10) value.nanos += weight * (text[j] - '0');
    fraction_digits = j - i - 1;
    if (fraction_digits > 0) i = j;
  }
  if (whole_digits + fraction_digits == 0) return std::nullopt;
  text.remove_prefix(i);
  return value;
}

// A whole text that is a number; with an exponent by way of double, because Python prints small floats so.
std::optional<Decimal> ParseDecimal(std::string_view text) {
  text = TrimSpace(text);
  std::string_view rest = text;
  const std::optional<Decimal> simple = TakeDecimal(rest);
  if (simple && rest.empty()) return simple;
  if (text.empty() || !(IsDigit(text[0]) || text[0] == '.')) return std::nullopt;
  if (simple && text.find_first_of("eE") == std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range || value >= 1e17) {
    // Out of range is also said of what is too small; those start with a zero or carry a negative exponent.
    if (error != std::errc() && text.find("e-") != std::string_view::npos) return Decimal{};
    return Decimal{100'000'000'000'000'000, 0};
  }
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  const double whole = std::floor(value);
  return Decimal{static_cast<int64_t>(whole), static_cast<int64_t>((value - whole) * 1e9)};
}

// `value` units of `unit` nanoseconds each.
absl::Duration Scaled(Decimal value, int64_t unit) {
  if (unit == kNanosPerUnit && value.whole <= 1'000'000'000)
    return absl::Nanoseconds(value.whole * kNanosPerUnit + value.nanos);
  if (value.whole > kLongestSeconds / std::max<int64_t>(1, unit / kNanosPerUnit)) {
    const long double seconds = static_cast<long double>(value.whole) * static_cast<long double>(unit) / 1e9L;
    if (seconds >= static_cast<long double>(kLongestSeconds)) return kLongestWait;
  }
  // The whole part times the unit may exceed 64 bits of nanoseconds; Duration's own multiplication does not.
  absl::Duration result = absl::Nanoseconds(unit) * value.whole;
  if (value.nanos != 0) {
    result += unit == kNanosPerUnit ? absl::Nanoseconds(value.nanos)
                                    : absl::Nanoseconds(static_cast<int64_t>(static_cast<double>(value.nanos) *
                                                                             (static_cast<double>(unit) / 1e9)));
  }
  return std::min(result, kLongestWait);
}

struct UnitName {
  std::string_view name;
  int64_t nanos;
};
// Longer names first where one begins another: "ms" must not be read as minutes.
constexpr std::array<UnitName, 9> kUnits = {{{"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"\xC2\xB5s", 1'000},
                                             {"\xCE\xBCs", 1'000},
                                             {"ns", 1},
                                             {"s", kNanosPerUnit},
                                             {"m", 60 * kNanosPerUnit},
                                             {"h", 3600 * kNanosPerUnit},
                                             {"d", 86400 * kNanosPerUnit}}};

// `count` digits at `pos`, as a number; -1: something else stands there.
int Digits(std::string_view text, size_t pos, size_t count) {
  if (pos + count > text.size()) return -1;
  int value = 0;
  for (size_t i = pos; i < pos + count; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

int Month(std::string_view name) {
  if (name.size() != 3) return -1;
  const size_t at = kMonths.find(name);
  return at == std::string_view::npos || at % 3 != 0 ? -1 : static_cast<int>(at / 3) + 1;
}

// Refuses what the calendar would have to bend (31 June, 25:00), but for a leap second.
std::optional<absl::Time> FromFields(int year, int month, int day, int hour, int minute, int second) {
  if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return std::nullopt;
  }
  const absl::CivilDay civil(year, month, day);
  if (civil.month() != month || civil.day() != day) return std::nullopt;
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second), absl::UTCTimeZone());
}

// "12:01:30" at `pos`.
bool ClockFields(std::string_view text, size_t pos, int (&hms)[3]) {
  if (pos + 8 > text.size() || text[pos + 2] != ':' || text[pos + 5] != ':') return false;
  for (int i = 0; i < 3; ++i) {
    hms[i] = Digits(text, pos + 3 * static_cast<size_t>(i), 2);
    if (hms[i] < 0) return false;
  }
  return true;
}

absl::Duration FromNow(absl::Time when, absl::Time now) {
  return std::clamp(when - now, absl::ZeroDuration(), kLongestWait);
}

absl::Duration ResetOf(Decimal value, absl::Time now) {
  if (value.whole > kEpochMillis) return FromNow(absl::UnixEpoch() + Scaled(value, 1'000'000), now);
  if (value.whole > kEpochSeconds) return FromNow(absl::UnixEpoch() + Scaled(value, kNanosPerUnit), now);
  return Scaled(value, kNanosPerUnit);
}

}  // namespace

std::optional<int64_t> ParseCount(std::string_view text) {
  text = TrimSpace(text);
  const std::optional<Decimal> value = TakeDecimal(text);
  if (!value || !text.empty()) return std::nullopt;
  return value->whole;
}

std::optional<absl::Duration> ParseSeconds(std::string_view text) {
  const std::optional<Decimal> value = ParseDecimal(text);
  if (!value) return std::nullopt;
  return Scaled(*value, kNanosPerUnit);
}

std::optional<absl::Duration> ParseMilliseconds(std::string_view text) {
  const std::optional<Decimal> value = ParseDecimal(text);
  if (!value) return std::nullopt;
  return Scaled(*value, 1'000'000);
}

std::optional<absl::Duration> ParseUnitDuration(std::string_view text) {
  text = TrimSpace(text);
  if (text.empty()) return std::nullopt;
  absl::Duration total;
  while (!text.empty()) {
    const std::optional<Decimal> value = TakeDecimal(text);
    if (!value) return std::nullopt;
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const UnitName& u) { return text.starts_with(u.name); });
    if (unit == kUnits.end()) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total = std::min(total + Scaled(*value, unit->nanos), kLongestWait);
  }
  return total;
}

std::optional<absl::Time> ParseRfc3339(std::string_view text) {
  text = TrimSpace(text);
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
    return std::nullopt;
  int hms[3];
  if (!ClockFields(text, 11, hms)) return std::nullopt;
  const std::optional<absl::Time> base =
      FromFields(Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2), hms[0], hms[1], hms[2]);
  if (!base) return std::nullopt;
  std::string_view rest = text.substr(19);
  absl::Time time = *base;
  if (rest[0] == '.') {
    const std::optional<Decimal> fraction = TakeDecimal(rest);
    if (!fraction) return std::nullopt;
    time += absl::Nanoseconds(fraction->nanos);
  }
  if (rest == "Z" || rest == "z") return time;
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return std::nullopt;
  const int hours = Digits(rest, 1, 2);
  const int minutes = Digits(rest, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const absl::Duration offset = absl::Hours(hours) + absl::Minutes(minutes);
  return rest[0] == '+' ? time - offset : time + offset;
}

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  text = TrimSpace(text);
  int hms[3];
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos) {  // asctime: "Tue Nov 24 12:01:30 2026", the day padded with a space
    if (text.size() != 24 || !ClockFields(text, 11, hms)) return std::nullopt;
    const int day = text[8] == ' ' ? Digits(text, 9, 1) : Digits(text, 8, 2);
    return FromFields(Digits(text, 20, 4), Month(text.substr(4, 3)), day, hms[0], hms[1], hms[2]);
  }
  text = TrimSpace(text.substr(comma + 1));
  if (!text.ends_with(" GMT") && !text.ends_with(" UTC")) return std::nullopt;
  text.remove_suffix(4);
  if (text.size() == 20 && text[2] == ' ') {  // "24 Nov 2026 12:01:30"
    if (!ClockFields(text, 12, hms)) return std::nullopt;
    return FromFields(Digits(text, 7, 4), Month(text.substr(3, 3)), Digits(text, 0, 2), hms[0], hms[1], hms[2]);
  }
  if (text.size() == 18 && text[2] == '-') {  // RFC 850: "24-Nov-26 12:01:30"
    if (!ClockFields(text, 10, hms)) return std::nullopt;
    const int year = Digits(text, 7, 2);
    return FromFields(year < 0 ? -1 : 2000 + year, Month(text.substr(3, 3)), Digits(text, 0, 2), hms[0], hms[1],
                      hms[2]);
  }
  return std::nullopt;
}

std::optional<absl::Duration> ParseResetNumber(std::string_view text, absl::Time now) {
  const std::optional<Decimal> value = ParseDecimal(text);
  if (!value) return std::nullopt;
  return ResetOf(*value, now);
}

std::optional<absl::Duration> ParseReset(std::string_view text, absl::Time now) {
  text = TrimSpace(text);
  if (const auto number = ParseResetNumber(text, now)) return number;
  if (const auto duration = ParseUnitDuration(text)) return duration;
  if (const auto time = ParseRfc3339(text)) return FromNow(*time, now);
  if (const auto date = ParseHttpDate(text)) return FromNow(*date, now);
  return std::nullopt;
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now) { return ParseReset(text, now); }

absl::Duration UntilWindowEdge(absl::Time now, absl::Duration length, absl::Duration anchor, absl::TimeZone zone) {
  if (length <= absl::ZeroDuration()) return absl::ZeroDuration();
  const absl::CivilDay today(absl::ToCivilDay(now, zone));
  if (length >= absl::Hours(24)) {
    const absl::CivilSecond edge = absl::CivilSecond(today) + absl::ToInt64Seconds(anchor);
    const absl::Time first = absl::FromCivil(edge, zone);
    if (first > now) return first - now;
    return absl::FromCivil(absl::CivilSecond(today + 1) + absl::ToInt64Seconds(anchor), zone) - now;
  }
  const absl::Duration since = now - absl::FromCivil(absl::CivilSecond(today), zone) - anchor;
  absl::Duration into = since % length;
  if (into < absl::ZeroDuration()) into += length;
  return length - into;
}

absl::Duration UntilNextMonth(absl::Time now, absl::TimeZone zone) {
  const absl::CivilMonth next = absl::CivilMonth(absl::ToCivilDay(now, zone)) + 1;
  return absl::FromCivil(absl::CivilSecond(next), zone) - now;
}

}  // namespace chain429
