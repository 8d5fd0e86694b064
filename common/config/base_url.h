#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/model/snapshot.h"

namespace chain429 {

// "https://api.groq.com/openai/v1", "http://[::1]:8000/v1": scheme, host, optional port and path. Refuses what could
// not be called or would smuggle something: other schemes, user:password@, ?query, #fragment, ports beyond 65535,
// blanks and control characters. The error never repeats the text, which may hold a key.
absl::StatusOr<Endpoint> ParseBaseUrl(std::string_view text);

// 127.0.0.0/8, ::1 and localhost: the only hosts that plain HTTP may be spoken to without being asked.
bool IsLoopbackHost(std::string_view host);

}  // namespace chain429
