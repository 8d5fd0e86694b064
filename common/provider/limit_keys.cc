#include "common/provider/limit_keys.h"

#include <array>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/durations.h"
#include "common/provider/entry_fields.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 3> kWindowKinds = {"sliding", "fixed", "bucket"};

WindowKind KindAt(size_t index) {
  return index == 0 ? WindowKind::kSliding : index == 1 ? WindowKind::kFixed : WindowKind::kBucket;
}

}  // namespace

std::optional<LimitKey> ParseLimitKey(std::string_view key) {
  if (key == "concurrency") return LimitKey{Unit::kConcurrency, absl::ZeroDuration()};
  if (key.size() < 3 || key.size() > 4) return std::nullopt;
  LimitKey result;
  const std::string_view unit = key.substr(0, key.size() - 2);
  if (unit == "r") {
    result.unit = Unit::kRequests;
  } else if (unit == "t") {
    result.unit = Unit::kTokens;
  } else if (unit == "it") {
    result.unit = Unit::kInputTokens;
  } else if (unit == "ot") {
    result.unit = Unit::kOutputTokens;
  } else {
    return std::nullopt;
  }
  if (key[key.size() - 2] != 'p') return std::nullopt;
  switch (key.back()) {
    case 's':
      result.window = absl::Seconds(1);
      return result;
    case 'm':
      result.window = absl::Minutes(1);
      return result;
    case 'h':
      result.window = absl::Hours(1);
      return result;
    case 'd':
      result.window = absl::Hours(24);
      return result;
    default:
      return std::nullopt;
  }
}

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
    const std::optional<LimitKey> limit = ParseLimitKey(key);
    EntryFields fields(item, absl::StrCat(path, ".", key), faults);
    if (!limit || limit->window == absl::ZeroDuration()) {
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
    const std::optional<LimitKey> known = ParseLimitKey(key);
    if (!known) continue;  // noted by Done
    Limit limit;
    limit.unit = known->unit;
    limit.amount = fields.Count(key, 0);
    limit.provenance = Provenance::kCatalogue;
    const auto spec = windows.find(key);
    if (spec != windows.end()) limit.window = spec->second;
    limit.window.length = known->window;
    if (limit.amount > 0) {
      limits.push_back(std::move(limit));
    } else {
      fields.Fault(key, "a limit is at least 1");
    }
  }
  fields.Done();
  return limits;
}

}  // namespace chain429
