#pragma once

#include <string>
#include <string_view>

#include "dataplane/http/answer_scan.h"

namespace chain429 {

// What is said within a stream for want of a head that could say it.

// Header fields, one a line, as one comment.
std::string FieldsComment(std::string_view fields);

// One event with a JSON text, which is put on one line: clients that do not join the lines of an event are many.
std::string JsonEvent(std::string_view json);

// A provider's refusal as an object that clients know for an error: its own body where that has an `error`, else one of
// ours that quotes it. `message`: what was read from it; may be empty.
std::string RefusalJson(AnswerScanner& scanner, int status, std::string_view body, std::string_view message);

}  // namespace chain429
