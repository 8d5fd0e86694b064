#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/io/address.h"
#include "controlplane/ctl/up/key_config.h"
#include "controlplane/ctl/up/up.h"

namespace chain429 {

// The programs that `up` starts, by path.
struct Programs {
  std::string control;
  std::string proxy;
  std::string simulator;  // only where the demo needs it
};

// What is to be started, decided before anything is.
struct UpPlan {
  Programs programs;
  bool demo = false;
  std::string config;       // the file; of the demo: written once the simulator has its ports
  std::string chain;        // that the banner's examples call
  std::string client_key_variable;
  std::string note;         // where the configuration comes from; may be empty
  SocketAddress listen;
  SocketAddress admin;
  SocketAddress grpc;
  SocketAddress http;
};

// The environment as `plan` sees it.
struct UpEnvironment {
  HasVariable has_variable;
  std::string program_folder;  // where this program is
  std::string state_folder;    // where a configuration for the keys found is kept
};
UpEnvironment SystemUpEnvironment();

// Finds the programs, checks the ports, picks or writes the configuration and checks it. The error says what to do.
absl::StatusOr<UpPlan> MakePlan(const UpOptions& options, const UpEnvironment& environment);

}  // namespace chain429
