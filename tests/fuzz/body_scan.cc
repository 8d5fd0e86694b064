#include "dataplane/http/body_scan.h"

#include <nlohmann/json.hpp>

#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

using nlohmann::json;

// The other parser takes a byte order mark and ends at a NUL; here it shall not.
bool OtherTakes(std::string_view body) {
  return !body.starts_with("\xEF") && body.find('\0') == std::string_view::npos && json::accept(body);
}

// What it refuses although the grammar allows it: halves of surrogate pairs, and numbers too large for a double.
bool MayDisagree(std::string_view body) {
  return body.find("\\u") != std::string_view::npos || body.find_first_of("eE") != std::string_view::npos ||
         body.size() > 300;
}

// The numbers of tokens that the scan's own reading allows for a field; -1: the field does not count.
int64_t LimitOf(const json& document) {
  const auto read = [&](const char* key, int64_t& out) {
    const auto field = document.find(key);
    if (field == document.end() || !field->is_number()) return false;
    const double value = field->get<double>();
    if (!(value <= 1e15)) return false;
    out = static_cast<int64_t>(std::max(value, 0.0));
    return true;
  };
  int64_t limit = 0;
  if (!read("max_completion_tokens", limit)) read("max_tokens", limit);
  return limit;
}

bool Repeats(std::string_view body, std::string_view word) {
  const size_t first = body.find(word);
  return first != std::string_view::npos && body.find(word, first + 1) != std::string_view::npos;
}

BodyError ScanExact(BodyScanner& scanner, std::string_view body, BodyScan& scan) {
  const ExactBytes exact(body, kScanPadding);
  return scanner.Scan(exact.view(), scan);
}

// What goes to a provider: the model's name replaced, a field added before the last brace, every other byte as it came.
void CheckSplice(BodyScanner& scanner, std::string_view body, const BodyScan& scan, json document) {
  const std::string spliced = std::string(body.substr(0, scan.model_begin))
                                  .append("\"a/b \\\"c\\u00e9\"")
                                  .append(body.substr(scan.model_end, scan.close_brace - scan.model_end))
                                  .append(",\"added\":{\"a\":true}")
                                  .append(body.substr(scan.close_brace));
  BodyScan second;
  FUZZ_ASSERT(ScanExact(scanner, spliced, second).ok());
  FUZZ_ASSERT(second.model == "a/b \"c\xC3\xA9" && second.model_begin == scan.model_begin);
  FUZZ_ASSERT(second.stream == scan.stream && second.max_output == scan.max_output);
  FUZZ_ASSERT(second.has_stream_options == scan.has_stream_options);
  if (document.is_discarded()) return;
  json changed = json::parse(spliced, nullptr, /*allow_exceptions=*/false);
  FUZZ_ASSERT(changed.is_object() && changed["model"] == second.model && changed["added"] == json({{"a", true}}));
  document["model"] = second.model;
  document["added"] = changed["added"];
  FUZZ_ASSERT(changed == document);
}

void CheckOneInput(std::string_view body) {
  static BodyScanner scanner;
  BodyScan scan;
  const BodyError error = ScanExact(scanner, body, scan);
  // What stands behind the body decides nothing (but for which of two faults is named).
  for (const char behind : {'}', ']', ',', '1'}) {
    const std::string padded = std::string(body) + std::string(kScanPadding, behind);
    BodyScan other;
    const BodyError other_error = scanner.Scan(std::string_view(padded).substr(0, body.size()), other);
    FUZZ_ASSERT(error.ok() == other_error.ok());
    if (!error.ok()) continue;
    FUZZ_ASSERT(other.model == scan.model && other.model_begin == scan.model_begin &&
                other.model_end == scan.model_end);
    FUZZ_ASSERT(other.stream == scan.stream && other.max_output == scan.max_output);
    FUZZ_ASSERT(other.close_brace == scan.close_brace && other.has_stream_options == scan.has_stream_options);
  }

  const bool other_takes = OtherTakes(body);
  if (!error.ok()) {
    // What is JSON nevertheless is refused for a reason of its own.
    if (other_takes) {
      FUZZ_ASSERT(!error.param.empty() || error.message.find("object") != std::string::npos ||
                  error.message.find("nested") != std::string::npos);
    }
    return;
  }
  FUZZ_ASSERT(other_takes || MayDisagree(body));
  FUZZ_ASSERT(scan.model_begin < scan.model_end && scan.model_end <= scan.close_brace);
  FUZZ_ASSERT(body[scan.model_begin] == '"' && body[scan.model_end - 1] == '"' && body[scan.close_brace] == '}');
  FUZZ_ASSERT(body.find_first_not_of(" \t\r\n", scan.close_brace + 1) == std::string_view::npos);
  FUZZ_ASSERT(!scan.model.empty() && scan.max_output >= 0);
  json document = other_takes ? json::parse(body) : json(json::value_t::discarded);
  if (other_takes) {
    FUZZ_ASSERT(document.is_object() && document["model"] == scan.model);
    FUZZ_ASSERT(document.contains("stream_options") == scan.has_stream_options);
    const auto stream = document.find("stream");
    FUZZ_ASSERT(scan.stream == (stream != document.end() && *stream == true));
    // Of a field that is there twice the scan may take the other one.
    if (!Repeats(body, "max") && body.find('\\') == std::string_view::npos)
      FUZZ_ASSERT(LimitOf(document) == scan.max_output);
  }
  CheckSplice(scanner, body, scan, std::move(document));
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
