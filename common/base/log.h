#pragma once

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/clock.h"
#include "common/base/log_line.h"
#include "common/base/log_settings.h"

namespace chain429 {

// One key and value of a log line. Values are views or numbers: a Secret cannot become one.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, int64_t, double, bool> value;
};

// Where lines go. Any thread; never waits for a disk or a reader.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `count` whole lines in one format, each with its line break.
  virtual void Write(std::string lines, uint64_t count, LogFormat format) = 0;
};

// Writes one line a call, whole, to a sink or with one write(2) to a file descriptor, or keeps quiet below the level.
// Any thread. Passed by reference from main; there is no global logger.
class Logger {
 public:
  Logger(const Clock& clock, std::string program, LogLevel level, LogFormat format, int fd = 2)
      : clock_(clock), program_(std::move(program)), level_(level), format_(format), fd_(fd) {}
  // `sink` outlives the logger.
  Logger(const Clock& clock, std::string program, LogLevel level, LogFormat format, LogSink& sink)
      : clock_(clock), program_(std::move(program)), level_(level), format_(format), fd_(-1), sink_(&sink) {}

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  void set_format(LogFormat format) { format_.store(format, std::memory_order_relaxed); }
  bool enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  LogFormat format() const { return format_.load(std::memory_order_relaxed); }
  const std::string& program() const { return program_; }
  // For lines that were put together elsewhere.
  void Write(std::string lines, uint64_t count, LogFormat format) const;

  void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warning(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Log(LogLevel::kWarning, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Log(LogLevel::kError, message, fields);
  }

 private:
  const Clock& clock_;
  const std::string program_;
  std::atomic<LogLevel> level_;
  std::atomic<LogFormat> format_;
  const int fd_;
  LogSink* sink_ = nullptr;
};

// A broken invariant: says where and what, then aborts, also in release. Never on input.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace chain429

#define CHAIN429_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::chain429::CheckFailed(__FILE__, __LINE__, #condition))
