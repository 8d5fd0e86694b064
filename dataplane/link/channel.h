#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/status/statusor.h"
#include "dataplane/link/grpc_link.h"

namespace chain429 {

// What a link speaks with to addresses that are no Unix sockets; reads the files of `options.tls`.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LinkCredentials(const GrpcLink::Options& options);

// A connection of its own to `address`: no state or back-off of an earlier one is shared, because the link does its
// own.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                           const GrpcLink::Options& options);

}  // namespace chain429
