#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"

namespace chain429 {

// A pool that a worker saw close (a 429, a refused credential): known to its siblings at once, to the fleet a round
// trip later.
struct ObservedClosure {
  PoolId pool;
  Closure closure = Closure::kNone;
  absl::Duration closed_for;
  bool authoritative = false;
};

// What one worker has to say, gathered over an event-loop turn.
struct WorkerMail {
  std::vector<SentReport> sent;
  std::vector<Settlement> settlements;
  std::vector<PermitRelease> releases;
  std::vector<AcquireId> cancels;
  std::vector<Acquire> acquires;
  std::vector<ObservedClosure> closures;
  bool empty() const {
    return sent.empty() && settlements.empty() && releases.empty() && cancels.empty() && acquires.empty() &&
           closures.empty();
  }
};

// What a worker is told. Only the parts that are set have changed.
struct LinkMail {
  std::shared_ptr<const Snapshot> snapshot;  // null: unchanged
  std::vector<PoolState> pools;
  std::vector<ObservedClosure> closures;  // that another worker saw
  std::vector<AcquireAnswer> answers;
  bool forget_permits = false;  // a new leader: what was granted before is void
  enum class Status : uint8_t { kUnchanged, kAttached, kDetached } status = Status::kUnchanged;
  bool drain = false;
};

// A worker's letter box. Called on the link's thread; posts the mail to the worker's loop.
class WorkerPort {
 public:
  virtual ~WorkerPort() = default;
  virtual void Deliver(LinkMail mail) = 0;
};

// The proxy's connection to the control plane as workers see it. Any thread.
class Link {
 public:
  virtual ~Link() = default;
  virtual void Submit(uint32_t worker, WorkerMail mail) = 0;
};

}  // namespace chain429
