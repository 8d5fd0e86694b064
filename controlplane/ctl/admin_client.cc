#include "controlplane/ctl/admin_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "chain429/v1/admin.grpc.pb.h"
#include "common/base/text.h"
#include "common/io/address.h"

namespace chain429 {
namespace {

// A configuration may have 1 MiB, and a large fleet's pools more than gRPC's usual 4 MB.
constexpr int kMaxMessageBytes = 64 << 20;

absl::Status ToStatus(const grpc::Status& status, const std::string& address) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return absl::UnavailableError(
          absl::StrCat("cannot reach the control plane at ", address, ": ", status.error_message(),
                       "\nIs it running? `429ctl up` starts both planes here; --control ADDR:PORT, "
                       "CHAIN429_CONTROL or `429ctl context set` names another."));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::UnavailableError(absl::StrCat("the control plane at ", address, " did not answer in time"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(absl::StrCat(
          "what answers at ", address, " does not know this call: an older control plane, or another gRPC server"));
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
}

}  // namespace

struct AdminClient::Connection {
  std::string address;
  absl::Status unusable;
  absl::Duration timeout;
  std::unique_ptr<v1::Admin::Stub> stub;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                        Response*),
                                const Request& request) {
    if (!unusable.ok()) return unusable;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return ToStatus(status, address);
    return response;
  }
};

AdminClient::AdminClient(std::string address, const std::optional<PemPaths>& tls, absl::Duration timeout)
    : connection_(std::make_unique<Connection>()) {
  const absl::StatusOr<SocketAddress> parsed = ParseSocketAddress(address);
  if (!parsed.ok() && !address.starts_with("unix:")) {
    connection_->unusable = absl::InvalidArgumentError(absl::StrCat("--control: ", parsed.status().message()));
    return;
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // Between hosts that have an HTTP proxy in their environment, the control plane is still called directly.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (tls && parsed.ok()) {
    absl::StatusOr<PemTexts> texts = ReadPem(*tls);
    if (!texts.ok()) {
      connection_->unusable = absl::InvalidArgumentError(texts.status().message());
      return;
    }
    credentials = grpc::SslCredentials({std::move(texts->ca), std::move(texts->key), std::move(texts->cert)});
  }
  connection_->stub = v1::Admin::NewStub(grpc::CreateCustomChannel(address, credentials, arguments));
  connection_->address = std::move(address);
  connection_->timeout = timeout;
}

AdminClient::~AdminClient() = default;

absl::StatusOr<v1::GetStatusResponse> AdminClient::GetStatus() {
  return connection_->Call(&v1::Admin::Stub::GetStatus, v1::GetStatusRequest());
}

absl::StatusOr<v1::ApplyConfigResponse> AdminClient::ApplyConfig(const v1::ApplyConfigRequest& request) {
  return connection_->Call(&v1::Admin::Stub::ApplyConfig, request);
}

absl::StatusOr<v1::GetConfigResponse> AdminClient::GetConfig() {
  return connection_->Call(&v1::Admin::Stub::GetConfig, v1::GetConfigRequest());
}

absl::StatusOr<v1::GetSnapshotResponse> AdminClient::GetSnapshot() {
  return connection_->Call(&v1::Admin::Stub::GetSnapshot, v1::GetSnapshotRequest());
}

absl::StatusOr<v1::ListPoolsResponse> AdminClient::ListPools(const std::string& prefix) {
  v1::ListPoolsRequest request;
  request.set_prefix(prefix);
  return connection_->Call(&v1::Admin::Stub::ListPools, request);
}

absl::StatusOr<v1::ListProxiesResponse> AdminClient::ListProxies() {
  return connection_->Call(&v1::Admin::Stub::ListProxies, v1::ListProxiesRequest());
}

absl::StatusOr<v1::ClearCooldownResponse> AdminClient::ClearCooldown(const std::string& pool_key) {
  v1::ClearCooldownRequest request;
  request.set_pool_key(pool_key);
  return connection_->Call(&v1::Admin::Stub::ClearCooldown, request);
}

}  // namespace chain429
