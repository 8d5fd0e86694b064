#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain429 {

// "a%20b" to "a b". nullopt: a bad escape, or one of a control character.
std::optional<std::string> PercentDecode(std::string_view text);

// The target of a request taken apart and percent-decoded; in the query a plus is a blank.
struct DecodedTarget {
  std::string path;                                        // begins with '/'
  std::vector<std::pair<std::string, std::string>> query;  // in order; without '=' the value is empty
};
// nullopt: as above, or no path at all ("*").
std::optional<DecodedTarget> DecodeTarget(std::string_view target);

}  // namespace chain429
