#include "dataplane/request/stream_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "dataplane/http/body_scan.h"
#include "dataplane/http/response.h"

namespace chain429 {
namespace {

constexpr size_t kMostQuoted = 300;

// Some say `"object":"error"` instead, which clients do not look at within a stream.
bool HasErrorKey(std::string_view json) {
  constexpr std::string_view kKey = "\"error\"";
  for (size_t at = json.find(kKey); at != std::string_view::npos; at = json.find(kKey, at)) {
    at += kKey.size();
    if (TrimSpace(json.substr(at)).starts_with(':')) return true;
  }
  return false;
}

}  // namespace

std::string FieldsComment(std::string_view fields) {
  std::string out;
  while (!fields.empty()) {
    const size_t end = std::min(fields.find("\r\n"), fields.size());
    out.append(": ").append(fields.substr(0, end)).append("\n");
    fields.remove_prefix(std::min(end + 2, fields.size()));
  }
  return out.append("\n");
}

std::string JsonEvent(std::string_view json) {
  std::string out("data: ");
  out.append(TrimSpace(json));
  // Within JSON's strings these bytes are always escaped, so that they only ever stand between values.
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out.append("\n\n");
}

std::string RefusalJson(AnswerScanner& scanner, int status, std::string_view body, std::string_view message) {
  std::string padded(body);
  padded.append(kScanPadding, '\0');
  const AnswerFacts facts = scanner.Scan(std::string_view(padded).substr(0, body.size()));
  if (facts.valid && facts.error && HasErrorKey(body)) return std::string(body);
  const std::string quoted = Truncate(TrimSpace(message.empty() ? body : message), kMostQuoted);
  return ErrorBody(absl::StrCat("The provider refused the request with ", status, quoted.empty() ? "." : ": ", quoted),
                   ErrorType(status), {}, {});
}

}  // namespace chain429
