#include "controlplane/fleet/grpc_fleet.h"

#include <functional>
#include <string>
#include <utility>

#include "common/base/text.h"
#include "common/wire/fleet_wire.h"
#include "controlplane/fleet/server_stream.h"

namespace chain429 {
namespace {

using PermitsStream = ServerStream<v1::PermitsUp, v1::PermitsDown>;
using SyncStream = ServerStream<v1::SyncUp, v1::SyncDown>;

void EndRefused(const Logger& log, const char* stream, const absl::Status& status,
                const std::function<void(grpc::Status)>& end) {
  const std::string why(FromAbsl(status.message()));
  log.Warning("refused a proxy's message", {{"stream", stream}, {"why", why}});
  const bool full = absl::IsResourceExhausted(status);
  end(grpc::Status(full ? grpc::StatusCode::RESOURCE_EXHAUSTED : grpc::StatusCode::INVALID_ARGUMENT, why));
}

}  // namespace

bool IsTrustedPeer(const grpc::CallbackServerContext& context) {
  const std::string peer = context.peer();
  if (peer.starts_with("unix:") || peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:[::1]") ||
      peer.starts_with("ipv6:%5B::1%5D"))
    return true;
  const auto auth = context.auth_context();
  return auth != nullptr && auth->IsPeerAuthenticated();
}

grpc::ServerBidiReactor<v1::PermitsUp, v1::PermitsDown>* GrpcFleet::Permits(grpc::CallbackServerContext* context) {
  return PermitsStream::Begin(
      *context, {.read =
                     [this](std::shared_ptr<PermitsStream> stream, v1::PermitsUp message, std::function<void()> done) {
                       absl::StatusOr<wire::PermitsUp> up = wire::Decode(message);
                       if (!up.ok()) {
                         EndRefused(log_, "permits", up.status(),
                                    [&](grpc::Status status) { stream->EndWith(std::move(status)); });
                         return;
                       }
             // std::function copies its captures; the message is shared rather than copied.
                       thread_.Post([this, stream, up = std::make_shared<wire::PermitsUp>(*std::move(up)),
                                     done = std::move(done)](const Now& now) {
                         const absl::Status status = registry_.OnPermits(stream, *up, now);
                         if (!status.ok())
                           EndRefused(log_, "permits", status,
                                      [&](grpc::Status end) { stream->EndWith(std::move(end)); });
                         done();
                       });
                     },
                 .writable =
                     [this](std::shared_ptr<PermitsStream> stream) {
                       thread_.Post([this, stream](const Now&) { registry_.OnWritable(stream.get()); });
                     },
                 .ended =
                     [this](std::shared_ptr<PermitsStream> stream) {
                       thread_.Post([this, stream](const Now& now) {
                         registry_.OnEnd(static_cast<const PermitsPort*>(stream.get()), now);
                       });
                     }});
}

grpc::ServerBidiReactor<v1::SyncUp, v1::SyncDown>* GrpcFleet::Sync(grpc::CallbackServerContext* context) {
  return SyncStream::Begin(
      *context, {.read =
                     [this](std::shared_ptr<SyncStream> stream, v1::SyncUp message, std::function<void()> done) {
                       thread_.Post([this, stream, up = std::make_shared<v1::SyncUp>(std::move(message)),
                                     done = std::move(done)](const Now& now) {
                         const absl::Status status = registry_.OnSync(stream, *up, now);
                         if (!status.ok())
                           EndRefused(log_, "sync", status, [&](grpc::Status end) { stream->EndWith(std::move(end)); });
                         done();
                       });
                     },
                 .writable =
                     [this](std::shared_ptr<SyncStream> stream) {
                       thread_.Post([this, stream](const Now&) { registry_.OnWritable(stream.get()); });
                     },
                 .ended =
                     [this](std::shared_ptr<SyncStream> stream) {
                       thread_.Post([this, stream](const Now& now) {
                         registry_.OnEnd(static_cast<const SyncPort*>(stream.get()), now);
                       });
                     }});
}

}  // namespace chain429
