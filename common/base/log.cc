#include "common/base/log.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

void AppendValue(std::string& out, const LogField& field, bool quote) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    // Text lines stay one line, whatever a provider wrote into its message.
    if (quote || text->find_first_of(" \"\n\r\t=") != std::string_view::npos || text->empty()) {
      out.push_back('"');
      AppendJsonEscaped(out, *text);
      out.push_back('"');
    } else {
      AppendJsonEscaped(out, *text);
    }
  } else if (const auto* number = std::get_if<int64_t>(&field.value)) {
    absl::StrAppend(&out, *number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    // JSON has no word for what is no number.
    if (std::isfinite(*real)) {
      absl::StrAppend(&out, *real);
    } else {
      out.append("null");
    }
  } else {
    out.append(std::get<bool>(field.value) ? "true" : "false");
  }
}

// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // The second byte tells overlong forms, surrogates and what lies beyond U+10FFFF: readers refuse a document for one.
  const unsigned char second = byte(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

}  // namespace

void AppendJsonEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const char c = text.front();
    if (length == 0) {
      out.append("\xEF\xBF\xBD");
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out.append(escaped);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void Logger::Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_.Read().wall, absl::UTCTimeZone());
  std::string line;
  if (format_.load(std::memory_order_relaxed) == LogFormat::kJson) {
    absl::StrAppend(&line, R"({"time":")", time, R"(","level":")", ToAbsl(LevelName(level)), R"(","program":")",
                    program_, R"(","message":")");
    AppendJsonEscaped(line, message);
    line.push_back('"');
    for (const LogField& field : fields) {
      line.append(",\"");
      AppendJsonEscaped(line, field.key);
      line.append("\":");
      AppendValue(line, field, /*quote=*/true);
    }
    line.append("}\n");
  } else {
    absl::StrAppend(&line, time, " ", ToAbsl(LevelName(level)), " ", program_, ": ");
    AppendJsonEscaped(line, message);
    for (const LogField& field : fields) {
      line.push_back(' ');
      line.append(field.key).push_back('=');
      AppendValue(line, field, /*quote=*/false);
    }
    line.push_back('\n');
  }
  // A full or closed stderr must not stop the program, and there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(fd_, line.data(), line.size());
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace chain429
