#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/log_settings.h"

namespace chain429 {

// Puts one line of the log together at the end of a string: text for people, or a JSON object. Whatever the values
// hold, it is one line, and a reader finds its fields again.
class LogLine {
 public:
  // `time` as LogTime gives it. `program` and all keys are plain words of ours.
  LogLine(std::string& out, LogFormat format, std::string_view time, LogLevel level, std::string_view program,
          std::string_view message);

  void Add(std::string_view key, std::string_view text);
  void Add(std::string_view key, const char* text) { Add(key, std::string_view(text)); }
  void Add(std::string_view key, int64_t number);
  void Add(std::string_view key, double number);
  void Add(std::string_view key, bool flag);
  // With three decimals.
  void AddMillis(std::string_view key, absl::Duration duration);
  // Once, at last.
  void End() { out_.append(json_ ? "}\n" : "\n"); }

 private:
  void Key(std::string_view key);

  std::string& out_;
  const bool json_;
};

// A time of day as logs write it: "2026-11-24T12:00:00.123Z". Remembers the second that it wrote last, because writing
// a date costs more than the rest of a line. Belongs to one thread.
class LogTime {
 public:
  // Valid until the next call.
  std::string_view Format(absl::Time wall);

 private:
  int64_t second_ = INT64_MIN;
  std::string text_;
};

// `text` as the inside of a JSON string, control characters and invalid UTF-8 made harmless.
void AppendJsonEscaped(std::string& out, std::string_view text);

}  // namespace chain429
