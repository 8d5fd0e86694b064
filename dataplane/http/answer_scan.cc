#include "dataplane/http/answer_scan.h"

#include <simdjson.h>

#include <cstring>

#include "dataplane/http/body_scan.h"

namespace chain429 {
namespace {

namespace json = simdjson::ondemand;

bool IsNull(json::value& value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null;
}

// A non-empty string or array.
bool HasSubstance(json::value value) {
  json::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == json::json_type::string) {
    return !value.raw_json_token().starts_with("\"\"");
  }
  if (type == json::json_type::array) {
    json::array array;
    bool empty = true;
    return value.get_array().get(array) == simdjson::SUCCESS && array.is_empty().get(empty) == simdjson::SUCCESS &&
           !empty;
  }
  return type == json::json_type::object;
}

void ReadMessage(json::value value, AnswerFacts& facts) {
  json::object message;
  if (value.get_object().get(message) != simdjson::SUCCESS) return;
  for (auto field : message) {
    std::string_view key;
    json::value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS) return;
    if (key == "content" || key == "tool_calls" || key == "reasoning" || key == "reasoning_content" ||
        key == "refusal" || key == "function_call" || key == "audio") {
      if (HasSubstance(member)) facts.content = true;
    }
  }
}

void ReadChoices(json::value value, AnswerFacts& facts, bool& empty) {
  json::array choices;
  if (value.get_array().get(choices) != simdjson::SUCCESS) return;
  facts.has_choices = true;
  empty = true;
  for (auto element : choices) {
    empty = false;
    json::object choice;
    if (element.get_object().get(choice) != simdjson::SUCCESS) return;
    for (auto field : choice) {
      std::string_view key;
      json::value member;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS) return;
      if (key == "delta" || key == "message") {
        ReadMessage(member, facts);
      } else if (key == "text") {
        facts.content = facts.content || HasSubstance(member);
      } else if (key == "finish_reason") {
        facts.finish_reason = facts.finish_reason || HasSubstance(member);
      }
    }
  }
}

// False: it is no object.
bool ReadUsage(json::value value, Usage& usage) {
  json::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return false;
  usage.seen = true;
  for (auto field : object) {
    std::string_view key;
    json::value member;
    int64_t number = 0;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS)
      return true;
    const bool prompt = key == "prompt_tokens";
    if (!prompt && key != "completion_tokens") continue;
    if (member.get_int64().get(number) != simdjson::SUCCESS || number < 0) continue;
    (prompt ? usage.prompt_tokens : usage.completion_tokens) = number;
  }
  return true;
}

void ReadGroq(json::value value, AnswerFacts& facts) {
  json::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return;
  for (auto field : object) {
    std::string_view key;
    json::value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS) return;
    if (key == "usage" && !facts.usage.seen) ReadUsage(member, facts.usage);
    if (key == "error" && !IsNull(member)) facts.error = true;
  }
}

}  // namespace

struct AnswerScanner::Parser {
  json::parser parser;
};

AnswerScanner::AnswerScanner() : parser_(std::make_unique<Parser>()) {}
AnswerScanner::~AnswerScanner() = default;

AnswerFacts AnswerScanner::Scan(std::string_view text) {
  AnswerFacts facts;
  json::document document;
  json::object object;
  if (parser_->parser.iterate(simdjson::padded_string_view(text.data(), text.size(), text.size() + kScanPadding))
              .get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return facts;
  }
  bool no_choice = false;
  bool usage_object = false;
  for (auto field : object) {
    std::string_view key;
    json::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS)
      return AnswerFacts{};
    if (key == "choices") {
      ReadChoices(value, facts, no_choice);
    } else if (key == "usage") {
      usage_object = !IsNull(value) && ReadUsage(value, facts.usage);
    } else if (key == "error") {
      facts.error = facts.error || !IsNull(value);
    } else if (key == "x_groq") {
      ReadGroq(value, facts);
    } else if (key == "object") {
      facts.error = facts.error || value.raw_json_token().starts_with("\"error\"");
    }
  }
  facts.valid = true;
  facts.usage_only = usage_object && facts.has_choices && no_choice;
  return facts;
}

bool MayMatter(std::string_view data) {
  // Whether something other than null stands behind `"key":`. `"error"` also matters as a value (`"object":"error"`).
  const auto set = [&](std::string_view quoted_key, bool as_value) {
    const char* at = data.data();
    const char* const end = data.data() + data.size();
    while ((at = static_cast<const char*>(
                memmem(at, static_cast<size_t>(end - at), quoted_key.data(), quoted_key.size()))) != nullptr) {
      at += quoted_key.size();
      const char* value = at;
      while (value < end && (*value == ':' || *value == ' ' || *value == '\t' || *value == '\n' || *value == '\r'))
        ++value;
      if (value == at ? as_value : value < end && *value != 'n') return true;
    }
    return false;
  };
  return set("\"finish_reason\"", false) || set("\"usage\"", false) || set("\"error\"", true);
}

}  // namespace chain429
