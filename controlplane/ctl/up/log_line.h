#pragma once

#include <string>
#include <string_view>

namespace chain429 {

enum class LineWeight { kPlain, kQuiet, kWarning, kError };

// One line of a program's log as a person wants to read it beside others.
struct ShownLine {
  std::string text;
  LineWeight weight = LineWeight::kPlain;
};

// A JSON log line becomes `message key=value …`, a text one loses its time and program name, and one about a request
// becomes a short one; anything else stays.
// Control characters are made harmless.
ShownLine ReadLogLine(std::string_view line);

}  // namespace chain429
