#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace chain429::dst {

// One thing that a scenario must reach, and what it reached.
struct Finding {
  std::string must;
  std::string reached;
  bool ok = false;
};

struct Outcome {
  std::string broken;  // the invariant, with the virtual time; empty: all held
  std::vector<Finding> findings;
  uint64_t events = 0;
  bool ok() const;
};

struct RunOptions {
  uint64_t seed = 1;
  absl::Duration length = absl::ZeroDuration();  // of virtual time; 0: the scenario's own
  bool trace = false;
};

struct Scenario {
  std::string name;   // as --scenario takes it
  std::string title;
  absl::Duration length;
  std::function<Outcome(const RunOptions&)> run;
};

// All of them, in the order of their rows; "fuzz", a world made up by the seed, is the last.
const std::vector<Scenario>& Scenarios();
const Scenario* FindScenario(const std::string& name);
// Rows that do not reach what they must yet: only told.
bool NotReached(const std::string& name);

// The rows.
Outcome FirstContact(const RunOptions& options);
Outcome FirstContactSilent(const RunOptions& options);
Outcome Sliding(const RunOptions& options);
Outcome Midnight(const RunOptions& options);
Outcome TokensUpFront(const RunOptions& options);
Outcome TokensOnUse(const RunOptions& options);
Outcome LateHeads(const RunOptions& options);
Outcome Stranger(const RunOptions& options);
Outcome StrangerSilent(const RunOptions& options);
Outcome StoppedProxies(const RunOptions& options);
Outcome WrongClocksSliding(const RunOptions& options);
Outcome WrongClocksMidnight(const RunOptions& options);
Outcome LossyLinks(const RunOptions& options);
Outcome ChangingLimits(const RunOptions& options);
Outcome ChangingLimitsSilent(const RunOptions& options);
Outcome NoHeaders(const RunOptions& options);
Outcome LongStreamsPerMinute(const RunOptions& options);
Outcome LongStreamsAtOnce(const RunOptions& options);
Outcome Fuzz(const RunOptions& options);

}  // namespace chain429::dst
