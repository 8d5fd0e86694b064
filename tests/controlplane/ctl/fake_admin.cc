#include "tests/controlplane/ctl/fake_admin.h"

#include <gtest/gtest.h>

namespace chain429 {

FakeAdmin::FakeAdmin(const std::string& listen) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
  address_ = listen.starts_with("unix:") ? listen : "127.0.0.1:" + std::to_string(port);
}

FakeAdmin::~FakeAdmin() { server_->Shutdown(); }

grpc::Status FakeAdmin::GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse* response) {
  *response = get_status;
  return status;
}

grpc::Status FakeAdmin::ApplyConfig(grpc::ServerContext*, const v1::ApplyConfigRequest* request,
                                    v1::ApplyConfigResponse* response) {
  applied = *request;
  *response = apply;
  return status;
}

grpc::Status FakeAdmin::GetConfig(grpc::ServerContext*, const v1::GetConfigRequest*, v1::GetConfigResponse* response) {
  *response = get_config;
  return status;
}

grpc::Status FakeAdmin::GetSnapshot(grpc::ServerContext*, const v1::GetSnapshotRequest*,
                                    v1::GetSnapshotResponse* response) {
  *response = snapshot;
  return status;
}

grpc::Status FakeAdmin::ListPools(grpc::ServerContext*, const v1::ListPoolsRequest* request,
                                  v1::ListPoolsResponse* response) {
  asked = request->prefix();
  *response = pools;
  return status;
}

grpc::Status FakeAdmin::ListProxies(grpc::ServerContext*, const v1::ListProxiesRequest*,
                                    v1::ListProxiesResponse* response) {
  *response = proxies;
  return status;
}

grpc::Status FakeAdmin::ClearCooldown(grpc::ServerContext*, const v1::ClearCooldownRequest* request,
                                      v1::ClearCooldownResponse* response) {
  asked = request->pool_key();
  *response = clear;
  return status;
}

}  // namespace chain429
