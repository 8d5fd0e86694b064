#pragma once

#include <string>

#include "absl/status/status.h"
#include "controlplane/ctl/context.h"

namespace chain429 {

// The commands of 429ctl but for `up`. Each writes to the context's streams and returns the exit code.

// Checks a configuration without any control plane. "-": standard input.
int RunValidate(const CommandContext& context, const std::string& file);

// Applies a configuration as a whole, or shows every reason why not.
int RunApply(const CommandContext& context, const std::string& file, const std::string& comment);

// Prints the configuration that serves, as it was written.
int RunGetConfig(const CommandContext& context);

// Writes what a proxy can start with while the control plane is away: to `out`, readable by its owner alone, or, where
// that is empty or "-", to the context's stream.
int RunSnapshot(const CommandContext& context, const std::string& out);

int RunStatus(const CommandContext& context);
int RunChains(const CommandContext& context);
// `all`: also pools that are open and have no limit, which the text leaves out.
int RunPools(const CommandContext& context, const std::string& prefix, bool all);
int RunProxies(const CommandContext& context);

// Opens a closed pool by hand.
int RunClear(const CommandContext& context, const std::string& pool_key);

int RunVersion(const CommandContext& context);

// Says on the context's error stream what went wrong, and returns the exit code that goes with it.
int ReportFailure(const CommandContext& context, const absl::Status& status);

}  // namespace chain429
