#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "absl/status/statusor.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// YAML or JSON text as one JSON value. Refused: duplicate keys, several documents, keys that are no strings, more than
// 100,000 values with aliases followed, nesting beyond 64.
absl::StatusOr<nlohmann::json> ReadYaml(std::string_view text);

// The entry that `json` (with nothing left to extend) describes. Faults are appended with their path.
CatalogueEntry ReadCatalogueEntry(const nlohmann::json& json, std::vector<std::string>& faults);

// `entry` completed by the rules of the one that it extends: its own error rules stand first, its body places are
// joined, headers and model list are the other's where it has none.
void ExtendEntry(const nlohmann::json& base, nlohmann::json& entry);

}  // namespace chain429
