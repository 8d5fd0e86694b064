#include "controlplane/api/grpc_admin.h"

#include "absl/strings/str_cat.h"

namespace chain429 {

grpc::Status GrpcAdmin::GetStatus(grpc::ServerContext* /*context*/, const v1::GetStatusRequest* /*request*/,
                                  v1::GetStatusResponse* response) {
  *response = service_.GetStatus();
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::ValidateConfig(grpc::ServerContext* /*context*/, const v1::ValidateConfigRequest* request,
                                       v1::ValidateConfigResponse* response) {
  *response = service_.Validate(*request);
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::ApplyConfig(grpc::ServerContext* /*context*/, const v1::ApplyConfigRequest* request,
                                    v1::ApplyConfigResponse* response) {
  *response = service_.Apply(*request);
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::GetConfig(grpc::ServerContext* /*context*/, const v1::GetConfigRequest* /*request*/,
                                  v1::GetConfigResponse* response) {
  *response = service_.GetConfig();
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::GetSnapshot(grpc::ServerContext* /*context*/, const v1::GetSnapshotRequest* /*request*/,
                                    v1::GetSnapshotResponse* response) {
  *response = service_.GetSnapshot();
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::ListPools(grpc::ServerContext* /*context*/, const v1::ListPoolsRequest* request,
                                  v1::ListPoolsResponse* response) {
  *response = service_.ListPools(request->prefix());
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::ListProxies(grpc::ServerContext* /*context*/, const v1::ListProxiesRequest* /*request*/,
                                    v1::ListProxiesResponse* response) {
  *response = service_.ListProxies();
  return grpc::Status::OK;
}

grpc::Status GrpcAdmin::ClearCooldown(grpc::ServerContext* /*context*/, const v1::ClearCooldownRequest* request,
                                      v1::ClearCooldownResponse* response) {
  if (service_.ClearCooldown(request->pool_key(), *response)) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::NOT_FOUND,
                      absl::StrCat("there is no pool \"", request->pool_key(), "\"; `429ctl pools` lists them"));
}

}  // namespace chain429
