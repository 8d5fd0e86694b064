#include "dataplane/http/response.h"

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/http/reason.h"

namespace chain429 {

std::string ErrorBody(std::string_view message, std::string_view type, std::string_view param, std::string_view code,
                      std::string_view extra) {
  const auto append_or_null = [](std::string& out, std::string_view text) {
    if (text.empty()) {
      out.append("null");
    } else {
      out.push_back('"');
      AppendJsonEscaped(out, text);
      out.push_back('"');
    }
  };
  std::string out = R"({"error":{"message":")";
  AppendJsonEscaped(out, message);
  out.append(R"(","type":")");
  AppendJsonEscaped(out, type);
  out.append(R"(","param":)");
  append_or_null(out, param);
  out.append(R"(,"code":)");
  append_or_null(out, code);
  out.append(extra).append("}}");
  return out;
}

void AppendStatusLine(std::string& out, int status, std::string_view reason) {
  absl::StrAppend(&out, "HTTP/1.1 ", status, " ");
  out.append(reason.empty() ? ReasonPhrase(status) : reason).append("\r\n");
}

void AppendNumberField(std::string& out, std::string_view name, uint64_t value) {
  out.append(name).append(": ");
  absl::StrAppend(&out, value, "\r\n");
}

std::string_view ErrorType(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  if (status >= 500) return "api_error";
  return "invalid_request_error";
}

}  // namespace chain429
