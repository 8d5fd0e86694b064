#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "common/model/pool.h"

namespace chain429 {

// A limit's short name: "rpm" (requests per minute), "tpd", "itpm" (input tokens), "otpm", "rps", "rph", "concurrency".
struct LimitKey {
  Unit unit = Unit::kRequests;
  absl::Duration window = absl::ZeroDuration();  // 0: concurrency
};
std::optional<LimitKey> ParseLimitKey(std::string_view key);

using WindowsByKey = std::map<std::string, WindowSpec, std::less<>>;

// `{rpd: {kind: fixed, anchor: "00:00", zone: UTC}}`. Faults are appended with their path.
WindowsByKey ReadWindows(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults);

// `{rpm: 30, tpd: 200000}` with the windows that `windows` gives them, else sliding ones.
std::vector<Limit> ReadLimits(const nlohmann::json& value, const WindowsByKey& windows, const std::string& path,
                              std::vector<std::string>& faults);

// "07:30" as an offset from midnight.
std::optional<absl::Duration> ParseAnchor(std::string_view text);

}  // namespace chain429
