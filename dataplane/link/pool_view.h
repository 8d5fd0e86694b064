#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "common/model/pool.h"
#include "common/wire/fleet_wire.h"
#include "dataplane/link/link.h"

namespace chain429 {

// The proxy's one view of every pool: what the control plane said, and the closures that its workers saw before the
// control plane did.
class LinkPoolView {
 public:
  // A closure that a worker saw holds against states that were on their way when it was seen.
  static constexpr absl::Duration kStatesLag = absl::Seconds(2);

  // The state to tell the workers: the control plane's, with any closure that it cannot know of yet. Only what comes by
  // the Permits stream opens and closes, in its order; the Sync stream has numbers, which may have waited behind a
  // snapshot.
  PoolState OnState(const PoolState& state, MonoTime now);
  // Of a state that is older than the last one only the shares are news.
  PoolState OnNumbers(const PoolState& state, MonoTime now);
  // False: it says nothing new.
  bool OnClosure(const ObservedClosure& closure, MonoTime now);
  // A control plane that was away may have forgotten: for a while its states open nothing that the hello says is
  // closed.
  void OnAttached(MonoTime now) { attached_at_ = now; }
  // Another leader counts its states anew.
  void OnNewLeader() {
    for (auto& [pool, entry] : entries_) entry.state.serial = 0;
  }

  std::vector<wire::KnownClosure> Closures(MonoTime now) const;
  std::vector<PoolState> List(MonoTime now) const;
  // Rises with every change.
  uint64_t changes() const { return changes_; }

 private:
  struct Entry {
    PoolState state;
    MonoTime told_at;  // when its limits stood so
    MonoTime closed_until;
    bool authoritative = false;
    MonoTime seen_closing;
  };
  Entry& Make(PoolId pool, MonoTime now);
  static void Take(const PoolState& state, MonoTime now, Entry& entry);
  static PoolState StateOf(const Entry& entry, MonoTime now);

  absl::flat_hash_map<PoolId, Entry> entries_;
  MonoTime attached_at_;
  uint64_t changes_ = 0;
};

// The part of a pool's safe share that worker `worker` of `workers` gets. The parts add up to the share; what is left
// over by the division goes to different workers for different pools.
int64_t ShareOfWorker(int64_t share, PoolId pool, uint32_t worker, uint32_t workers);

}  // namespace chain429
