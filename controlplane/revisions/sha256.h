#pragma once

#include <string>
#include <string_view>

namespace chain429 {

// 32 raw bytes.
std::string Sha256(std::string_view data);

}  // namespace chain429
