#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/model/settlement.h"

namespace chain429 {

// What one JSON object of an answer says: a whole plain answer, or one event of a stream.
struct AnswerFacts {
  bool valid = false;         // it is a JSON object
  bool has_choices = false;   // `choices` is there
  bool error = false;         // `error` (also x_groq.error) is there and not null, or `object` is "error"
  bool content = false;       // something a user would see: content, tool calls, reasoning, refusal, text
  bool finish_reason = false;
  bool usage_only = false;    // `choices` is empty and `usage` an object: the chunk that include_usage adds
  Usage usage;
};

// Reads answers with simdjson. One per worker. Texts must be followed by kScanPadding (body_scan.h) readable bytes.
class AnswerScanner {
 public:
  AnswerScanner();
  ~AnswerScanner();
  AnswerScanner(const AnswerScanner&) = delete;
  AnswerScanner& operator=(const AnswerScanner&) = delete;
  AnswerFacts Scan(std::string_view json);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

// Whether an event of a stream whose content has begun must be parsed: it can carry usage, an error or the finish
// reason. A look for the keys, exact enough since a quote inside a JSON string is escaped.
bool MayMatter(std::string_view event_data);

}  // namespace chain429
