#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace chain429 {

// Where something stands in a JSON document: "metadata.headers", "details[].violations[].quotaId" ([]: every item of a
// list).
class FieldPath {
 public:
  struct Step {
    std::string key;  // empty with `each`: the value itself is the list
    bool each = false;
  };
  static absl::StatusOr<FieldPath> Parse(std::string_view text);
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

// Where a kind puts things beyond the places that are common to all.
struct BodyShape {
  std::vector<FieldPath> error_at;    // further places of the error object, from the root
  std::vector<FieldPath> text_at;     // further sentences, from the error object
  std::vector<FieldPath> wait_at;     // durations, from the error object
  std::vector<FieldPath> headers_at;  // objects of headers that are mirrored there, from the error object
};

// The body of a failure, or one payload, taken apart as far as it can be. It may be anything: what is over 256 KiB,
// nested deeper than 64 or no valid JSON is only a text. Views live as long as this.
class ErrorBody {
 public:
  ErrorBody(std::string_view body, const BodyShape& shape);
  ~ErrorBody();
  ErrorBody(const ErrorBody&) = delete;
  ErrorBody& operator=(const ErrorBody&) = delete;

  bool is_json() const;
  // An error is there: a true `error` (object, words, number), a non-empty list of `errors`, a flat object that says of
  // itself that it is one, or one of the shape's places.
  bool has_error() const;

  // The provider's words; empty: none, or HTML.
  const std::string& message() const { return message_; }
  // All sentences in which rules look for words: the message and those of BodyShape::text_at.
  const std::string& text() const { return text_; }
  // The HTTP status that the body itself names (400 to 599); 0: none.
  int status() const { return status_; }

  // Calls `visit` with every value at `path` from the error object, numbers and booleans as text, until it returns
  // true. Whether it did.
  bool AnyAt(const FieldPath& path, const std::function<bool(std::string_view)>& visit) const;
  // The first value of a top-level field of the error object ("code", "type"), or of the root where the error object
  // lacks it.
  std::string Field(std::string_view name) const;
  // Name and value of each header that is mirrored in the body.
  void VisitHeaders(const BodyShape& shape, const std::function<void(std::string_view, std::string_view)>& visit) const;

 private:
  struct Document;
  void ReadMessage(const BodyShape& shape);
  void ReadStatus();

  std::unique_ptr<Document> document_;  // null: no JSON
  std::string message_;
  std::string text_;
  int status_ = 0;
};

}  // namespace chain429
