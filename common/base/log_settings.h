#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain429 {

enum class LogLevel : int { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };
// Whether requests are logged with what was said in them.
enum class LogBodies : uint8_t { kOff, kErrors, kAll };

constexpr std::string_view LogLevelName(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<int>(level)];
}
constexpr std::optional<LogLevel> LogLevelFrom(std::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (LogLevelName(level) == name) return level;
  }
  return std::nullopt;
}
constexpr std::string_view LogFormatName(LogFormat format) { return format == LogFormat::kJson ? "json" : "text"; }
constexpr std::optional<LogFormat> LogFormatFrom(std::string_view name) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    if (LogFormatName(format) == name) return format;
  }
  return std::nullopt;
}
constexpr std::string_view LogBodiesName(LogBodies bodies) {
  constexpr std::string_view kNames[] = {"off", "errors", "all"};
  return kNames[static_cast<size_t>(bodies)];
}

// What a configuration says about logs. What it leaves out stays as the program was started.
struct LogSettings {
  std::optional<LogLevel> level;
  std::optional<LogFormat> format;
  std::string file;  // empty: stderr. May contain {program} and {node}
  int64_t rotate_mb = 100;
  int64_t keep = 5;  // rotated files beside the one that is written
  LogBodies bodies = LogBodies::kOff;
  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

}  // namespace chain429
