#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chain429::sim {

std::string Base64(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);
std::string Sha256Hex(std::string_view bytes);
// FNV-1a, to derive repeatable seeds from names and bodies.
uint64_t HashOf(std::string_view bytes);

}  // namespace chain429::sim
