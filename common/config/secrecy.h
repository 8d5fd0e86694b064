#pragma once

#include <string>
#include <string_view>

namespace chain429 {

// People paste a key where its variable's name belongs. Whether `text` could be a key itself and so must not be
// repeated in a message: long, letters mixed with digits, and no path or file name.
bool LooksLikeKey(std::string_view text);

// `text` in quotes, or "(hidden)" if it looks like a key.
std::string QuoteUnlessKey(std::string_view text);

// Whether a key of a mapping that holds secrets may be repeated: a value can end up in a key's place by a slip of the
// comma.
bool IsHarmlessKey(std::string_view key);

}  // namespace chain429
