#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace chain429 {

// The chain that a written configuration defines.
inline constexpr char kAutoChain[] = "auto";

// Whether a variable of the environment is set to something.
using HasVariable = std::function<bool(const std::string& name)>;

// The variables that hold providers' keys by convention, for the kinds of the catalogue.
std::vector<std::string> KnownKeyVariables();
// Those of them that are set.
std::vector<std::string> KeysSet(const HasVariable& has);

// A configuration that uses every known key that is set, by reference (`env:`), never by value: one chain `auto`, free
// providers first. A paid one is part of it only when there is no free one. nullopt: no known key is set.
std::optional<std::string> ConfigForKeys(const HasVariable& has);

}  // namespace chain429
