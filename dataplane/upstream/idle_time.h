#pragma once

#include <string_view>

#include "absl/time/time.h"

namespace chain429 {

// How long a connection may be kept idle by a provider's Keep-Alive field ("timeout=5, max=100"), a second less than it
// says, because a request that meets the closing is a retry; kIdleTime of the pool at most, and without the field.
absl::Duration IdleTime(std::string_view keep_alive);

}  // namespace chain429
