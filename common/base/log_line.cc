#include "common/base/log_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr char kHex[] = "0123456789abcdef";

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

// Stands for itself in a JSON string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

size_t PlainLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && kPlain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"\n\r\t=") != std::string_view::npos;
}

}  // namespace

void AppendJsonEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    // Most text needs nothing: it goes over in one piece.
    if (const size_t plain = PlainLength(text); plain > 0) {
      out.append(text.substr(0, plain));
      text.remove_prefix(plain);
      continue;
    }
    const size_t length = SequenceLength(text);
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
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
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

LogLine::LogLine(std::string& out, LogFormat format, std::string_view time, LogLevel level, std::string_view program,
                 std::string_view message)
    : out_(out), json_(format == LogFormat::kJson) {
  if (json_) {
    out_.append(R"({"time":")").append(time).append(R"(","level":")").append(LogLevelName(level));
    out_.append(R"(","program":")").append(program).append(R"(","message":")");
    AppendJsonEscaped(out_, message);
    out_.push_back('"');
  } else {
    out_.append(time).append(" ").append(LogLevelName(level)).append(" ").append(program).append(": ");
    AppendJsonEscaped(out_, message);
  }
}

void LogLine::Key(std::string_view key) {
  if (json_) {
    out_.append(",\"").append(key).append("\":");
  } else {
    out_.append(" ").append(key).append("=");
  }
}

void LogLine::Add(std::string_view key, std::string_view text) {
  Key(key);
  const bool quoted = json_ || NeedsQuotes(text);
  if (quoted) out_.push_back('"');
  AppendJsonEscaped(out_, text);
  if (quoted) out_.push_back('"');
}

void LogLine::Add(std::string_view key, int64_t number) {
  Key(key);
  char digits[24];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void LogLine::Add(std::string_view key, double number) {
  Key(key);
  // JSON has no word for what is no number.
  if (std::isfinite(number)) {
    absl::StrAppend(&out_, number);
  } else {
    out_.append("null");
  }
}

void LogLine::Add(std::string_view key, bool flag) {
  Key(key);
  out_.append(flag ? "true" : "false");
}

void LogLine::AddMillis(std::string_view key, absl::Duration duration) {
  const int64_t micros = std::max<int64_t>(0, absl::ToInt64Microseconds(duration));
  Add(key, micros / 1000);
  const int64_t rest = micros % 1000;
  const char decimals[] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                           static_cast<char>('0' + rest % 10)};
  out_.append(decimals, sizeof decimals);
}

std::string_view LogTime::Format(absl::Time wall) {
  const int64_t millis = absl::ToUnixMillis(wall);
  const int64_t second = millis / 1000 - (millis % 1000 < 0 ? 1 : 0);
  if (second != second_) {
    second_ = second;
    text_ = absl::FormatTime("%Y-%m-%dT%H:%M:%S.000Z", absl::FromUnixSeconds(second), absl::UTCTimeZone());
  }
  int64_t rest = millis - second * 1000;
  for (size_t back = 2; back <= 4; ++back, rest /= 10) text_[text_.size() - back] = static_cast<char>('0' + rest % 10);
  return text_;
}

}  // namespace chain429
