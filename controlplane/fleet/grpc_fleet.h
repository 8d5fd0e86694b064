#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "chain429/v1/fleet.grpc.pb.h"
#include "common/base/log.h"
#include "controlplane/fleet/fleet_thread.h"
#include "controlplane/fleet/registry.h"

namespace chain429 {

// The Fleet service over gRPC: decodes on gRPC's threads, and posts to the fleet's. `thread` and `registry` outlive the
// server that it is registered with.
class GrpcFleet final : public v1::Fleet::CallbackService {
 public:
  GrpcFleet(FleetThread& thread, Registry& registry, const Logger& log)
      : thread_(thread), registry_(registry), log_(log) {}

  grpc::ServerBidiReactor<v1::PermitsUp, v1::PermitsDown>* Permits(grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::SyncUp, v1::SyncDown>* Sync(grpc::CallbackServerContext* context) override;

 private:
  FleetThread& thread_;
  Registry& registry_;
  const Logger& log_;
};

}  // namespace chain429
