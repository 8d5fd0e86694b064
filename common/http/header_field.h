#pragma once

#include <span>
#include <string_view>

namespace chain429 {

// One header field as it came, not copied. Names may have any case; values carry no line ends.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};
using HeaderView = std::span<const HeaderField>;

}  // namespace chain429
