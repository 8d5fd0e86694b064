#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "chain429/v1/fleet.pb.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "controlplane/fleet/down_port.h"
#include "controlplane/fleet/permits_outbox.h"
#include "controlplane/fleet/sync_outbox.h"
#include "controlplane/quota/permit_table.h"

namespace chain429 {

using PermitsPort = DownPort<v1::PermitsDown>;
using SyncPort = DownPort<v1::SyncDown>;

// The bookkeeping of one boot of one proxy: its two streams, what it was told, what it acknowledged. No I/O of its own;
// belongs to the fleet's thread.
class SessionCore {
 public:
  SessionCore(std::string node, std::string boot_id, MonoTime now)
      : node_(std::move(node)), boot_id_(std::move(boot_id)), changed_at_(now) {}

  // ---- Permits ----
  void OpenPermits(std::shared_ptr<PermitsPort> port, HolderId holder, MonoTime now);
  // The stream has ended, on whichever side; false: it was replaced by another before.
  bool ClosePermits(const PermitsPort* port, MonoTime now);
  PermitsOutbox& permits() { return permits_; }

  // ---- Sync ----
  // The snapshot that the proxy says it serves counts as acknowledged.
  void OpenSync(std::shared_ptr<SyncPort> port, const v1::SyncHello& hello);
  bool CloseSync(const SyncPort* port);
  SyncOutbox& sync() { return sync_; }
  void OnAck(const v1::SnapshotAck& ack);
  void OnNack(const v1::SnapshotNack& nack);
  void OnUsage(const v1::UsageReport& usage);

  // Sends what the ports take now. `epoch` goes into every message.
  void Flush(Epoch epoch);

  HolderId holder() const { return holder_; }
  bool attached() const { return permits_port_ != nullptr; }
  bool has_sync() const { return sync_port_ != nullptr; }
  bool sync_trusted() const { return sync_port_ != nullptr && sync_port_->trusted(); }
  bool idle() const { return permits_port_ == nullptr && sync_port_ == nullptr; }
  MonoTime changed_at() const { return changed_at_; }  // when it came, attached or detached
  const std::string& node() const { return node_; }
  const std::string& boot_id() const { return boot_id_; }
  const std::string& advertise() const { return advertise_; }
  const std::string& software_version() const { return software_version_; }
  Version acknowledged() const { return acknowledged_; }
  const std::string& refusal() const { return refusal_; }
  const absl::flat_hash_map<uint64_t, v1::TargetUsage>& usage() const { return usage_; }
  void EndStreams(const char* reason);

  // Bookkeeping of the registry.
  bool touched = false;  // something may have to be flushed at the turn's end
  bool leaving = false;  // it has said goodbye

 private:
  std::string node_;
  const std::string boot_id_;
  std::string advertise_;
  std::string software_version_;
  std::shared_ptr<PermitsPort> permits_port_;
  std::shared_ptr<SyncPort> sync_port_;
  PermitsOutbox permits_;
  SyncOutbox sync_;
  HolderId holder_;
  MonoTime changed_at_;
  Version acknowledged_;
  std::string refusal_;
  absl::flat_hash_map<uint64_t, v1::TargetUsage> usage_;  // the latest, by target
};

}  // namespace chain429
