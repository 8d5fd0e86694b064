#include "tests/dst/report.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/dst/scenario.h"

namespace chain429::dst {
namespace {

// What is to be shown of one scenario over all its seeds: the worst of each finding.
struct Row {
  const Scenario* scenario = nullptr;
  uint64_t runs = 0;
  uint64_t failed = 0;
  std::vector<Finding> worst;
  uint64_t events = 0;
};

std::string ReplayCommand(const Scenario& scenario, const RunOptions& options) {
  std::string command =
      absl::StrCat("./dev simulate --seeds 1 --first-seed ", options.seed, " --scenario ", scenario.name);
  if (options.length != scenario.length) absl::StrAppend(&command, " --hours ", absl::ToDoubleHours(options.length));
  return command;
}

void Progress(const std::string& text) {
  static const bool terminal = isatty(2) != 0;
  if (terminal) std::fprintf(stderr, "\r%-78s\r", text.c_str());
}

void TellFailure(const Scenario& scenario, const RunOptions& options, const Outcome& outcome) {
  Progress("");
  std::printf("%s %s from seed %llu\n", NotReached(scenario.name) ? "not reached yet:" : "FAILED",
              scenario.name.c_str(), static_cast<unsigned long long>(options.seed));
  if (!outcome.broken.empty()) std::printf("    %s\n", outcome.broken.c_str());
  for (const Finding& finding : outcome.findings) {
    if (!finding.ok) std::printf("    must: %s; reached: %s\n", finding.must.c_str(), finding.reached.c_str());
  }
  std::printf("    again: %s\n", ReplayCommand(scenario, options).c_str());
  std::fflush(stdout);
}

void Keep(Row& row, const Outcome& outcome) {
  ++row.runs;
  row.events += outcome.events;
  if (!outcome.ok()) ++row.failed;
  if (row.worst.empty()) row.worst = outcome.findings;
  for (size_t i = 0; i < outcome.findings.size() && i < row.worst.size(); ++i) {
    if (row.worst[i].ok && !outcome.findings[i].ok) row.worst[i] = outcome.findings[i];
  }
}

void TellTable(const std::vector<Row>& rows, double seconds) {
  std::printf("\n%-7s %-44s %s\n", "row", "must reach", "reached");
  uint64_t runs = 0;
  uint64_t failed = 0;
  uint64_t events = 0;
  for (const Row& row : rows) {
    runs += row.runs;
    events += row.events;
    const bool counts = !NotReached(row.scenario->name);
    if (counts) failed += row.failed;
    std::printf("%-7s %s%s\n", row.scenario->name.c_str(), row.scenario->title.c_str(),
                counts ? "" : "  [not reached yet: does not count]");
    for (const Finding& finding : row.worst) {
      std::printf("        %-44s %s%s\n", finding.must.c_str(), finding.reached.c_str(),
                  finding.ok ? "" : "  <- missed");
    }
    if (row.failed > 0)
      std::printf("        %llu of %llu runs failed\n", static_cast<unsigned long long>(row.failed),
                  static_cast<unsigned long long>(row.runs));
  }
  std::printf("%llu runs, %llu events in %.1f s; %llu failed\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(events), seconds, static_cast<unsigned long long>(failed));
}

}  // namespace

int Report(const ReportOptions& options) {
  if (options.list) {
    for (const Scenario& scenario : Scenarios()) {
      std::printf("%-7s %s, %s%s\n", scenario.name.c_str(), scenario.title.c_str(),
                  absl::FormatDuration(scenario.length).c_str(), NotReached(scenario.name) ? " (not reached yet)" : "");
    }
    return 0;
  }
  std::vector<const Scenario*> chosen;
  for (const std::string& name : options.scenarios) chosen.push_back(FindScenario(name));
  if (chosen.empty()) {
    for (const Scenario& scenario : Scenarios()) {
      if (!options.rows || scenario.name != "fuzz") chosen.push_back(&scenario);
    }
  }
  const auto begun = std::chrono::steady_clock::now();
  std::vector<Row> rows;
  bool failed = false;
  for (const Scenario* scenario : chosen) {
    Row& row = rows.emplace_back();
    row.scenario = scenario;
    for (uint64_t i = 0; i < options.seeds; ++i) {
      const RunOptions run{.seed = options.first_seed + i,
                           .length = options.length > absl::ZeroDuration() ? options.length : scenario->length,
                           .trace = options.trace};
      Progress(absl::StrCat("[", i + 1, "/", options.seeds, "] ", scenario->name, " from seed ", run.seed));
      const Outcome outcome = scenario->run(run);
      Keep(row, outcome);
      if (outcome.ok()) continue;
      TellFailure(*scenario, run, outcome);
      failed = failed || !NotReached(scenario->name);
    }
  }
  Progress("");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  TellTable(rows, took.count());
  return failed ? 1 : 0;
}

}  // namespace chain429::dst
