#include "absl/strings/str_cat.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"

namespace chain429 {
namespace {

constexpr int64_t kUsualTokens = 1000;  // half of them output
constexpr int64_t kUnknownCredits = int64_t{1} << 50;  // more than any limit

}  // namespace

int64_t UsualCost(const Pool& pool, Unit unit) {
  switch (unit) {
    case Unit::kRequests:
    case Unit::kConcurrency:
      return 1;
    case Unit::kTokens:
    case Unit::kInputTokens:
    case Unit::kOutputTokens:
      return kUsualTokens;
    case Unit::kCredits:
      return pool.rates ? std::max<int64_t>(1, pool.rates->Of(1, kUsualTokens / 2, kUsualTokens / 2)) : kUnknownCredits;
  }
  return 1;
}

std::string AmountText(Unit unit, int64_t amount) {
  return unit == Unit::kCredits ? CreditsText(amount) : absl::StrCat(amount);
}

std::string_view UnitName(Unit unit) {
  switch (unit) {
    case Unit::kRequests:
      return "requests";
    case Unit::kTokens:
      return "tokens";
    case Unit::kInputTokens:
      return "input_tokens";
    case Unit::kOutputTokens:
      return "output_tokens";
    case Unit::kConcurrency:
      return "concurrency";
    case Unit::kCredits:
      return "credits";
  }
  return "";
}

std::string_view WindowKindName(WindowKind kind) {
  switch (kind) {
    case WindowKind::kSliding:
      return "sliding";
    case WindowKind::kFixed:
      return "fixed";
    case WindowKind::kBucket:
      return "bucket";
  }
  return "";
}

std::string_view ClosureName(Closure closure) {
  switch (closure) {
    case Closure::kNone:
      return "open";
    case Closure::kRateLimited:
      return "rate_limited";
    case Closure::kQuotaExhausted:
      return "quota_exhausted";
    case Closure::kAuth:
      return "auth";
    case Closure::kModelUnavailable:
      return "model_unavailable";
    case Closure::kOverloaded:
      return "overloaded";
  }
  return "";
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kSkippedCooldown:
      return "skipped_cooldown";
    case Outcome::kSkippedQuota:
      return "skipped_quota";
    case Outcome::kSkippedUnfit:
      return "skipped_unfit";
    case Outcome::kSkippedHealth:
      return "skipped_health";
    case Outcome::kRateLimited:
      return "rate_limited";
    case Outcome::kQuotaExhausted:
      return "quota_exhausted";
    case Outcome::kAuth:
      return "auth";
    case Outcome::kOverloaded:
      return "overloaded";
    case Outcome::kError:
      return "error";
    case Outcome::kTimeout:
      return "timeout";
    case Outcome::kConnect:
      return "connect";
    case Outcome::kBroken:
      return "broken";
    case Outcome::kEmpty:
      return "empty";
    case Outcome::kModelUnavailable:
      return "model_unavailable";
  }
  return "";
}

}  // namespace chain429
