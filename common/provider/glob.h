#pragma once

#include <string_view>

namespace chain429 {

// Whether `pattern` fits the whole of `text`, `*` standing for any run of bytes and case (of ASCII) not mattering. Time
// is at most the product of the lengths, whatever the pattern.
bool GlobMatch(std::string_view pattern, std::string_view text);

}  // namespace chain429
