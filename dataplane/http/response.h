#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chain429 {

// OpenAI's error shape. `param` and `code` may be empty: null. `extra` is JSON text of further members of `error`, each
// with a leading comma.
std::string ErrorBody(std::string_view message, std::string_view type, std::string_view param, std::string_view code,
                      std::string_view extra = {});

// "HTTP/1.1 429 Too Many Requests\r\n".
void AppendStatusLine(std::string& out, int status, std::string_view reason = {});
inline void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}
void AppendNumberField(std::string& out, std::string_view name, uint64_t value);

// A stand-in `type` for an error of ours with this status: "invalid_request_error", "rate_limit_error", …
std::string_view ErrorType(int status);

}  // namespace chain429
