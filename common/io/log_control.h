#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_settings.h"
#include "common/io/http_router.h"
#include "common/io/log_writer.h"

namespace chain429 {

// What was said on the command line, or in the environment; nothing: it was not said.
struct LogFlags {
  std::optional<LogLevel> level;
  std::optional<LogFormat> format;
};

// A program's log: its writer, its logger, and who decides about it. A level that was set at run time comes first,
// until the configuration asks for another one; then flags, then the configuration, then info and text.
class LogControl {
 public:
  // `program` stands in every line. `node` may be empty.
  LogControl(const Clock& clock, std::string program, std::string node, LogFlags flags, int fallback_fd = 2);

  Logger& logger() { return logger_; }
  const LogWriter& writer() const { return writer_; }
  // All of these: any thread.
  void Apply(const LogSettings& settings);
  void SetLevel(std::optional<LogLevel> level);
  void Reopen() { writer_.Reopen(); }
  // What others wait for: to stderr in any case, whatever the level, and to the file if there is one.
  void Announce(std::string_view message);

  struct State {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
    std::string file;              // empty: stderr
    LogBodies bodies = LogBodies::kOff;
    std::string_view level_from;   // "request", "flag", "configuration", "default"
  };
  State state() const;

  // The path that `file` of a configuration means here.
  std::string PathOf(std::string_view file) const;

 private:
  void Decide();  // with the lock

  const Clock& clock_;
  const int fallback_fd_;
  const std::string program_;
  const std::string node_;
  const LogFlags flags_;
  mutable std::mutex mutex_;
  LogSettings settings_;
  std::optional<LogLevel> asked_level_;
  Logger logger_;
  LogWriter writer_;  // last: its thread ends before the logger that it complains through
};

// GET `path`: the log's state as JSON. PUT `path`?level=debug: sets the level until the configuration changes it;
// level=default gives it back to flags and configuration. `log` outlives the router.
void AddLogRoutes(Router& router, const std::string& path, LogControl& log);

}  // namespace chain429
