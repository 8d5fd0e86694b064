#pragma once

#include <span>
#include <string>
#include <string_view>

namespace chain429 {

// The candidate that `word` was probably meant to be; empty: none. Does not try where trying would take long: a hostile
// file may have endless words or candidates.
std::string Suggest(std::string_view word, std::span<const std::string> candidates);

}  // namespace chain429
