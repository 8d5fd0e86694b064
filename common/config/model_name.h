#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/config/fields.h"

namespace chain429 {

// Model names and aliases are anything that fits in a line: not empty, at most 256 bytes, no control characters, no
// blanks around.
bool CheckModelName(std::string_view name, Position at, const ConfigPlace& place, const ValueReader& read);
std::optional<std::string> ReadModelName(const ConfigMember& member, const ConfigPlace& place, const ValueReader& read);

// The key of a provider or chain must be a name.
void CheckSectionName(const ConfigMember& member, const ConfigPlace& section, const ValueReader& read);

}  // namespace chain429
