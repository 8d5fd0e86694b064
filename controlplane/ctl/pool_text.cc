#include "controlplane/ctl/pool_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/text.h"
#include "common/model/limit_key.h"

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
    case v1::UNIT_CREDITS:
      return "credits";
    default:
      return "unknown unit";
  }
}

// From here on what was seen is believed; see WindowInference.
constexpr uint32_t kSure = 80;

std::string_view KindWord(v1::WindowKind kind) {
  switch (kind) {
    case v1::WINDOW_KIND_SLIDING:
      return "sliding";
    case v1::WINDOW_KIND_FIXED:
      return "fixed";
    case v1::WINDOW_KIND_BUCKET:
      return "bucket";
    default:
      return "unknown";
  }
}

std::string_view ProvenanceWord(v1::Provenance provenance) {
  switch (provenance) {
    case v1::PROVENANCE_CONFIGURED:
      return "configured";
    case v1::PROVENANCE_CATALOGUE:
      return "catalogue";
    case v1::PROVENANCE_STATED:
      return "stated";
    case v1::PROVENANCE_INFERRED:
      return "inferred";
    default:
      return "unknown";
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
  const absl::Duration window = absl::Nanoseconds(limit.window_ns());
  if (limit.unit() > v1::UNIT_UNSPECIFIED && limit.unit() <= v1::UNIT_CREDITS) {
    const std::string_view key = LimitKeyName(static_cast<Unit>(limit.unit() - 1), window);
    if (!key.empty()) return std::string(key);
  }
  return absl::StrCat(ToAbsl(UnitWord(limit.unit())), " per ", chain429::FormatDuration(window));
}

std::string WindowText(const v1::LimitInfo& limit) {
  const v1::Limit& said = limit.limit();
  std::string text(KindWord(said.window_kind()));
  if (said.window_kind() == v1::WINDOW_KIND_FIXED && absl::Nanoseconds(said.window_ns()) >= absl::Hours(24)) {
    const int64_t minutes = absl::ToInt64Minutes(absl::Nanoseconds(said.anchor_ns()));
    absl::StrAppend(&text, absl::StrFormat(" from %02d:%02d ", minutes / 60, minutes % 60),
                    said.zone().empty() ? "UTC" : said.zone());
  }
  absl::StrAppend(&text, " (", ToAbsl(ProvenanceWord(said.provenance())));
  if (limit.window_provenance() == v1::PROVENANCE_INFERRED)
    absl::StrAppend(&text, " ", limit.window_confidence(), " %");
  if (limit.seems_confidence() >= kSure) {
    absl::StrAppend(&text, ", seems ", ToAbsl(KindWord(limit.seems_kind())), " ", limit.seems_confidence(), " %");
  }
  if (limit.outside() > 0) absl::StrAppend(&text, ", ", limit.outside(), " outside");
  return absl::StrCat(text, ")");
}

std::string LimitText(const v1::LimitInfo& limit) {
  const bool credits = limit.limit().unit() == v1::UNIT_CREDITS;
  const auto amount = [&](int64_t n) { return AmountText(credits ? Unit::kCredits : Unit::kRequests, n); };
  const int64_t burst = limit.limit().burst();
  const int64_t at_once = burst > 0 ? burst : limit.limit().amount();
  std::string text =
      absl::StrCat(LimitName(limit.limit()), " ", amount(limit.used()), "/", amount(limit.limit().amount()));
  if (limit.limit().window_kind() != v1::WINDOW_KIND_UNSPECIFIED) absl::StrAppend(&text, " ", WindowText(limit));
  std::vector<std::string> notes;
  if (burst > 0) notes.push_back(absl::StrCat(amount(burst), " at once"));
  if (limit.used() >= at_once && limit.recovers_in_ns() > 0)
    notes.push_back(absl::StrCat("free in ", HumanDuration(absl::Nanoseconds(limit.recovers_in_ns()))));
  if (!notes.empty()) absl::StrAppend(&text, " (", absl::StrJoin(notes, ", "), ")");
  return text;
}

std::string PoolNote(const v1::PoolInfo& pool) {
  if (!pool.shares_account_with().empty()) {
    return absl::StrCat(pool.key(), " and ", pool.shares_account_with(), " seem to be of one account (",
                        pool.shares_confidence(), " %): if they are, give their credentials the same `pool:`");
  }
  if (pool.models_apart())
    return absl::StrCat(pool.key(), ": models of it have limits of their own, shown as ", pool.key(), "|MODEL");
  return "";
}

std::string PoolStateText(const v1::PoolInfo& pool) {
  std::string text(ClosureWord(pool.closure()));
  if (pool.closure() == v1::CLOSURE_NONE) return text;
  if (pool.closed_for_ns() > 0) absl::StrAppend(&text, " for ", HumanDuration(absl::Nanoseconds(pool.closed_for_ns())));
  if (!pool.authoritative()) text.append(" (a guess)");
  return text;
}

}  // namespace chain429
