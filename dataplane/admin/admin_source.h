#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/io/log_control.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"
#include "dataplane/admin/worker_counters.h"

namespace chain429 {

// The proxy beyond its workers, as of now.
struct ProxyStatus {
  std::string node;
  std::string software_version;
  bool attached = false;                             // to the control plane
  absl::Duration attached_for;                       // or for how long not
  bool draining = false;
  absl::Duration snapshot_age = absl::InfiniteDuration();  // since the newest snapshot was applied
  absl::Duration uptime;
  uint64_t snapshots_refused = 0;                    // Nacks so far
};

// One pool as this proxy knows it.
struct PoolView {
  std::string key;
  PoolState state;  // times relative to now
};

// What the admin port shows of a proxy: filled by the composition root. All are called on the admin's thread and must
// not block for long.
struct AdminSource {
  // The newest snapshot that every worker serves; null before the first.
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  std::function<ProxyStatus()> status;
  // One per worker, in order; they live as long as the admin port.
  std::vector<const WorkerCounters*> workers;
  std::function<std::vector<PoolView>()> pools;
  // Starts draining; more than once is harmless.
  std::function<void()> drain;
  LogControl* log = nullptr;  // null: this proxy shows none
};

}  // namespace chain429
