#include "common/provider/limit_keys.h"

#include <array>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/model/limit_key.h"
#include "common/provider/durations.h"
#include "common/provider/entry_fields.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 3> kWindowKinds = {"sliding", "fixed", "bucket"};
constexpr std::array<std::string_view, 3> kTokenCharges = {"on_use", "up_front", "up_front_kept"};
constexpr std::array<std::string_view, 2> kCounted = {"counted", "free"};

const LimitKey* FindKey(std::string_view name) {
  const size_t index = LimitKeyIndex(name);
  return index < kLimitKeys.size() ? &kLimitKeys[index] : nullptr;
}

// 0 where it is missing, and where its value is no amount (which is a fault).
int64_t ReadAmount(EntryFields& fields, std::string_view key, Unit unit) {
  return unit == Unit::kCredits ? fields.Credits(key, 0) : fields.Count(key, 0);
}

WindowKind KindAt(size_t index) {
  return index == 0 ? WindowKind::kSliding : index == 1 ? WindowKind::kFixed : WindowKind::kBucket;
}

}  // namespace

std::optional<absl::Duration> ParseAnchor(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const std::optional<int64_t> hours = ParseCount(text.substr(0, 2));
  const std::optional<int64_t> minutes = ParseCount(text.substr(3, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return absl::Hours(*hours) + absl::Minutes(*minutes);
}

WindowsByKey ReadWindows(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults) {
  WindowsByKey windows;
  for (const auto& [key, item] : value.items()) {
    const LimitKey* limit = FindKey(key);
    EntryFields fields(item, absl::StrCat(path, ".", key), faults);
    if (limit == nullptr || limit->window == absl::ZeroDuration()) {
      faults.push_back(absl::StrCat(path, ".", key, ": no such limit with a window"));
      continue;
    }
    WindowSpec spec;
    spec.length = limit->window;
    spec.kind = KindAt(fields.Word("kind", kWindowKinds, 0));
    spec.zone = fields.String("zone", "UTC");
    if (fields.Has("anchor")) {
      const std::optional<absl::Duration> anchor = ParseAnchor(fields.String("anchor"));
      if (anchor) {
        spec.anchor = *anchor;
      } else {
        fields.Fault("anchor", "a time of day such as \"00:00\" is wanted");
      }
    }
    if (fields.Has("burst")) {
      spec.burst = ReadAmount(fields, "burst", limit->unit);
      if (spec.kind != WindowKind::kBucket) fields.Fault("burst", "only a bucket has one");
      if (spec.burst == 0) fields.Fault("burst", "more than 0 is wanted");
    }
    fields.Done();
    windows.emplace(key, spec);
  }
  return windows;
}

std::vector<Limit> ReadLimits(const nlohmann::json& value, const WindowsByKey& windows, const std::string& path,
                              std::vector<std::string>& faults) {
  std::vector<Limit> limits;
  EntryFields fields(value, path, faults);
  for (const auto& [key, unused] : value.items()) {
    const LimitKey* known = FindKey(key);
    if (known == nullptr) continue;  // noted by Done
    Limit limit;
    limit.unit = known->unit;
    limit.amount = ReadAmount(fields, key, known->unit);
    limit.provenance = Provenance::kCatalogue;
    const auto spec = windows.find(key);
    if (spec != windows.end()) limit.window = spec->second;
    limit.window.length = known->window;
    if (limit.amount > 0) {
      limits.push_back(std::move(limit));
    } else {
      fields.Fault(key, "a limit is more than 0");
    }
  }
  fields.Done();
  return limits;
}

CreditRates ReadRates(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults) {
  EntryFields fields(value, path, faults);
  CreditRates rates;
  rates.request = fields.Credits("request", 0);
  rates.input = fields.Credits("input_per_mtok", 0);
  rates.output = fields.Credits("output_per_mtok", 0);
  fields.Done();
  return rates;
}

ChargeRule ReadChargeRule(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults) {
  EntryFields fields(value, path, faults);
  ChargeRule rule;
  rule.tokens = static_cast<TokenCharge>(fields.Word("tokens", kTokenCharges, 0));
  rule.default_output = fields.Count("default_output", 0);
  if (rule.default_output > 0 && rule.tokens == TokenCharge::kOnUse)
    fields.Fault("default_output", "means nothing where tokens are charged on use");
  rule.counts_refused = fields.Word("refused", kCounted, rule.counts_refused ? 0 : 1) == 0;
  rule.counts_failed = fields.Word("failed", kCounted, rule.counts_failed ? 0 : 1) == 0;
  fields.Done();
  return rule;
}

}  // namespace chain429
