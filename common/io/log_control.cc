#include "common/io/log_control.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

HttpResponse Show(const LogControl& log) {
  const LogControl::State state = log.state();
  std::string body =
      absl::StrCat(R"({"level":")", ToAbsl(LogLevelName(state.level)), R"(","level_from":")", ToAbsl(state.level_from),
                   R"(","format":")", ToAbsl(LogFormatName(state.format)), R"(","file":)");
  if (state.file.empty()) {
    body.append("null");
  } else {
    body.push_back('"');
    AppendJsonEscaped(body, state.file);
    body.push_back('"');
  }
  absl::StrAppend(&body, R"(,"bodies":")", ToAbsl(LogBodiesName(state.bodies)), R"(","lines_written":)",
                  log.writer().written(), R"(,"lines_dropped":)", log.writer().dropped(), "}\n");
  return JsonResponse(std::move(body));
}

HttpResponse Change(LogControl& log, const HttpRequest& request) {
  if (IsCrossSite(request)) return ErrorResponse(403, "refused: sent by a web page of another origin", "cross_site");
  const std::string_view word = request.Query("level").value_or("");
  const std::optional<LogLevel> level = LogLevelFrom(word);
  if (!level && word != "default")
    return ErrorResponse(400, "say ?level=debug, info, warning, error, or default for what is configured", "bad_level");
  log.SetLevel(level);
  log.logger().Info("log level set by request", {{"level", LogLevelName(log.state().level)}});
  return Show(log);
}

}  // namespace

LogControl::LogControl(const Clock& clock, std::string program, std::string node, LogFlags flags, int fallback_fd)
    : clock_(clock),
      fallback_fd_(fallback_fd),
      program_(std::move(program)),
      node_(std::move(node)),
      flags_(flags),
      logger_(clock, program_, LogLevel::kInfo, LogFormat::kText, writer_),
      writer_(fallback_fd) {
  writer_.set_trouble([this](std::string_view message, std::initializer_list<LogField> fields) {
    logger_.Log(LogLevel::kError, message, fields);
  });
  const std::lock_guard lock(mutex_);
  Decide();
}

void LogControl::Apply(const LogSettings& settings) {
  const std::lock_guard lock(mutex_);
  if (settings == settings_) return;
  const auto place = [](const LogSettings& s) { return std::tie(s.file, s.rotate_mb, s.keep); };
  const LogFormat before = logger_.format();
  const bool moved = place(settings) != place(settings_);
  if (settings.level != settings_.level) asked_level_ = std::nullopt;
  settings_ = settings;
  Decide();
  if (!moved && logger_.format() == before) return;
  std::optional<RotatingFile::Options> file;
  if (!settings.file.empty()) file = {PathOf(settings.file), settings.rotate_mb << 20, settings.keep};
  writer_.SetFile(std::move(file), logger_.format());
}

void LogControl::SetLevel(std::optional<LogLevel> level) {
  const std::lock_guard lock(mutex_);
  asked_level_ = level;
  Decide();
}

void LogControl::Decide() {
  logger_.set_level(asked_level_      ? *asked_level_
                    : flags_.level    ? *flags_.level
                    : settings_.level ? *settings_.level
                                      : LogLevel::kInfo);
  logger_.set_format(flags_.format ? *flags_.format : settings_.format.value_or(LogFormat::kText));
}

LogControl::State LogControl::state() const {
  const std::lock_guard lock(mutex_);
  return {logger_.level(), logger_.format(), settings_.file.empty() ? std::string() : PathOf(settings_.file),
          settings_.bodies,
          asked_level_      ? "request"
          : flags_.level    ? "flag"
          : settings_.level ? "configuration"
                            : "default"};
}

void LogControl::Announce(std::string_view message) {
  LogTime time;
  std::string text;
  const LogFormat format = logger_.format();
  LogLine(text, format, time.Format(clock_.Read().wall), LogLevel::kInfo, program_, message).End();
  [[maybe_unused]] const ssize_t written = write(fallback_fd_, text.data(), text.size());
  if (!state().file.empty()) logger_.Write(std::move(text), 1, format);
}

std::string LogControl::PathOf(std::string_view file) const {
  // A node's name may have slashes; it names a file here, not a folder.
  std::string node = node_;
  std::replace(node.begin(), node.end(), '/', '_');
  return absl::StrReplaceAll(ToAbsl(file), {{"{program}", program_}, {"{node}", node.empty() ? program_ : node}});
}

void AddLogRoutes(Router& router, const std::string& path, LogControl& log) {
  router.Add("GET", path, [&log](const HttpRequest&) { return Show(log); });
  router.Add("PUT", path, [&log](const HttpRequest& request) { return Change(log, request); });
}

}  // namespace chain429
