#pragma once

#include <cstdint>
#include <string>

namespace chain429 {

// How a provider wants its key.
struct AuthStyle {
  enum class Kind : uint8_t { kBearer, kNone, kHeader };
  Kind kind = Kind::kBearer;
  std::string header;  // lower case; the key alone is its value. Only for kHeader
  friend bool operator==(const AuthStyle&, const AuthStyle&) = default;
};

}  // namespace chain429
