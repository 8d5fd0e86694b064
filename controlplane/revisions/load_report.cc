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
    return;
  }
  for (const std::string& change : report.changes)
    log.Info("configuration change", {{"change", std::string_view(change)}});
  log.Info(report.changed ? "configuration taken" : "configuration unchanged",
           {{"file", std::string_view(report.file)}, {"version", version}});
}

}  // namespace chain429
