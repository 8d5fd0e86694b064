#pragma once

#include <string>

#include "absl/time/time.h"
#include "controlplane/ctl/context.h"
#include "controlplane/ctl/init/init_report.h"

namespace chain429 {

struct InitOptions {
  std::string file = "429chain.yaml";
  bool force = false;  // replaces a file that is there
  bool print = false;  // shows the configuration and writes nothing
  bool no_probe = false;  // looks for no local servers
};

// Long for a server on this host, short for whoever waits.
inline constexpr absl::Duration kProbeTimeout = absl::Milliseconds(700);

// Writes a first configuration from the API keys in the environment and the servers on this host. Returns the exit
// code.
int RunInit(const CommandContext& context, const InitOptions& options);

}  // namespace chain429
