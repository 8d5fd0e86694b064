#include "common/provider/rules.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "common/provider/durations.h"
#include "common/provider/error_body.h"
#include "common/provider/error_rules.h"
#include "common/provider/prose.h"
#include "common/provider/reading_merge.h"
#include "common/provider/rule_reader.h"
#include "common/provider/wait.h"

namespace chain429 {
namespace {

constexpr int kTooLarge = 413;
constexpr int kTooMany = 429;
constexpr int kOkStatus = 200;

// One failure on its way to a verdict.
struct Judgement {
  const RuleSet& rules;
  const int status;
  const HeaderView headers;
  const ErrorBody& body;
  const absl::Time wall_now;

  Verdict Decide(ReadingList& out) const;

 private:
  absl::Duration ReadLimits(ReadingList& found) const;
  const ErrorRule* MatchingRule() const;
  void AddStated(const std::vector<StatedLimit>& limits, const StatedWaits& waits, ReadingList& found) const;
  void AddRuleReadings(const ErrorRule& rule, const Verdict& verdict, ReadingList& found) const;
};

// The provider's clock as its answer's Date field shows it, ours where it does not: absolute times are meant by the
// provider's. Cut to the second, so that what is computed from it is at most a second too long, never too short.
absl::Time ProviderNow(HeaderView headers, absl::Time wall_now) {
  constexpr absl::Duration kMostSkew = absl::Hours(24);
  const auto field = FindHeader(headers, "date");
  const std::optional<absl::Time> date = field ? ParseHttpDate(*field) : std::nullopt;
  return date && absl::AbsDuration(*date - wall_now) < kMostSkew ? *date : wall_now;
}

// A request that asks for more than the limit will never fit, however long it waits.
bool NeverFits(const std::vector<StatedLimit>& limits) {
  for (const StatedLimit& limit : limits) {
    if (limit.unit != Unit::kRequests && limit.limit > 0 && limit.requested > limit.limit) return true;
  }
  return false;
}

// A limit of zero is no limit to wait for: the plan does not include this.
bool HasZeroLimit(const ReadingList& readings) {
  for (const Reading& reading : readings) {
    if (reading.limit == 0) return true;
  }
  return false;
}

// Headers' limits; where there are none, those that the body mirrors. Returns a reset that stood alone.
absl::Duration Judgement::ReadLimits(ReadingList& found) const {
  absl::Duration lone_reset;
  rules.headers.Read(headers, wall_now, found, &lone_reset);
  if (!found.empty() || rules.body.headers_at.empty()) return lone_reset;
  std::vector<std::pair<std::string, std::string>> mirrored;
  body.VisitHeaders(rules.body,
                    [&](std::string_view name, std::string_view value) { mirrored.emplace_back(name, value); });
  std::vector<HeaderField> fields;
  fields.reserve(mirrored.size());
  for (const auto& [name, value] : mirrored) fields.push_back({name, value});
  rules.headers.Read(fields, wall_now, found, &lone_reset);
  return lone_reset;
}

const ErrorRule* Judgement::MatchingRule() const {
  for (const ErrorRule& rule : rules.errors) {
    if (rule.when.Holds(status, headers, body)) return &rule;
  }
  return nullptr;
}

void Judgement::AddStated(const std::vector<StatedLimit>& limits, const StatedWaits& waits, ReadingList& found) const {
  for (const StatedLimit& limit : limits) {
    Reading reading;
    reading.unit = limit.unit;
    reading.window = limit.window;
    reading.limit = limit.limit;
    if (limit.used >= 0) reading.remaining = std::max<int64_t>(0, limit.limit - limit.used);
    // The one limit that an answer of 429 names, without numbers of use, is the one that is used up.
    if (limit.used < 0 && limit.requested < 0 && status == kTooMany && limits.size() == 1) reading.remaining = 0;
    if (reading.remaining >= 0 && waits.prose) reading.reset_after = *waits.prose;
    MergeReading(reading, found);
  }
}

void Judgement::AddRuleReadings(const ErrorRule& rule, const Verdict& verdict, ReadingList& found) const {
  for (const RuleReading& stated : rule.readings) {
    Reading reading;
    reading.unit = stated.unit;
    reading.window = stated.window;
    reading.limit = stated.limit;
    reading.remaining = stated.remaining;
    if (stated.limit_at) {
      body.AnyAt(*stated.limit_at, [&](std::string_view value) {
        const std::optional<int64_t> amount = ParseCount(value);
        if (amount) reading.limit = *amount;
        return amount.has_value();
      });
    }
    if (reading.remaining == 0 && verdict.authoritative && reading.unit != Unit::kConcurrency)
      reading.reset_after = verdict.retry_after;
    MergeReading(reading, found);
  }
}

Verdict Judgement::Decide(ReadingList& out) const {
  ReadingList found;
  const absl::Duration lone_reset = ReadLimits(found);
  const bool speaks_of_limits = status == kTooMany || status == kTooLarge;
  const std::vector<StatedLimit> stated = speaks_of_limits ? FindLimits(body.text()) : std::vector<StatedLimit>{};
  const StatedWaits waits = ReadWaits(headers, body, rules.body, wall_now);
  const ErrorRule* rule = MatchingRule();

  Verdict verdict;
  verdict.message = body.message();
  verdict.error_class = rule != nullptr ? rule->error_class : ClassOfStatus(status, body);
  verdict.scope = rule != nullptr ? rule->scope : DefaultScope(verdict.error_class);
  bool can_wait = true;
  if (speaks_of_limits && NeverFits(stated)) {
    verdict.error_class = ErrorClass::kContextTooLong;
    verdict.scope = Scope::kRequest;
  } else if (verdict.error_class == ErrorClass::kRateLimited && HasZeroLimit(found)) {
    verdict.error_class = ErrorClass::kQuotaExhausted;
    can_wait = false;
  }
  if (can_wait) DecideWait(waits, ResetOfUsedUp(found, lone_reset), rule, wall_now, verdict);
  AddStated(stated, waits, found);
  if (rule != nullptr && verdict.error_class == rule->error_class) AddRuleReadings(*rule, verdict, found);
  out.insert(out.end(), found.begin(), found.end());
  return verdict;
}

}  // namespace

struct ProviderRules::Compiled : RuleSet {};

ProviderRules::ProviderRules(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
ProviderRules::~ProviderRules() = default;

absl::StatusOr<std::unique_ptr<const ProviderRules>> ProviderRules::Compile(std::string_view entry_json) {
  nlohmann::json entry = nlohmann::json::object();
  if (!entry_json.empty()) entry = nlohmann::json::parse(entry_json, nullptr, /*allow_exceptions=*/false);
  if (!entry.is_object()) return absl::InvalidArgumentError("catalogue entry: no JSON object");
  std::vector<std::string> faults;
  auto compiled = std::make_unique<Compiled>();
  static_cast<RuleSet&>(*compiled) = ReadRules(entry, "catalogue entry", faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return std::unique_ptr<const ProviderRules>(new ProviderRules(std::move(compiled)));
}

void ProviderRules::ReadHeaders(HeaderView headers, absl::Time wall_now, ReadingList& out) const {
  compiled_->headers.Read(headers, wall_now, out);
}

Verdict ProviderRules::Classify(int status, HeaderView headers, std::string_view body, absl::Time wall_now,
                                ReadingList& readings) const {
  const ErrorBody parsed(body, compiled_->body);
  return Judgement{*compiled_, status, headers, parsed, ProviderNow(headers, wall_now)}.Decide(readings);
}

Verdict ProviderRules::ClassifyEvent(std::string_view payload, bool named_error, absl::Time wall_now,
                                     ReadingList& readings) const {
  const ErrorBody parsed(payload, compiled_->body);
  if (!named_error && !parsed.has_error()) return {};
  const int status = parsed.status() != 0 ? parsed.status() : kOkStatus;
  Verdict verdict = Judgement{*compiled_, status, {}, parsed, wall_now}.Decide(readings);
  if (verdict.error_class == ErrorClass::kBadRequest) verdict.error_class = ErrorClass::kRefusedHere;
  return verdict;
}

const AuthStyle& ProviderRules::auth() const { return compiled_->auth; }

}  // namespace chain429
