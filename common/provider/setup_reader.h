#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "common/provider/setup.h"

namespace chain429 {

// The `setup` of a catalogue entry. Faults are appended with their path.
CatalogueSetup ReadSetup(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults);

}  // namespace chain429
