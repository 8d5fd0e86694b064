#include "controlplane/fleet/session_core.h"

#include <utility>

#include "common/base/text.h"

namespace chain429 {
namespace {

// A proxy that serves more targets than this reports only some of them.
constexpr size_t kMostTargets = 16384;
constexpr size_t kMostRefusalBytes = 4096;

}  // namespace

void SessionCore::OpenPermits(std::shared_ptr<PermitsPort> port, HolderId holder, MonoTime now) {
  if (permits_port_ != nullptr) permits_port_->End("the proxy opened another stream");
  permits_port_ = std::move(port);
  holder_ = holder;
  permits_ = PermitsOutbox();
  changed_at_ = now;
}

bool SessionCore::ClosePermits(const PermitsPort* port, MonoTime now) {
  if (permits_port_.get() != port) return false;
  permits_port_ = nullptr;
  permits_ = PermitsOutbox();
  changed_at_ = now;
  return true;
}

void SessionCore::OpenSync(std::shared_ptr<SyncPort> port, const v1::SyncHello& hello) {
  if (sync_port_ != nullptr) sync_port_->End("the proxy opened another stream");
  sync_port_ = std::move(port);
  sync_ = SyncOutbox();
  node_ = hello.node();
  advertise_ = hello.advertise();
  software_version_ = hello.software_version();
  acknowledged_ = Version(hello.known_version());
  refusal_.clear();
}

bool SessionCore::CloseSync(const SyncPort* port) {
  if (sync_port_.get() != port) return false;
  sync_port_ = nullptr;
  sync_ = SyncOutbox();
  return true;
}

void SessionCore::OnAck(const v1::SnapshotAck& ack) {
  // An answer to a snapshot that is no longer the newest says nothing about that one.
  if (ack.nonce() == sync_.nonce()) refusal_.clear();
  acknowledged_ = Version(ack.version());
}

void SessionCore::OnNack(const v1::SnapshotNack& nack) {
  if (nack.nonce() == sync_.nonce()) refusal_ = Truncate(nack.error(), kMostRefusalBytes);
}

void SessionCore::OnUsage(const v1::UsageReport& usage) {
  for (const v1::TargetUsage& target : usage.targets()) {
    if (usage_.size() < kMostTargets || usage_.contains(target.target())) usage_[target.target()] = target;
  }
}

void SessionCore::Flush(Epoch epoch) {
  while (permits_port_ != nullptr && !permits_.empty() && permits_port_->Ready()) {
    v1::PermitsDown down;
    permits_.Take(&down);
    down.set_epoch(epoch.value());
    permits_port_->Write(std::move(down));
  }
  while (sync_port_ != nullptr && !sync_.empty() && sync_port_->Ready()) {
    v1::SyncDown down;
    sync_.Take(&down);
    down.set_epoch(epoch.value());
    sync_port_->Write(std::move(down));
  }
}

void SessionCore::EndStreams(const char* reason) {
  if (permits_port_ != nullptr) permits_port_->End(reason);
  if (sync_port_ != nullptr) sync_port_->End(reason);
}

}  // namespace chain429
