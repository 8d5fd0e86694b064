#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace chain429::dst {

struct ReportOptions {
  uint64_t seeds = 1;
  uint64_t first_seed = 1;
  std::vector<std::string> scenarios;  // empty: all
  absl::Duration length = absl::ZeroDuration();  // 0: each scenario's own
  bool rows = false;                   // not the worlds that seeds make up
  bool list = false;
  bool trace = false;
};

// Runs and tells. Gives what the program ends with.
int Report(const ReportOptions& options);

}  // namespace chain429::dst
