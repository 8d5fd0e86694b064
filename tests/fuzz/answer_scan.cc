#include "dataplane/http/answer_scan.h"

#include <nlohmann/json.hpp>

#include "dataplane/http/body_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

using nlohmann::json;

bool Same(const AnswerFacts& a, const AnswerFacts& b) {
  return a.valid == b.valid && a.has_choices == b.has_choices && a.error == b.error && a.content == b.content &&
         a.finish_reason == b.finish_reason && a.usage_only == b.usage_only && a.usage.seen == b.usage.seen &&
         a.usage.prompt_tokens == b.usage.prompt_tokens && a.usage.completion_tokens == b.usage.completion_tokens;
}

bool HasSubstance(const json& value) {
  if (value.is_object()) return true;
  return (value.is_string() || value.is_array()) &&
         !(value.is_string() ? value.get_ref<const std::string&>().empty() : value.empty());
}

const json& Member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

bool ReadUsage(const json& value, Usage& usage) {
  if (!value.is_object()) return false;
  usage.seen = true;
  const auto count = [&](const char* key) {
    const json& number = Member(value, key);
    if (number.is_number_unsigned() && number.get<uint64_t>() > INT64_MAX) return int64_t{0};
    return number.is_number_integer() ? std::max<int64_t>(0, number.get<int64_t>()) : 0;
  };
  usage.prompt_tokens = count("prompt_tokens");
  usage.completion_tokens = count("completion_tokens");
  return true;
}

// What the header says, by way of a tree.
AnswerFacts Reference(const json& root) {
  AnswerFacts facts;
  if (!root.is_object()) return facts;
  facts.valid = true;
  const json& choices = Member(root, "choices");
  facts.has_choices = choices.is_array();
  for (const json& choice : choices.is_array() ? choices : json::array()) {
    if (!choice.is_object()) continue;
    for (const char* place : {"delta", "message"}) {
      for (const char* key :
           {"content", "tool_calls", "reasoning", "reasoning_content", "refusal", "function_call", "audio"}) {
        if (HasSubstance(Member(Member(choice, place), key))) facts.content = true;
      }
    }
    if (HasSubstance(Member(choice, "text"))) facts.content = true;
    if (HasSubstance(Member(choice, "finish_reason"))) facts.finish_reason = true;
  }
  const bool usage_object = ReadUsage(Member(root, "usage"), facts.usage);
  const json& groq = Member(root, "x_groq");
  if (!facts.usage.seen) ReadUsage(Member(groq, "usage"), facts.usage);
  facts.error =
      !Member(root, "error").is_null() || !Member(groq, "error").is_null() || Member(root, "object") == "error";
  facts.usage_only = usage_object && facts.has_choices && choices.empty();
  return facts;
}

// Whether some object has a key twice; such texts have no tree.
bool HasTwice(std::string_view text) {
  bool twice = false;
  std::vector<std::vector<std::string>> keys;
  const json::parser_callback_t watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      twice = twice || std::find(keys.back().begin(), keys.back().end(), key) != keys.back().end();
      keys.back().push_back(key);
    }
    return true;
  };
  [[maybe_unused]] const json tree = json::parse(text, watch, /*allow_exceptions=*/false);
  return twice;
}

void CheckOneInput(std::string_view text) {
  static AnswerScanner scanner;
  const AnswerFacts facts = [&] {
    const ExactBytes exact(text, kScanPadding);
    return scanner.Scan(exact.view());
  }();
  // What stands behind the text decides nothing.
  for (const char behind : {'}', ']', ',', '1'}) {
    const std::string padded = std::string(text) + std::string(kScanPadding, behind);
    FUZZ_ASSERT(Same(facts, scanner.Scan(std::string_view(padded).substr(0, text.size()))));
  }
  if (!facts.valid) FUZZ_ASSERT(Same(facts, AnswerFacts()));
  FUZZ_ASSERT(facts.usage.prompt_tokens >= 0 && facts.usage.completion_tokens >= 0);
  if (facts.usage_only) FUZZ_ASSERT(facts.usage.seen && facts.has_choices);
  const bool comparable = !text.starts_with("\xEF") && text.find('\0') == std::string_view::npos && json::accept(text);
  // A look for the keys finds what the parser finds, unless a key is spelt with escapes.
  const ExactBytes exact(text);
  const bool may_matter = MayMatter(exact.view());
  if (comparable && text.find('\\') == std::string_view::npos &&
      (facts.error || facts.finish_reason || facts.usage.seen))
    FUZZ_ASSERT(may_matter);
  if (comparable && !HasTwice(text)) {
    FUZZ_ASSERT(Same(facts, Reference(json::parse(text))));
  }
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
