#include "dataplane/link/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "common/base/status_macros.h"

namespace chain429 {
namespace {

// Snapshots come in pieces below 1 MB; the rest is room for messages of later releases.
constexpr int kMaxMessageBytes = 16 << 20;

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LinkCredentials(const GrpcLink::Options& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  ASSIGN_OR_RETURN(PemTexts texts, ReadPem(*options.tls));
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = std::move(texts.ca);
  ssl.pem_cert_chain = std::move(texts.cert);
  ssl.pem_private_key = std::move(texts.key);
  return grpc::SslCredentials(ssl);
}

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                           const GrpcLink::Options& options) {
  const int interval_ms = static_cast<int>(absl::ToInt64Milliseconds(options.keepalive_interval));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, interval_ms);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive_timeout)));
  arguments.SetInt(GRPC_ARG_HTTP2_MIN_SENT_PING_INTERVAL_WITHOUT_DATA_MS, interval_ms);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // http_proxy is meant for the providers; the planes speak to each other directly.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  const bool is_unix = address.rfind("unix:", 0) == 0;
  return grpc::CreateCustomChannel(address, is_unix ? grpc::InsecureChannelCredentials() : credentials, arguments);
}

}  // namespace chain429
