#pragma once

#include <string_view>

namespace chain429 {

// The words behind a status in a status line. For statuses that no server here makes up itself: "Status".
std::string_view ReasonPhrase(int status);

}  // namespace chain429
