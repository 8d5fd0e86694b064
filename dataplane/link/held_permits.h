#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/ids.h"
#include "common/model/permit.h"
#include "common/wire/fleet_wire.h"

namespace chain429 {

// What this proxy's workers hold, as the messages to the control plane say it: a hello reports it. Counted when a
// message leaves, so that hello and what is still queued behind it never tell of the same attempt twice.
class HeldPermits {
 public:
  void OnGranted(const Permit& permit, std::vector<PoolId> pools);
  void OnSent(PermitId permit, uint32_t count);
  // `charged` false: it was not written, so it was not open.
  void OnSettled(PermitId permit, uint32_t count, bool charged);
  void OnReleased(PermitId permit, uint32_t count);
  // A new leader: what was not sent yet is void.
  void ForgetUnused();

  // Reserved per attempt; 0: not held, or no tokens.
  int64_t TokensOf(PermitId permit) const;
  std::vector<wire::HeldPermit> List() const;
  size_t size() const { return held_.size(); }

 private:
  void EraseIfEmpty(PermitId permit);

  absl::flat_hash_map<PermitId, wire::HeldPermit> held_;
};

}  // namespace chain429
