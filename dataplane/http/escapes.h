#pragma once

#include <string_view>

namespace chain429 {

// Whether every backslash of a JSON text begins an escape that JSON knows: `\" \\ \/ \b \f \n \r \t \uXXXX`. The text's
// strings must be known to be closed; a backslash outside of strings is for others to find.
bool EscapesAreValid(std::string_view text);

}  // namespace chain429
