#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/model/snapshot.h"
#include "common/wire/fleet_wire.h"
#include "controlplane/fleet/session_core.h"
#include "controlplane/quota/broker.h"

namespace chain429 {

// What people see of a proxy.
struct ProxyView {
  std::string node;
  std::string boot_id;
  std::string advertise;
  std::string software_version;
  Version acknowledged;
  std::string refusal;
  bool attached = false;
  absl::Duration in_this_state;
};

// Numbers for metrics; they only rise.
struct RegistryCounters {
  uint64_t attached = 0;        // times that a proxy came
  uint64_t snapshots_sent = 0;
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
};

// All proxies of the fleet, and the way of their messages to the broker and back. No I/O; belongs to the fleet's
// thread.
class Registry {
 public:
  using MemorySink = std::function<void(std::vector<PoolMemory>)>;

  Registry(Broker& broker, const Logger& log, MemorySink remember)
      : broker_(broker), log_(log), remember_(std::move(remember)) {}

  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now);

  // A message on a stream. An error means that the stream is to be ended with it.
  absl::Status OnPermits(const std::shared_ptr<PermitsPort>& port, const wire::PermitsUp& up, const Now& now);
  absl::Status OnSync(const std::shared_ptr<SyncPort>& port, const v1::SyncUp& up, const Now& now);
  void OnWritable(const PermitsPort* port);
  void OnWritable(const SyncPort* port);
  void OnEnd(const PermitsPort* port, const Now& now);
  void OnEnd(const SyncPort* port, const Now& now);

  // Sends what the turn brought. Returns when to be called again.
  MonoTime EndTurn(const Now& now);
  // The control plane goes.
  void EndStreams(const char* reason);

  std::vector<ProxyView> Proxies(const Now& now) const;
  size_t attached() const;
  // Of all proxies that are known, by the target's name.
  std::vector<v1::TargetUsage> Usage() const;
  Broker& broker() { return broker_; }
  const RegistryCounters& counters() const { return counters_; }
  const Snapshot* snapshot() const { return snapshot_.get(); }

 private:
  SessionCore* SessionOf(const void* port);
  // That of a known boot, or a new one; null: there are too many.
  SessionCore* Admit(const std::string& node, const std::string& boot_id, const Now& now);
  void Touch(SessionCore& session);
  void SendSnapshot(SessionCore& session);
  std::shared_ptr<const SnapshotBytes> BytesFor(bool trusted);
  void ForgetGone(const Now& now);
  void AnswerLate(const Now& now);
  void LogOutsideUse();
  void LogClosures(const std::vector<PoolState>& states, const Now& now);

  Broker& broker_;
  const Logger& log_;
  const MemorySink remember_;
  std::shared_ptr<const Snapshot> snapshot_;  // null: none yet
  std::shared_ptr<const SnapshotBytes> bytes_;           // with keys
  std::shared_ptr<const SnapshotBytes> bytes_keyless_;   // for links that cannot be trusted with them
  absl::flat_hash_map<std::string, std::unique_ptr<SessionCore>> sessions_;  // by boot id
  absl::flat_hash_map<const void*, SessionCore*> by_port_;
  std::vector<SessionCore*> touched_;
  MonoTime next_routine_;
  RegistryCounters counters_;
  struct Closed {
    Closure closure = Closure::kNone;
    MonoTime until;
  };
  absl::flat_hash_map<PoolId, Closed> closed_;  // as the log says; what is not in it is open
  MonoTime next_opening_ = MonoTime::Max();     // of those
};

}  // namespace chain429
