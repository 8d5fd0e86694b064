#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chain429/v1/admin.pb.h"
#include "common/io/pem_files.h"

namespace chain429 {

// The control plane's Admin service, one blocking call each. Errors say what to do; kUnavailable: nobody answers there.
class AdminClient {
 public:
  // `address`: ADDR:PORT or unix:PATH. `tls`: mutual TLS, but for Unix sockets. Connects with the first call.
  explicit AdminClient(std::string address, const std::optional<PemPaths>& tls = {},
                       absl::Duration timeout = absl::Seconds(10));
  ~AdminClient();

  absl::StatusOr<v1::GetStatusResponse> GetStatus();
  absl::StatusOr<v1::ApplyConfigResponse> ApplyConfig(const v1::ApplyConfigRequest& request);
  absl::StatusOr<v1::GetConfigResponse> GetConfig();
  absl::StatusOr<v1::GetSnapshotResponse> GetSnapshot();
  absl::StatusOr<v1::ListPoolsResponse> ListPools(const std::string& prefix);
  absl::StatusOr<v1::ListProxiesResponse> ListProxies();
  absl::StatusOr<v1::ClearCooldownResponse> ClearCooldown(const std::string& pool_key);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace chain429
