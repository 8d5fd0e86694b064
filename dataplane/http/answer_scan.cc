#include "dataplane/http/answer_scan.h"

#include <simdjson.h>

#include <cstring>

#include "dataplane/http/body_scan.h"

namespace chain429 {
namespace {

namespace json = simdjson::ondemand;

bool IsOtherType(simdjson::error_code error) { return error == simdjson::INCORRECT_TYPE; }

// Reads over a value that nothing more is asked of. False: the text is broken. Where a string is left to simdjson to
// skip and a colon follows, it is taken for a key, and what stands behind is taken for whatever fits.
bool Pass(json::value value) {
  json::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  json::raw_json_string string;
  return type != json::json_type::string || value.get_raw_json_string().get(string) == simdjson::SUCCESS;
}

bool IsNull(json::value& value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null;
}

// Sets `found` where the value is a non-empty string or array, or an object. False: the text is broken.
bool FindSubstance(json::value value, bool& found) {
  json::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == json::json_type::string) {
    json::raw_json_string string;
    if (value.get_raw_json_string().get(string) != simdjson::SUCCESS) return false;
    found = found || *string.raw() != '"';
  } else if (type == json::json_type::array) {
    json::array array;
    bool empty = true;
    if (value.get_array().get(array) != simdjson::SUCCESS || array.is_empty().get(empty) != simdjson::SUCCESS)
      return false;
    found = found || !empty;
  } else {
    found = found || type == json::json_type::object;
  }
  return true;
}

// The Read… below return false where the text is broken, after which nothing of it may be believed: simdjson's outer
// loops then end as if all were well. A value of another type than was looked for says nothing, and is no error.
bool ReadMessage(json::value value, AnswerFacts& facts) {
  json::object message;
  if (const auto error = value.get_object().get(message); error != simdjson::SUCCESS)
    return IsOtherType(error) && Pass(value);
  for (auto field : message) {
    std::string_view key;
    json::value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS)
      return false;
    if (key == "content" || key == "tool_calls" || key == "reasoning" || key == "reasoning_content" ||
        key == "refusal" || key == "function_call" || key == "audio") {
      if (!FindSubstance(member, facts.content)) return false;
    } else if (!Pass(member)) {
      return false;
    }
  }
  return true;
}

bool ReadChoices(json::value value, AnswerFacts& facts, bool& empty) {
  json::array choices;
  if (const auto error = value.get_array().get(choices); error != simdjson::SUCCESS)
    return IsOtherType(error) && Pass(value);
  facts.has_choices = true;
  empty = true;
  for (auto element : choices) {
    empty = false;
    json::value item;
    json::object choice;
    if (element.get(item) != simdjson::SUCCESS) return false;
    if (const auto error = item.get_object().get(choice); error != simdjson::SUCCESS) {
      if (!IsOtherType(error) || !Pass(item)) return false;
      continue;
    }
    for (auto field : choice) {
      std::string_view key;
      json::value member;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS)
        return false;
      if (key == "delta" || key == "message") {
        if (!ReadMessage(member, facts)) return false;
      } else if (key == "text") {
        if (!FindSubstance(member, facts.content)) return false;
      } else if (key == "finish_reason") {
        if (!FindSubstance(member, facts.finish_reason)) return false;
      } else if (!Pass(member)) {
        return false;
      }
    }
  }
  return true;
}

bool ReadUsage(json::value value, Usage& usage) {
  json::object object;
  if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS)
    return IsOtherType(error) && Pass(value);
  usage = Usage();
  usage.seen = true;
  for (auto field : object) {
    std::string_view key;
    json::value member;
    int64_t number = 0;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS)
      return false;
    const bool prompt = key == "prompt_tokens";
    if ((!prompt && key != "completion_tokens") || member.get_int64().get(number) != simdjson::SUCCESS) {
      if (!Pass(member)) return false;
    } else if (number >= 0) {
      (prompt ? usage.prompt_tokens : usage.completion_tokens) = number;
    }
  }
  return true;
}

bool ReadGroq(json::value value, AnswerFacts& facts) {
  json::object object;
  if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS)
    return IsOtherType(error) && Pass(value);
  for (auto field : object) {
    std::string_view key;
    json::value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(member) != simdjson::SUCCESS)
      return false;
    if (key == "usage" && !facts.usage.seen) {
      if (!ReadUsage(member, facts.usage)) return false;
    } else {
      if (key == "error" && !IsNull(member)) facts.error = true;
      if (!Pass(member)) return false;
    }
  }
  return true;
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
      if (!ReadChoices(value, facts, no_choice)) return AnswerFacts{};
    } else if (key == "usage") {
      json::json_type type{};
      usage_object = value.type().get(type) == simdjson::SUCCESS && type == json::json_type::object;
      if (!ReadUsage(value, facts.usage)) return AnswerFacts{};
    } else if (key == "x_groq") {
      if (!ReadGroq(value, facts)) return AnswerFacts{};
    } else {
      if (key == "error" && !IsNull(value)) facts.error = true;
      if (key == "object" && value.raw_json_token().starts_with("\"error\"")) facts.error = true;
      if (!Pass(value)) return AnswerFacts{};
    }
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) return AnswerFacts{};  // more behind the object
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
