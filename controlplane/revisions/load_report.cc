#include "controlplane/revisions/load_report.h"

#include <string>

namespace chain429 {

void LogLoad(const LoadReport& report, const Logger& log) {
  const int64_t version = static_cast<int64_t>(report.version.value());
  for (const ConfigProblem& problem : report.problems) {
    const LogLevel level = problem.severity == Severity::kError ? LogLevel::kError : LogLevel::kWarning;
    log.Log(level, FormatProblem(report.file, problem));
  }
  if (!report.accepted) {
    log.Error("configuration refused; the one before stays",
              {{"file", std::string_view(report.file)}, {"version", version}});
    if (report.changed) log.Info("changed secrets taken for the configuration that serves", {{"version", version}});
    return;
  }
  if (report.replaces_applied) {
    log.Warning("the file has changed: it replaces the configuration that was applied over it",
                {{"file", std::string_view(report.file)}});
  }
  for (const std::string& change : report.changes)
    log.Info("configuration change", {{"change", std::string_view(change)}});
  const char* what = report.changed ? "configuration taken" : "configuration unchanged";
  if (report.comment.empty()) {
    log.Info(what, {{"file", std::string_view(report.file)}, {"version", version}});
  } else {
    log.Info(
        what,
        {{"file", std::string_view(report.file)}, {"version", version}, {"comment", std::string_view(report.comment)}});
  }
}

}  // namespace chain429
