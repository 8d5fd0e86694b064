// What a provider says of its limits, in the words of several kinds.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/dst/upstream.h"

namespace chain429::dst {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Unit = ProviderLimit::Unit;

constexpr absl::Duration kOldHead = absl::Seconds(10);

bool IsMinute(const ProviderLimit& limit) { return limit.length == absl::Minutes(1); }
bool IsDay(const ProviderLimit& limit) { return limit.length == absl::Hours(24); }

std::string Text(absl::Duration d) { return absl::StrFormat("%.3fs", absl::ToDoubleSeconds(d)); }

// "RPM", "TPD": as error texts have it.
std::string Short(const ProviderLimit& limit) {
  const char* unit = limit.unit == Unit::kTokens ? "T" : "R";
  return absl::StrCat(unit, "P", IsDay(limit) ? "D" : "M");
}
std::string Long(const ProviderLimit& limit) {
  return absl::StrCat(limit.unit == Unit::kTokens ? "tokens" : "requests", " per ", IsDay(limit) ? "day" : "minute",
                      " (", Short(limit), ")");
}

}  // namespace

void Upstream::AddFields(ProviderAnswer& answer, size_t index, const std::string& suffix) {
  const ProviderLimit& limit = options_.limits[index];
  const int64_t used = windows_[index]->Used(Moment());
  const std::string what = absl::StrCat(limit.unit == Unit::kTokens ? "tokens" : "requests", suffix);
  answer.fields.emplace_back("x-ratelimit-limit-" + what, absl::StrCat(limit.amount));
  answer.fields.emplace_back("x-ratelimit-remaining-" + what, absl::StrCat(std::max<int64_t>(0, limit.amount - used)));
  answer.fields.emplace_back("x-ratelimit-reset-" + what, Text(windows_[index]->UntilFree(used, Moment())));
}

// Of a good answer, or of any where the kind makes no difference.
Fields Upstream::Head() {
  ProviderAnswer answer;
  for (size_t i = 0; i < options_.limits.size(); ++i) {
    const ProviderLimit& limit = options_.limits[i];
    if (limit.unit == Unit::kConcurrency) continue;
    const bool tokens = limit.unit == Unit::kTokens;
    if (options_.manner == Manner::kOpenAi) AddFields(answer, i, "");
    if (options_.manner == Manner::kGroq && (tokens ? IsMinute(limit) : IsDay(limit))) AddFields(answer, i, "");
    if (options_.manner == Manner::kCerebras)
      AddFields(answer, i, IsMinute(limit) ? "-minute" : IsDay(limit) ? "-day" : "-hour");
  }
  answer.fields.emplace_back("date", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", Moment().wall, absl::UTCTimeZone()));
  if (options_.stale_heads <= 0) return answer.fields;
  while (!old_heads_.empty() && world_.now() - old_heads_.front().at > kOldHead) old_heads_.pop_front();
  old_heads_.push_back({world_.now(), answer.fields});
  if (!Chance(random_, options_.stale_heads)) return answer.fields;
  return old_heads_[random_.Below(old_heads_.size())].fields;
}

ProviderAnswer Upstream::Refusal(const Call& call, size_t index) {
  const ProviderLimit& limit = options_.limits[index];
  const int64_t cost = CostOf(index, call.request);
  const int64_t used = windows_[index]->Used(Moment());
  const absl::Duration wait = windows_[index]->UntilFree(used + cost - limit.amount, Moment());
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
  ProviderAnswer answer;
  answer.status = 429;
  answer.body = R"({"error":{"message":"Too many requests","type":"too_many_requests"}})";
  switch (options_.manner) {
    case Manner::kSilent:
      break;
    case Manner::kRetryAfter:
      answer.fields.emplace_back("retry-after", absl::StrCat(seconds));
      break;
    case Manner::kOpenAi:
    case Manner::kGroq:
    case Manner::kCerebras:
      answer.fields = Head();
      answer.fields.emplace_back("retry-after", absl::StrCat(seconds));
      answer.body = absl::StrFormat(
          R"({"error":{"message":"Rate limit reached for model `%s` on %s: Limit %d, Used %d, Requested %d. Please try again in %s.","type":"%s","code":"rate_limit_exceeded"}})",
          call.model, Long(limit), limit.amount, used, cost, Text(wait),
          limit.unit == Unit::kTokens ? "tokens" : "requests");
      break;
    case Manner::kGemini:
      answer.body = absl::StrFormat(
          R"({"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"Generate%sPer%sPerProjectPerModel-FreeTier","quotaValue":"%d"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"%ds"}]}})",
          limit.unit == Unit::kTokens ? "ContentInputTokens" : "Requests", IsDay(limit) ? "Day" : "Minute",
          limit.amount, IsDay(limit) ? 42 : seconds);
      break;
    case Manner::kOpenRouter:
      answer.body = absl::StrFormat(
          R"({"error":{"message":"Rate limit exceeded: free-models-per-%s. ","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"%d","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"%d"}}}})",
          IsDay(limit) ? "day" : "min", limit.amount, absl::ToUnixMillis(Moment().wall + wait));
      break;
  }
  return answer;
}

}  // namespace chain429::dst
