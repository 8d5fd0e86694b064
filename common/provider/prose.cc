#include "common/provider/prose.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/base/text.h"
#include "common/provider/durations.h"

namespace chain429 {
namespace {

constexpr size_t kMaxText = 8192;
constexpr size_t kMaxLimits = 8;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || c == '\xC2' || c == '\xB5'; }

std::string Prepared(std::string_view text) { return LowerAscii(text.substr(0, kMaxText)); }

void SkipSpaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n')) text.remove_prefix(1);
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view TakeWord(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && IsLetter(text[n])) ++n;
  const std::string_view word = text.substr(0, n);
  text.remove_prefix(n);
  return word;
}

// Digits with a fraction; the full stop that ends a sentence is not part of it.
std::string_view TakeNumber(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  if (n > 0 && n + 1 < text.size() && text[n] == '.' && IsDigit(text[n + 1])) {
    ++n;
    while (n < text.size() && IsDigit(text[n])) ++n;
  }
  const std::string_view number = text.substr(0, n);
  text.remove_prefix(n);
  return number;
}

// "30,000" and "30000".
std::optional<int64_t> TakeCount(std::string_view& text) {
  int64_t value = 0;
  size_t n = 0;
  while (n < text.size()) {
    const bool group = text[n] == ',' && n > 0 && n + 3 < text.size() && IsDigit(text[n + 1]) && IsDigit(text[n + 2]) &&
                       IsDigit(text[n + 3]);
    if (group) {
      ++n;
      continue;
    }
    if (!IsDigit(text[n])) break;
    if (value > 100'000'000'000'000'000) return std::nullopt;
    value = value * 10 + (text[n] - '0');
    ++n;
  }
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

// The length that a unit's word or letter means; 0: it is none.
absl::Duration UnitLength(std::string_view word) {
  if (word == "s" || word == "sec" || word == "secs" || word == "second" || word == "seconds") return absl::Seconds(1);
  if (word == "ms" || word == "millisecond" || word == "milliseconds") return absl::Milliseconds(1);
  if (word == "m" || word == "min" || word == "mins" || word == "minute" || word == "minutes") return absl::Minutes(1);
  if (word == "h" || word == "hr" || word == "hrs" || word == "hour" || word == "hours") return absl::Hours(1);
  if (word == "d" || word == "day" || word == "days") return absl::Hours(24);
  if (word == "us" || word == "\xC2\xB5s") return absl::Microseconds(1);
  if (word == "ns") return absl::Nanoseconds(1);
  return absl::ZeroDuration();
}

// "2m59.56s", "1 hour and 5 minutes", "55 seconds" at the front of `text`.
std::optional<absl::Duration> TakeDuration(std::string_view text) {
  absl::Duration total;
  bool any = false;
  while (true) {
    std::string_view rest = text;
    SkipSpaces(rest);
    if (any) {
      if (TakePrefix(rest, ",")) SkipSpaces(rest);
      if (TakePrefix(rest, "and ")) SkipSpaces(rest);
    }
    const std::string_view number = TakeNumber(rest);
    if (number.empty()) break;
    SkipSpaces(rest);
    const absl::Duration unit = UnitLength(TakeWord(rest));
    const std::optional<absl::Duration> amount = ParseSeconds(number);
    if (unit == absl::ZeroDuration() || !amount) break;
    total = std::min(total + *amount * absl::FDivDuration(unit, absl::Seconds(1)), kLongestWait);
    any = true;
    text = rest;
  }
  if (!any) return std::nullopt;
  return total;
}

// Whether what stands before a duration says that it is one to wait for.
bool SpeaksOfWaiting(std::string_view before) {
  constexpr size_t kReach = 48;
  if (before.size() > kReach) before.remove_prefix(before.size() - kReach);
  for (const std::string_view stem :
       {"again", "retry", "reset", "wait", "available", "back ", "lift", "refill", "recover", "expire"}) {
    if (before.find(stem) != std::string_view::npos) return true;
  }
  return false;
}

struct CountedNoun {
  std::string_view words;
  Unit unit;
};
constexpr std::array<CountedNoun, 12> kNouns = {{{"input tokens", Unit::kInputTokens},
                                                 {"prompt tokens", Unit::kInputTokens},
                                                 {"output tokens", Unit::kOutputTokens},
                                                 {"completion tokens", Unit::kOutputTokens},
                                                 {"tokens", Unit::kTokens},
                                                 {"token", Unit::kTokens},
                                                 {"requests", Unit::kRequests},
                                                 {"request", Unit::kRequests},
                                                 {"api calls", Unit::kRequests},
                                                 {"api requests", Unit::kRequests},
                                                 {"calls", Unit::kRequests},
                                                 {"messages", Unit::kRequests}}};

// " per minute", "/min", " a day" at the front of `text`: the window, or 0.
absl::Duration WindowAt(std::string_view text) {
  SkipSpaces(text);
  if (!TakePrefix(text, "per ") && !TakePrefix(text, "per-") && !TakePrefix(text, "/") && !TakePrefix(text, "a ") &&
      !TakePrefix(text, "every ")) {
    return absl::ZeroDuration();
  }
  SkipSpaces(text);
  const std::string_view word = TakeWord(text);
  if (word == "month" || word == "months") return absl::Hours(24 * 30);
  return word == "ms" ? absl::ZeroDuration() : UnitLength(word);
}

// Unit and window from an abbreviation such as "(TPM)" or from "tokens per min", the last before `end`.
bool NamedBefore(std::string_view text, size_t end, StatedLimit& out) {
  constexpr size_t kReach = 160;
  const size_t begin = end > kReach ? end - kReach : 0;
  const std::string_view before = text.substr(begin, end - begin);
  const size_t open = before.rfind('(');
  if (open != std::string_view::npos) {
    std::string_view word = before.substr(open + 1);
    word = word.substr(0, word.find(')'));
    const bool prefixed = word.size() == 4 && (word[0] == 'i' || word[0] == 'o');
    const std::string_view core = prefixed ? word.substr(1) : word;
    if (core.size() == 3 && (core[0] == 'r' || core[0] == 't') && core[1] == 'p') {
      const absl::Duration window = UnitLength(core.substr(2));
      if (window != absl::ZeroDuration()) {
        out.unit = core[0] == 'r'   ? Unit::kRequests
                   : !prefixed      ? Unit::kTokens
                   : word[0] == 'i' ? Unit::kInputTokens
                                    : Unit::kOutputTokens;
        out.window = window;
        return true;
      }
    }
  }
  for (size_t at = before.size(); at-- > 0;) {
    for (const CountedNoun& noun : kNouns) {
      if (!before.substr(at).starts_with(noun.words)) continue;
      const absl::Duration window = WindowAt(before.substr(at + noun.words.size()));
      if (window == absl::ZeroDuration()) continue;
      const bool input = at >= 6 && before.substr(at - 6, 6) == "input ";
      const bool output = at >= 7 && before.substr(at - 7, 7) == "output ";
      out.unit = noun.unit != Unit::kTokens ? noun.unit
                 : input                    ? Unit::kInputTokens
                 : output                   ? Unit::kOutputTokens
                                            : Unit::kTokens;
      out.window = window;
      return true;
    }
  }
  return false;
}

// The number behind `label` ("used 29900", "used: 29900") in `text`; -1: none.
int64_t NumberAfter(std::string_view text, std::string_view label) {
  const size_t at = text.find(label);
  if (at == std::string_view::npos) return -1;
  std::string_view rest = text.substr(at + label.size());
  TakePrefix(rest, ":");
  SkipSpaces(rest);
  return TakeCount(rest).value_or(-1);
}

// "Limit 6000, Used 5900, Requested 700" with the limit's name before it.
void FindLabelled(std::string_view text, std::vector<StatedLimit>& out) {
  for (size_t at = text.find("limit"); at != std::string_view::npos && out.size() < kMaxLimits;
       at = text.find("limit", at + 1)) {
    std::string_view rest = text.substr(at + 5);
    if (TakePrefix(rest, ":")) SkipSpaces(rest);
    if (rest.size() == text.size() - at - 5 && !TakePrefix(rest, " ")) continue;
    StatedLimit found;
    const std::optional<int64_t> limit = TakeCount(rest);
    if (!limit || !NamedBefore(text, at, found)) continue;
    found.limit = *limit;
    constexpr size_t kReach = 80;
    const std::string_view tail = rest.substr(0, kReach);
    found.used = NumberAfter(tail, "used");
    if (found.used < 0) found.used = NumberAfter(tail, "current");
    found.requested = NumberAfter(tail, "requested");
    out.push_back(found);
  }
}

// "50 requests per minute", "15 per 60s": number first.
void FindCounted(std::string_view text, std::vector<StatedLimit>& out) {
  for (size_t at = 0; at < text.size() && out.size() < kMaxLimits; ++at) {
    if (!IsDigit(text[at]) || (at > 0 && (IsDigit(text[at - 1]) || IsLetter(text[at - 1]) || text[at - 1] == '.' ||
                                          text[at - 1] == ',' || text[at - 1] == '-')))
      continue;
    std::string_view rest = text.substr(at);
    StatedLimit found;
    const std::optional<int64_t> limit = TakeCount(rest);
    if (!limit) continue;
    found.limit = *limit;
    const bool after_limit = at >= 9 && text.substr(at - 9, 9) == "limit of ";
    SkipSpaces(rest);
    const auto noun =
        std::find_if(kNouns.begin(), kNouns.end(), [&](const CountedNoun& n) { return rest.starts_with(n.words); });
    if (noun != kNouns.end()) {
      found.unit = noun->unit;
      found.window = WindowAt(rest.substr(noun->words.size()));
      if (found.window != absl::ZeroDuration()) out.push_back(found);
    } else if (after_limit && TakePrefix(rest, "per ")) {
      const std::string_view number = TakeNumber(rest);
      const absl::Duration unit = UnitLength(TakeWord(rest));
      const std::optional<absl::Duration> amount = ParseSeconds(number.empty() ? "1" : number);
      if (unit == absl::ZeroDuration() || !amount) continue;
      found.window = *amount * absl::FDivDuration(unit, absl::Seconds(1));
      if (found.window == absl::ZeroDuration()) found.unit = Unit::kConcurrency;  // "5 per 0s": at the same time
      out.push_back(found);
    }
  }
}

}  // namespace

std::optional<absl::Duration> FindDelay(std::string_view raw) {
  const std::string prepared = Prepared(raw);
  const std::string_view text = prepared;
  for (size_t at = 0; at < text.size(); ++at) {
    std::string_view rest = text.substr(at);
    if (!TakePrefix(rest, "in ") && !TakePrefix(rest, "after ") && !TakePrefix(rest, "wait ")) continue;
    if (at > 0 && IsLetter(text[at - 1])) continue;
    for (const std::string_view filler :
         {"for ", "at least ", "about ", "approximately ", "around ", "another ", "the next ", "~"})
      TakePrefix(rest, filler);
    const std::optional<absl::Duration> delay = TakeDuration(rest);
    if (delay && SpeaksOfWaiting(text.substr(0, at + 5))) return delay;
  }
  return std::nullopt;
}

std::vector<StatedLimit> FindLimits(std::string_view raw) {
  const std::string prepared = Prepared(raw);
  std::vector<StatedLimit> found;
  FindLabelled(prepared, found);
  if (found.empty()) FindCounted(prepared, found);
  return found;
}

}  // namespace chain429
