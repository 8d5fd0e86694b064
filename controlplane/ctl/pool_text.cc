#include "controlplane/ctl/pool_text.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

std::string_view UnitWord(v1::Unit unit) {
  switch (unit) {
    case v1::UNIT_REQUESTS:
      return "requests";
    case v1::UNIT_TOKENS:
      return "tokens";
    case v1::UNIT_INPUT_TOKENS:
      return "input tokens";
    case v1::UNIT_OUTPUT_TOKENS:
      return "output tokens";
    case v1::UNIT_CONCURRENCY:
      return "concurrency";
    default:
      return "unknown unit";
  }
}

std::string_view ClosureWord(v1::Closure closure) {
  switch (closure) {
    case v1::CLOSURE_NONE:
      return "open";
    case v1::CLOSURE_RATE_LIMITED:
      return "rate limited";
    case v1::CLOSURE_QUOTA_EXHAUSTED:
      return "quota exhausted";
    case v1::CLOSURE_AUTH:
      return "key refused";
    case v1::CLOSURE_MODEL_UNAVAILABLE:
      return "model unavailable";
    case v1::CLOSURE_OVERLOADED:
      return "overloaded";
    default:
      return "closed";
  }
}

}  // namespace

std::string LimitName(const v1::Limit& limit) {
  if (limit.unit() == v1::UNIT_CONCURRENCY) return "concurrency";
  const absl::Duration window = absl::Nanoseconds(limit.window_ns());
  const std::string_view letter = limit.unit() == v1::UNIT_REQUESTS ? "r" : limit.unit() == v1::UNIT_TOKENS ? "t" : "";
  if (!letter.empty()) {
    if (window == absl::Minutes(1)) return absl::StrCat(ToAbsl(letter), "pm");
    if (window == absl::Hours(1)) return absl::StrCat(ToAbsl(letter), "ph");
    if (window == absl::Hours(24)) return absl::StrCat(ToAbsl(letter), "pd");
  }
  return absl::StrCat(ToAbsl(UnitWord(limit.unit())), " per ", chain429::FormatDuration(window));
}

std::string LimitText(const v1::LimitInfo& limit) {
  std::string text = absl::StrCat(LimitName(limit.limit()), " ", limit.used(), "/", limit.limit().amount());
  if (limit.used() >= limit.limit().amount() && limit.recovers_in_ns() > 0) {
    absl::StrAppend(&text, " (free in ", HumanDuration(absl::Nanoseconds(limit.recovers_in_ns())), ")");
  }
  return text;
}

std::string PoolStateText(const v1::PoolInfo& pool) {
  std::string text(ClosureWord(pool.closure()));
  if (pool.closure() == v1::CLOSURE_NONE) return text;
  if (pool.closed_for_ns() > 0) absl::StrAppend(&text, " for ", HumanDuration(absl::Nanoseconds(pool.closed_for_ns())));
  if (!pool.authoritative()) text.append(" (a guess)");
  return text;
}

}  // namespace chain429
