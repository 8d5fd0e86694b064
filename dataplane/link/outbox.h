#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "common/base/clock.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/wire/fleet_wire.h"
#include "dataplane/link/link.h"

namespace chain429 {

// What the workers said and the control plane has not been told yet. Bounded: what no longer fits is handed back to be
// accounted for otherwise, never dropped unseen. Ages grow while something waits.
class Outbox {
 public:
  static constexpr size_t kMaxQueued = 65536;  // of each kind
  static constexpr size_t kMaxPerMessage = 2048;  // of each kind: a message stays below 1 MB

  // Part of a worker's mail that found no room.
  struct Overflow {
    std::vector<SentReport> sent;
    std::vector<Settlement> settlements;
    std::vector<PermitRelease> releases;
  };

  // Takes all of the mail but its closures.
  Overflow Add(WorkerMail mail, MonoTime now);
  // Nobody waits for answers any more.
  void DropAcquires();
  // The next message. Settlements do not overtake the reports that their attempts were sent.
  wire::PermitsUp Take(MonoTime now);
  bool empty() const {
    return sent_.empty() && settlements_.empty() && releases_.empty() && cancels_.empty() && acquires_.empty();
  }

 private:
  template <typename T>
  struct Queued {
    T item;
    MonoTime since;
  };

  std::deque<Queued<SentReport>> sent_;
  std::deque<Queued<Settlement>> settlements_;
  std::deque<PermitRelease> releases_;
  std::deque<AcquireId> cancels_;
  std::deque<Acquire> acquires_;
};

}  // namespace chain429
