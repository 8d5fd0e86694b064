#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "common/model/pool.h"

namespace chain429 {

using WindowsByKey = std::map<std::string, WindowSpec, std::less<>>;

// `{rpd: {kind: fixed, anchor: "00:00", zone: UTC}}`, by the names of kLimitKeys. Faults are appended with their path.
WindowsByKey ReadWindows(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults);

// `{rpm: 30, tpd: 200000}` with the windows that `windows` gives them, else sliding ones.
std::vector<Limit> ReadLimits(const nlohmann::json& value, const WindowsByKey& windows, const std::string& path,
                              std::vector<std::string>& faults);

// `{request: 1, input_per_mtok: 4.5, output_per_mtok: 9}`: what attempts cost in the provider's own currency.
CreditRates ReadRates(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults);

// `{tokens: up_front, default_output: 4096, refused: counted, failed: free}`.
ChargeRule ReadChargeRule(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults);

// "07:30" as an offset from midnight.
std::optional<absl::Duration> ParseAnchor(std::string_view text);

}  // namespace chain429
