#include "dataplane/http/body_scan.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "dataplane/http/escapes.h"

namespace chain429 {
namespace {

namespace json = simdjson::ondemand;

constexpr int kMaxDepth = 1024;

std::string_view TrimJsonSpace(std::string_view token) {
  while (!token.empty() &&
         (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' || token.back() == '\r'))
    token.remove_suffix(1);
  return token;
}

// simdjson's first stage has checked quotes, control characters and UTF-8, and EscapesAreValid the rest.
bool IsString(std::string_view token) { return token.size() >= 2 && token.back() == '"'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumber(std::string_view token) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < token.size() && IsDigit(token[i])) ++i;
    return i > from;
  };
  if (i < token.size() && token[i] == '-') ++i;
  const size_t first = i;
  if (!digits()) return false;
  if (token[first] == '0' && i - first > 1) return false;
  if (i < token.size() && token[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == token.size();
}

bool IsScalar(std::string_view token) {
  if (token.empty()) return false;
  if (token.front() == '"') return IsString(token);
  return token == "true" || token == "false" || token == "null" || IsNumber(token);
}

BodyError Invalid() { return {"The request body is not valid JSON.", {}}; }
BodyError TooDeep() { return {"The request body is nested more than 1,024 levels deep.", {}}; }

// Walks a value to its end. The structural index leaves little to do: long strings are not looked at again.
BodyError Validate(json::value value, int depth) {
  json::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return Invalid();
  if (type == json::json_type::object) {
    if (depth >= kMaxDepth) return TooDeep();
    json::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return Invalid();
    for (auto field : object) {
      std::string_view key;
      json::value child;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(child) != simdjson::SUCCESS)
        return Invalid();
      if (BodyError error = Validate(child, depth + 1); !error.ok()) return error;
    }
    return {};
  }
  if (type == json::json_type::array) {
    if (depth >= kMaxDepth) return TooDeep();
    json::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return Invalid();
    for (auto element : array) {
      json::value child;
      if (element.get(child) != simdjson::SUCCESS) return Invalid();
      if (BodyError error = Validate(child, depth + 1); !error.ok()) return error;
    }
    return {};
  }
  if (!IsScalar(TrimJsonSpace(value.raw_json_token()))) return Invalid();
  // Read, not left to be skipped: a string that a colon follows would be skipped as if it were a key.
  json::raw_json_string string;
  if (type == json::json_type::string && value.get_raw_json_string().get(string) != simdjson::SUCCESS) return Invalid();
  return {};
}

std::string_view TypeName(json::json_type type) {
  switch (type) {
    case json::json_type::array:
      return "an array";
    case json::json_type::object:
      return "an object";
    case json::json_type::number:
      return "a number";
    case json::json_type::string:
      return "a string";
    case json::json_type::boolean:
      return "a boolean";
    case json::json_type::null:
      return "null";
  }
  return "something else";
}

// Which of the keys that concern us has been seen.
struct Seen {
  bool model = false;
  bool stream = false;
  bool completion_limit = false;
};

BodyError TakeModel(json::value value, std::string_view body, Seen& seen, BodyScan& out) {
  if (seen.model) return {"The request body has \"model\" twice.", "model"};
  seen.model = true;
  json::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return Invalid();
  if (type != json::json_type::string)
    return {std::string("\"model\" must be a string, not ").append(TypeName(type)).append("."), "model"};
  const std::string_view token = TrimJsonSpace(value.raw_json_token());
  if (!IsString(token)) return Invalid();
  out.model_begin = static_cast<size_t>(token.data() - body.data());
  out.model_end = out.model_begin + token.size();
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return Invalid();
  out.model.assign(text);
  if (out.model.empty()) return {"\"model\" is empty: name a chain, or provider/model.", "model"};
  return {};
}

BodyError TakeStream(json::value value, Seen& seen, BodyScan& out) {
  if (seen.stream) return {"The request body has \"stream\" twice.", "stream"};
  seen.stream = true;
  const std::string_view token = TrimJsonSpace(value.raw_json_token());
  if (token == "true") {
    out.stream = true;
  } else if (token != "false" && token != "null") {
    return {"\"stream\" must be true or false.", "stream"};
  }
  return {};
}

// Providers take 4096, 4096.0 and 4.096e3 alike, so that what is reserved must, too. What no answer can be as long as
// says nothing.
void TakeLimit(std::string_view token, bool completion, Seen& seen, BodyScan& out) {
  constexpr double kMost = 1e15;
  double limit = 0;
  if (!IsNumber(token) || (seen.completion_limit && !completion)) return;
  if (std::from_chars(token.data(), token.data() + token.size(), limit).ec != std::errc() || limit > kMost) return;
  seen.completion_limit = seen.completion_limit || completion;
  out.max_output = static_cast<int64_t>(std::max(limit, 0.0));
}

}  // namespace

struct BodyScanner::Parser {
  json::parser parser;
};

BodyScanner::BodyScanner() : parser_(std::make_unique<Parser>()) {}
BodyScanner::~BodyScanner() = default;

BodyError BodyScanner::Scan(std::string_view body, BodyScan& out) {
  out = BodyScan();
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return {"The request body is empty: send a JSON object.", {}};
  json::document document;
  const auto started =
      parser_->parser.iterate(simdjson::padded_string_view(body.data(), body.size(), body.size() + kScanPadding))
          .get(document);
  if (started == simdjson::UTF8_ERROR) return {"The request body is not valid UTF-8.", {}};
  if (started != simdjson::SUCCESS || !EscapesAreValid(body)) return Invalid();
  json::json_type type{};
  if (document.type().get(type) != simdjson::SUCCESS) return Invalid();
  if (type != json::json_type::object)
    return {std::string("The request body must be a JSON object, not ").append(TypeName(type)).append("."), {}};
  json::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return Invalid();
  Seen seen;
  for (auto field : object) {
    std::string_view key;
    json::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS)
      return Invalid();
    BodyError error;
    if (key == "model") {
      error = TakeModel(value, body, seen, out);
    } else if (key == "stream") {
      error = TakeStream(value, seen, out);
    } else {
      if (key == "stream_options") out.has_stream_options = true;
      if (key == "max_tokens" || key == "max_completion_tokens") {
        json::json_type limit{};
        if (value.type().get(limit) == simdjson::SUCCESS && limit == json::json_type::number) {
          TakeLimit(TrimJsonSpace(value.raw_json_token()), key == "max_completion_tokens", seen, out);
        }
      }
      error = Validate(value, 1);
    }
    if (!error.ok()) return error;
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS)
    return Invalid();  // something stands behind the object
  if (!seen.model) return {"\"model\" is missing: name a chain, or provider/model.", "model"};
  out.close_brace = body.rfind('}');
  return {};
}

}  // namespace chain429
