#include "controlplane/ctl/up/request_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMostTrail = 300;

std::string_view Find(const LogFields& fields, std::string_view key) {
  const auto found = fields.find(key);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

// "466.547" is "466 ms".
std::string Millis(std::string_view text) { return absl::StrCat(ToAbsl(text.substr(0, text.find('.'))), " ms"); }

// Behind the opening quote: where the closing one stands, or the end.
size_t EndOfQuoted(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

std::string Unquoted(std::string_view inside) {
  const auto json =
      nlohmann::json::parse(absl::StrCat("\"", ToAbsl(inside), "\""), nullptr, /*allow_exceptions=*/false);
  return json.is_string() ? json.get<std::string>() : std::string(inside);
}

}  // namespace

LogFields ReadLogFields(std::string_view rest) {
  LogFields fields;
  for (;;) {
    rest = TrimSpace(rest);
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return fields;
    std::string key(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    std::string value;
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      const size_t end = EndOfQuoted(rest);
      value = Unquoted(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    } else {
      const size_t end = std::min(rest.find(' '), rest.size());
      value.assign(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    fields.insert_or_assign(std::move(key), std::move(value));
  }
}

std::string RequestLine(const LogFields& fields) {
  const std::string_view status = Find(fields, "status");
  // Whoever has bodies logged wants to see them.
  if (status.empty() || fields.contains("request_body") || fields.contains("response_body")) return "";
  const std::string_view chain = Find(fields, "chain");
  const std::string_view target = Find(fields, "target");
  const std::string_view error = Find(fields, "error");
  std::string line(chain);
  if (chain.empty()) {
    const std::string_view method = Find(fields, "method");
    const std::string_view path = Find(fields, "path");
    line = method.empty() ? "request" : absl::StrCat(ToAbsl(method), " ", ToAbsl(path));
  }
  if (!target.empty()) line.append(" -> ").append(target);
  line.append(" ").append(status);
  if (!error.empty()) line.append(" ").append(error);
  if (const std::string_view took = Find(fields, "latency_ms"); !took.empty()) line.append(" in ").append(Millis(took));
  const std::string_view first = Find(fields, "first_content_ms");
  if (!first.empty() && Find(fields, "stream") == "true") line.append(", first content after ").append(Millis(first));
  const std::string_view attempts = Find(fields, "attempts");
  if (!attempts.empty() && attempts != "0" && attempts != "1") line.append(", ").append(attempts).append(" attempts");
  if (error.empty() && status < "400") return line;
  // Of what went wrong the reason, and the id that the client has been given.
  if (const std::string_view id = Find(fields, "request_id"); !id.empty()) line.append(", ").append(id);
  if (const std::string_view trail = Find(fields, "trail"); !trail.empty())
    line.append(": ").append(Truncate(trail, kMostTrail));
  return line;
}

}  // namespace chain429
