#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/limits/charge.h"

namespace chain429 {

// Who holds a permit: one boot of one proxy, attached or not.
using HolderId = Id<struct HolderTag>;

// A permit as the leader knows it. Each of its attempts is unused, open (sent and not settled), returned (its time
// passed unused), or done and no longer counted here.
struct PermitRecord {
  HolderId holder;
  TargetId target;
  absl::InlinedVector<PoolId, 3> pools;
  Charge charge;         // of one attempt
  uint32_t unused = 0;
  uint32_t open = 0;
  uint32_t returned = 0;
  bool single = false;   // it is one attempt and no more
  MonoTime counted_at;   // how its only attempt is dated, or those that were open when it was taken over
  bool canary = false;   // the one request that may try a closed pool
  bool probe = false;    // one of the few under way to a pool on probation, and not known to be taken
  bool doubted = false;  // nothing was heard of it for long
  bool kept = false;     // done, but a report may still come: the record stays for its time
};

// Permits by id, and when the unused go back.
class PermitTable {
 public:
  explicit PermitTable(Epoch epoch) : base_((epoch.value() & 0xffffff) << 40) {}

  // Ids are unique within an epoch, and with some luck beyond it: a late report about an older leader's permit finds
  // nothing.
  PermitId Add(PermitRecord record, MonoTime expires);
  // Under the id that an older leader gave it.
  void Import(PermitId id, PermitRecord record, MonoTime expires);
  PermitRecord* Find(PermitId id);
  bool IsOurs(PermitId id) const { return (id.value() >> 40) == (base_ >> 40); }
  void Erase(PermitId id) { records_.erase(id); }
  void EraseIfDone(PermitId id);

  // The next permit whose time has passed at `now`; each comes once. Nullopt: none.
  std::optional<PermitId> TakeExpired(MonoTime now);
  MonoTime NextExpiry() const;
  // To be taken again by TakeExpired, at `at`.
  void Revisit(PermitId id, MonoTime at) { Queue(id, at); }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [id, record] : records_) visit(id, record);
  }
  size_t size() const { return records_.size(); }

 private:
  struct Due {
    MonoTime at;
    PermitId id;
  };
  void Queue(PermitId id, MonoTime at);

  uint64_t base_;
  uint64_t last_ = 0;
  absl::flat_hash_map<PermitId, PermitRecord> records_;
  // Few different times to live: one queue for each, in order of time without sorting.
  static constexpr size_t kQueues = 4;
  std::deque<Due> due_[kQueues];
};

}  // namespace chain429
