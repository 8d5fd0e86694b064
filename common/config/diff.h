#pragma once

#include <string>
#include <vector>

#include "common/config/document.h"

namespace chain429 {

// What changed from `before` to `after`, one line a change, by path: "changed chains.coding.wait: 0s -> 5s", "added
// providers.groq", "removed chains.coding.targets[2]: {provider: groq, model: x}". Entries of credentials and
// client_keys are matched by their name. Values that could be secrets are never shown. At most 200 lines.
std::vector<std::string> DiffConfig(const ConfigNode& before, const ConfigNode& after);

}  // namespace chain429
