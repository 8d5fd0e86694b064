#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "common/base/clock.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"
#include "dataplane/permits/share.h"

namespace chain429 {

// What one worker knows of the pools: whether they are limited and until when they are closed, as the control plane
// said and as the worker saw itself.
class PoolTable {
 public:
  struct Entry {
    std::vector<LimitState> limits;  // as of `limits_told`
    MonoTime limits_told;
    bool told = false;      // by the control plane; false: only seen closing
    bool limited = false;
    Closure closure = Closure::kNone;
    MonoTime closed_until;
    MonoTime seen_closing;  // when this worker saw it close itself
    absl::InlinedVector<ShareWindow, 2> shares;  // one for each limit
  };

  // Within this time of a closure that the worker saw itself, a state that says otherwise was sent by a control plane
  // that did not know yet.
  static constexpr absl::Duration kStatesLag = absl::Seconds(2);

  void OnState(const PoolState& state, MonoTime now);
  // A closure that this worker saw. An existing longer one is never shortened.
  void Close(PoolId pool, Closure closure, absl::Duration closed_for, MonoTime now);
  // A closure that the control plane told with a denial, or that another worker saw.
  void LearnClosure(PoolId pool, Closure closure, absl::Duration closed_for, MonoTime now);

  // Null: nothing was said of it.
  const Entry* Find(PoolId pool) const {
    const auto it = entries_.find(pool);
    return it == entries_.end() ? nullptr : &it->second;
  }
  Entry* Find(PoolId pool) {
    const auto it = entries_.find(pool);
    return it == entries_.end() ? nullptr : &it->second;
  }
  // The control plane has said something of it.
  bool Told(PoolId pool) const {
    const Entry* entry = Find(pool);
    return entry != nullptr && entry->told;
  }
  // False: no pool at all is closed, which spares every request the look at its credentials.
  bool any_closed(MonoTime now) const { return now < last_closed_until_; }

  // Whether an attempt needs a permit: as told, else as configured.
  bool Limited(const Snapshot& snapshot, const Target& target, PoolId pool) const;

 private:
  void Extend(Entry& entry, Closure closure, MonoTime until);
  Entry& Make(PoolId pool, MonoTime now);

  absl::flat_hash_map<PoolId, Entry> entries_;
  MonoTime last_closed_until_;
};

// What holds for a pool while the control plane is away.
WhenDisconnected DisconnectedPolicy(const Snapshot& snapshot, const Target& target, PoolId pool);

}  // namespace chain429
