#include "common/provider/error_body.h"

#include <algorithm>
#include <charconv>
#include <span>

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/durations.h"

namespace chain429 {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kMaxBody = size_t{256} * 1024;
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxText = 8192;
constexpr size_t kMaxMessage = 2048;
constexpr size_t kMaxVisited = 64;

std::optional<dom::element> Member(dom::element value, std::string_view key) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return std::nullopt;
  dom::element member;
  if (object.at_key(key).get(member) != simdjson::SUCCESS) return std::nullopt;
  return member;
}

std::string_view StringOf(std::optional<dom::element> value) {
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::optional<dom::element> FirstItem(std::optional<dom::element> value) {
  dom::array items;
  if (!value || value->get(items) != simdjson::SUCCESS || items.begin() == items.end()) return std::nullopt;
  return *items.begin();
}

// A scalar as text; false for null, objects and lists.
bool ScalarText(dom::element value, std::string& out) {
  switch (value.type()) {
    case dom::element_type::STRING:
      out = std::string(StringOf(value));
      return true;
    case dom::element_type::INT64:
      out = absl::StrCat(value.get_int64().value_unsafe());
      return true;
    case dom::element_type::UINT64:
      out = absl::StrCat(value.get_uint64().value_unsafe());
      return true;
    case dom::element_type::DOUBLE: {
      char digits[40];
      const auto end = std::to_chars(digits, digits + sizeof(digits), value.get_double().value_unsafe());
      out.assign(digits, end.ptr);
      return true;
    }
    case dom::element_type::BOOL:
      out = value.get_bool().value_unsafe() ? "true" : "false";
      return true;
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
    case dom::element_type::NULL_VALUE:
      return false;
  }
  return false;
}

// What JavaScript would call true, and of objects and lists those that hold something.
bool Truthy(std::optional<dom::element> value) {
  if (!value) return false;
  switch (value->type()) {
    case dom::element_type::NULL_VALUE:
      return false;
    case dom::element_type::BOOL:
      return value->get_bool().value_unsafe();
    case dom::element_type::STRING:
      return !StringOf(value).empty();
    case dom::element_type::INT64:
      return value->get_int64().value_unsafe() != 0;
    case dom::element_type::OBJECT: {
      dom::object object;
      return value->get(object) == simdjson::SUCCESS && object.begin() != object.end();
    }
    case dom::element_type::ARRAY:
      return FirstItem(value).has_value();
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      return true;
  }
  return false;
}

// Every value at the steps from `value` on, until `visit` returns true; `budget` bounds the breadth of hostile lists.
bool Walk(dom::element value, std::span<const FieldPath::Step> steps, size_t& budget,
          const std::function<bool(dom::element)>& visit) {
  if (budget == 0) return false;
  --budget;
  if (steps.empty()) return visit(value);
  if (!steps.front().key.empty()) {
    const std::optional<dom::element> member = Member(value, steps.front().key);
    if (!member) return false;
    value = *member;
  }
  if (!steps.front().each) return Walk(value, steps.subspan(1), budget, visit);
  dom::array items;
  if (value.get(items) != simdjson::SUCCESS) return false;
  for (const dom::element item : items) {
    if (Walk(item, steps.subspan(1), budget, visit)) return true;
  }
  return false;
}

// The sentence that one value is or holds: itself, its `message`, `msg`, `detail`, `error` or `title`, or that of its
// first item.
std::string Sentence(std::optional<dom::element> value, int depth = 0) {
  if (!value || depth > 4) return {};
  if (const std::string_view text = StringOf(value); !text.empty()) return std::string(text);
  if (const auto item = FirstItem(value)) return Sentence(item, depth + 1);
  for (const std::string_view key : {"message", "msg", "error", "detail", "title"}) {
    std::string found = Sentence(Member(*value, key), depth + 1);
    if (!found.empty()) return found;
  }
  return {};
}

bool LooksLikeMarkup(std::string_view text) {
  return text.starts_with('<') || text.starts_with('{') || text.starts_with('[');
}

}  // namespace

struct ErrorBody::Document {
  dom::parser parser;
  dom::element root;
  dom::element error;      // the error object, else the root
  bool has_error = false;
};

absl::StatusOr<FieldPath> FieldPath::Parse(std::string_view text) {
  FieldPath path;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    Step step;
    if (part.ends_with("[]")) {
      step.each = true;
      part.remove_suffix(2);
    }
    step.key = std::string(part);
    if ((part.empty() && !step.each) || part.find_first_of("[]") != std::string_view::npos ||
        (dot != std::string_view::npos && rest.empty())) {
      return absl::InvalidArgumentError(absl::StrCat("\"", ToAbsl(text), "\" is no path such as a.b or a[].b"));
    }
    path.steps_.push_back(std::move(step));
  }
  if (path.steps_.empty() || path.steps_.size() > 8) return absl::InvalidArgumentError("a path has 1 to 8 parts");
  return path;
}

