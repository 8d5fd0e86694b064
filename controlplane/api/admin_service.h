#pragma once

#include <functional>
#include <string>

#include "chain429/v1/admin.pb.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/io/log_control.h"
#include "common/io/loop.h"
#include "controlplane/api/control_counters.h"
#include "controlplane/fleet/fleet_thread.h"
#include "controlplane/fleet/registry.h"
#include "controlplane/revisions/config_source.h"

namespace chain429 {

// What people and programs may ask of the control plane; gRPC and REST are thin over this. Any thread but the fleet's
// and gRPC's callbacks: each call visits the configuration's loop or the fleet's thread, and waits for it.
class AdminService {
 public:
  struct Parts {
    Loop* config_loop;             // owns `config`
    ConfigSource* config;
    const Catalogue* catalogue;
    FleetThread* fleet;            // owns `registry`
    Registry* registry;
    const Clock* clock;
    // Called on the config loop after a load: publishes what is new and logs.
    std::function<void(const LoadReport&)> on_load;
    const ControlCounters* counters = nullptr;  // null: not shown
    const LogControl* log = nullptr;            // likewise
  };
  explicit AdminService(Parts parts) : parts_(std::move(parts)), started_(parts_.clock->Read().mono) {}

  v1::GetStatusResponse GetStatus();
  v1::ValidateConfigResponse Validate(const v1::ValidateConfigRequest& request);
  v1::ApplyConfigResponse Apply(const v1::ApplyConfigRequest& request);
  v1::GetConfigResponse GetConfig();
  v1::GetSnapshotResponse GetSnapshot();
  v1::ListPoolsResponse ListPools(const std::string& prefix);
  v1::ListProxiesResponse ListProxies();
  // False: there is no such pool.
  bool ClearCooldown(const std::string& pool_key, v1::ClearCooldownResponse& response);
  // Prometheus' text format.
  std::string Metrics();

 private:
  Parts parts_;
  const MonoTime started_;
};

}  // namespace chain429
