#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "chain429/v1/admin.grpc.pb.h"

namespace chain429 {

// A control plane that answers as it is told, on a free port of the loopback or on a Unix socket.
class FakeAdmin final : public v1::Admin::Service {
 public:
  explicit FakeAdmin(const std::string& listen = "127.0.0.1:0");
  ~FakeAdmin() override;

  const std::string& address() const { return address_; }

  // Of every call, when it is not OK.
  grpc::Status status;
  v1::GetStatusResponse get_status;
  v1::ApplyConfigResponse apply;
  v1::GetConfigResponse get_config;
  v1::GetSnapshotResponse snapshot;
  v1::ListPoolsResponse pools;
  v1::ListProxiesResponse proxies;
  v1::ClearCooldownResponse clear;
  // What was asked last.
  v1::ApplyConfigRequest applied;
  std::string asked;

 private:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse* response) override;
  grpc::Status ApplyConfig(grpc::ServerContext*, const v1::ApplyConfigRequest* request,
                           v1::ApplyConfigResponse* response) override;
  grpc::Status GetConfig(grpc::ServerContext*, const v1::GetConfigRequest*, v1::GetConfigResponse* response) override;
  grpc::Status GetSnapshot(grpc::ServerContext*, const v1::GetSnapshotRequest*,
                           v1::GetSnapshotResponse* response) override;
  grpc::Status ListPools(grpc::ServerContext*, const v1::ListPoolsRequest* request,
                         v1::ListPoolsResponse* response) override;
  grpc::Status ListProxies(grpc::ServerContext*, const v1::ListProxiesRequest*,
                           v1::ListProxiesResponse* response) override;
  grpc::Status ClearCooldown(grpc::ServerContext*, const v1::ClearCooldownRequest* request,
                             v1::ClearCooldownResponse* response) override;

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace chain429