ErrorBody::ErrorBody(std::string_view body, const BodyShape& shape) {
  body = TrimSpace(body);
  if (body.size() <= kMaxBody && (body.starts_with('{') || body.starts_with('[') || body.starts_with('"'))) {
    auto document = std::make_unique<Document>();
    if (document->parser.allocate(body.size(), kMaxDepth) == simdjson::SUCCESS &&
        document->parser.parse(body.data(), body.size()).get(document->root) == simdjson::SUCCESS) {
      document_ = std::move(document);
    }
  }
  if (document_ == nullptr) {
    if (!LooksLikeMarkup(body)) {
      message_ = Truncate(body, kMaxMessage);
      text_ = std::string(body.substr(0, kMaxText));
    } else if (!body.starts_with('<')) {
      text_ = std::string(body.substr(0, kMaxText));  // cut or broken JSON: its words still count
    }
    return;
  }
  dom::element& root = document_->root;
  if (const auto item = FirstItem(root); item && Member(*item, "error")) root = *item;  // the whole wrapped in a list
  document_->error = root;
  const std::optional<dom::element> error = Member(root, "error");
  const std::optional<dom::element> errors = Member(root, "errors");
  for (const FieldPath& path : shape.error_at) {
    size_t budget = kMaxVisited;
    Walk(root, path.steps(), budget, [&](dom::element found) {
      if (Truthy(found)) {
        document_->has_error = true;
        document_->error = found;
      }
      return document_->has_error;
    });
  }
  if (document_->has_error) {
    // The shape's own place was right.
  } else if (Truthy(error)) {
    document_->has_error = true;
    if (error->is_object()) document_->error = *error;
  } else if (const auto first = FirstItem(errors)) {
    document_->has_error = true;
    if (first->is_object()) document_->error = *first;
  } else if (StringOf(Member(root, "object")) == "error" || StringOf(Member(root, "type")) == "error") {
    document_->has_error = true;
  }
  ReadMessage(shape);
  ReadStatus();
}

ErrorBody::~ErrorBody() = default;

bool ErrorBody::is_json() const { return document_ != nullptr; }
bool ErrorBody::has_error() const { return document_ != nullptr && document_->has_error; }

void ErrorBody::ReadMessage(const BodyShape& shape) {
  message_ = Sentence(document_->error);
  if (message_.empty()) message_ = Sentence(document_->root);
  message_ = Truncate(message_, kMaxMessage);
  text_ = message_;
  for (const FieldPath& path : shape.text_at) {
    AnyAt(path, [&](std::string_view more) {
      if (text_.size() < kMaxText) absl::StrAppend(&text_, "\n", ToAbsl(more.substr(0, kMaxText)));
      return false;
    });
  }
}

void ErrorBody::ReadStatus() {
  for (const dom::element place : {document_->error, document_->root}) {
    for (const std::string_view key : {"code", "status", "status_code", "raw_status_code", "http_status"}) {
      std::string value;
      const std::optional<dom::element> member = Member(place, key);
      if (!member || !ScalarText(*member, value) || value.size() != 3) continue;
      const int64_t number = ParseCount(value).value_or(0);
      if (number >= 400 && number <= 599) {
        status_ = static_cast<int>(number);
        return;
      }
    }
  }
}

bool ErrorBody::AnyAt(const FieldPath& path, const std::function<bool(std::string_view)>& visit) const {
  if (document_ == nullptr) return false;
  const auto visit_scalar = [&](dom::element found) {
    std::string value;
    return ScalarText(found, value) && visit(value);
  };
  size_t budget = kMaxVisited;
  if (Walk(document_->error, path.steps(), budget, visit_scalar)) return true;
  budget = kMaxVisited;
  return has_error() && Walk(document_->root, path.steps(), budget, visit_scalar);
}

std::string ErrorBody::Field(std::string_view name) const {
  std::string value;
  if (document_ == nullptr) return value;
  for (const dom::element place : {document_->error, document_->root}) {
    const std::optional<dom::element> member = Member(place, name);
    if (member && ScalarText(*member, value)) return value;
  }
  return {};
}

void ErrorBody::VisitHeaders(const BodyShape& shape,
                             const std::function<void(std::string_view, std::string_view)>& visit) const {
  if (document_ == nullptr) return;
  for (const FieldPath& path : shape.headers_at) {
    size_t budget = kMaxVisited;
    Walk(document_->error, path.steps(), budget, [&](dom::element found) {
      dom::object headers;
      if (found.get(headers) != simdjson::SUCCESS) return false;
      size_t count = 0;
      for (const auto& [name, value] : headers) {
        std::string text;
        if (++count <= kMaxVisited && ScalarText(value, text)) visit(name, text);
      }
      return false;
    });
  }
}

}  // namespace chain429
