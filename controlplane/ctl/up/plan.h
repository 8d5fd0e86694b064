#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/address.h"
#include "controlplane/ctl/init/found_keys.h"
#include "controlplane/ctl/init/free_tier.h"
#include "controlplane/ctl/init/local_servers.h"
#include "controlplane/ctl/up/state_folder.h"
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
  std::vector<std::string> chains;  // all of them
  std::vector<std::string> key_variables;  // of the providers that give something for nothing
  std::vector<FreeTier> tiers;      // what the configured providers give for nothing
  std::string client_key_variable;
  std::vector<std::string> notes;   // where the configuration comes from, and what else is worth knowing
  std::shared_ptr<StateFolder> state;  // null: the demo, or no such folder can be had
  std::string store;        // of the control plane; empty: its own choice
  SocketAddress listen;
  SocketAddress admin;
  SocketAddress grpc;
  SocketAddress http;
};

// The environment as `plan` sees it.
struct UpEnvironment {
  HasVariable has_variable;
  std::string program_folder;  // where this program is
  std::string state_folder;    // unless --state says otherwise
  std::function<std::vector<LocalServer>(const Catalogue&)> find_servers;
};
UpEnvironment SystemUpEnvironment();

// Finds the programs, checks the ports, picks or writes the configuration and checks it. The error says what to do.
absl::StatusOr<UpPlan> MakePlan(const UpOptions& options, const UpEnvironment& environment);

}  // namespace chain429
