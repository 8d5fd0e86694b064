#pragma once

namespace chain429 {

inline constexpr char kSoftwareVersion[] = "0.1.0";

}  // namespace chain429
