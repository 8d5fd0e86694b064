#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "tests/sim/scenario.h"

namespace chain429::sim {

// The command line as a scenario. An exit code instead when there is nothing to run (--help, or a mistake that has been
// printed).
struct CommandLine {
  std::optional<Scenario> scenario;
  int exit_code = 0;
};
CommandLine ReadCommandLine(int argc, char** argv);

}  // namespace chain429::sim
