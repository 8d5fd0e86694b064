#pragma once

#include <string>

#include "common/io/address.h"
#include "controlplane/ctl/context.h"

namespace chain429 {

struct UpOptions {
  bool demo = false;
  bool no_traffic = false;
  bool insecure_listen = false;
  std::string state;   // folder; empty: the usual one
  std::string config;  // empty: by the keys in the environment, else the demo
  std::string listen = "127.0.0.1:4290";
  std::string admin = "127.0.0.1:4291";
  std::string grpc_listen = "127.0.0.1:4292";
  std::string http_listen = "127.0.0.1:4293";
  int workers = 0;     // 0: the proxy's own choice
  std::string called_as = "429ctl";  // argv[0]
};

// Runs both planes here, in the foreground, until a signal or until one of them dies. Returns the exit code: 0 after a
// signal.
int RunUp(const CommandContext& context, const UpOptions& options);

}  // namespace chain429
