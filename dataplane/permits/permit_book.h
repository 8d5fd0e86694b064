#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/pool.h"
#include "dataplane/permits/demand.h"
#include "dataplane/permits/spares.h"
#include "dataplane/permits/tally.h"

namespace chain429 {

// What a worker remembers of a target that it uses.
struct TargetRecord {
  TargetId id;
  std::vector<PoolId> pools;
  Spares spares;
  RecentDemand demand;
  Tally tally;                // attempts without a permit
  bool dirty = false;         // `tally` waits for the mail
  uint32_t records = 0;       // permits that point here
  uint32_t spares_asked = 0;  // in acquires under way
  AcquireId refill;           // the acquire for spares alone that is under way
  MonoTime refill_not_before;
  MonoTime urgent_not_before;
  MonoTime last_used;
  size_t credential_turn = 0;
  // The latest request's wish, which an acquire for spares repeats.
  int64_t prompt_tokens = 0;
  int64_t prompt_bytes = 0;
  int64_t max_output = 0;
  bool asked_before = false;
};

// A permit of which some attempts are unused or unsettled, or of which the mail still has to tell.
struct DeskPermit {
  PermitId id;
  uint32_t target = 0;
  uint32_t unused = 0;  // among the target's spares
  uint32_t open = 0;    // given out, neither settled nor released
  uint32_t sent = 0;    // not yet reported
  uint32_t released = 0;  // likewise
  MonoTime sent_at;     // of the youngest
  MonoTime good_until;  // unsent attempts go back then
  Tally tally;
  bool dirty = false;
  bool in_use = false;
};

// Records by index, so that spares reach theirs without a look-up; freed ones are used again with the memory of their
// vectors.
class PermitBook {
 public:
  uint32_t TargetIndex(TargetId id);
  TargetRecord& target(uint32_t index) { return targets_[index]; }
  TargetRecord* FindTarget(TargetId id) {
    const auto it = target_index_.find(id);
    return it == target_index_.end() ? nullptr : &targets_[it->second];
  }
  const TargetRecord* FindTarget(TargetId id) const {
    const auto it = target_index_.find(id);
    return it == target_index_.end() ? nullptr : &targets_[it->second];
  }
  std::vector<TargetRecord>& targets() { return targets_; }
  // Forgets targets that hold nothing and were not used since `before`: clients can name models freely.
  void ForgetIdleTargets(MonoTime before);
  size_t target_count() const { return target_index_.size(); }

  uint32_t PermitIndex(PermitId id, uint32_t target);
  DeskPermit& permit(uint32_t index) { return permits_[index]; }
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t FindPermit(PermitId id) const {
    const auto it = permit_index_.find(id);
    return it == permit_index_.end() ? kNone : it->second;
  }
  // Frees the record if nothing is left of its permit.
  void FreeIfDone(uint32_t index);
  std::vector<DeskPermit>& permits() { return permits_; }

 private:
  std::vector<TargetRecord> targets_;
  std::vector<uint32_t> free_targets_;
  absl::flat_hash_map<TargetId, uint32_t> target_index_;
  std::vector<DeskPermit> permits_;
  std::vector<uint32_t> free_permits_;
  absl::flat_hash_map<PermitId, uint32_t> permit_index_;
};

}  // namespace chain429
