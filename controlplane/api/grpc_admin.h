#pragma once

#include "chain429/v1/admin.grpc.pb.h"
#include "controlplane/api/admin_service.h"

namespace chain429 {

// The Admin service over gRPC, on gRPC's own threads.
class GrpcAdmin final : public v1::Admin::Service {
 public:
  explicit GrpcAdmin(AdminService& service) : service_(service) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override;
  grpc::Status ValidateConfig(grpc::ServerContext* context, const v1::ValidateConfigRequest* request,
                              v1::ValidateConfigResponse* response) override;
  grpc::Status ApplyConfig(grpc::ServerContext* context, const v1::ApplyConfigRequest* request,
                           v1::ApplyConfigResponse* response) override;
  grpc::Status GetConfig(grpc::ServerContext* context, const v1::GetConfigRequest* request,
                         v1::GetConfigResponse* response) override;
  grpc::Status GetSnapshot(grpc::ServerContext* context, const v1::GetSnapshotRequest* request,
                           v1::GetSnapshotResponse* response) override;
  grpc::Status ListPools(grpc::ServerContext* context, const v1::ListPoolsRequest* request,
                         v1::ListPoolsResponse* response) override;
  grpc::Status ListProxies(grpc::ServerContext* context, const v1::ListProxiesRequest* request,
                           v1::ListProxiesResponse* response) override;
  grpc::Status ClearCooldown(grpc::ServerContext* context, const v1::ClearCooldownRequest* request,
                             v1::ClearCooldownResponse* response) override;

 private:
  AdminService& service_;
};

}  // namespace chain429
