#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/model/pool.h"

namespace chain429 {

// Names a target that the snapshot does not list (`provider/model` called directly): both planes derive its pools from
// these.
struct DynamicTarget {
  std::string provider;
  std::string group;  // pool group of the provider's credentials, may be empty
  std::string model;
};

struct Candidate {
  TargetId target;
  std::vector<PoolId> pools;  // wide to narrow
  DynamicTarget dynamic;      // empty provider: the target is in the snapshot
};

// One request's wish: the first candidate, in this order, that fits.
struct Acquire {
  AcquireId id;
  std::vector<Candidate> candidates;
  int64_t prompt_tokens = 0;   // estimate
  int64_t prompt_bytes = 0;
  int64_t max_output = 0;      // max_tokens of the request; 0: not given
  uint32_t spares_wanted = 0;  // further permits for the same target at the same charge
};

// The right to make 1 + spares attempts at one target. Unsent, each goes back when `ttl` has passed since the grant
// came.
struct Permit {
  AcquireId acquire;
  PermitId id;              // 0: the target needs no permit (no limit known)
  TargetId target;
  absl::Duration ttl;
  uint32_t spares = 0;
  int64_t tokens = 0;       // reserved per attempt; 0: no pool of it counts tokens
  bool watched = false;     // others wait for it: the control plane wants to hear when its answer has begun
};

// One candidate that did not fit.
struct DenialReason {
  TargetId target;
  PoolId pool;
  bool cooldown = false;    // closed, rather than its limits used up
  Closure closure = Closure::kNone;
  absl::Duration retry_after;
  // The request is larger than a limit: no waiting helps. Then the limit's unit and what it allows at once; 0: it
  // counts credits, and what the model costs is not known.
  bool never = false;
  Unit unit = Unit::kRequests;
  int64_t limit = 0;
};

// The answer to an Acquire: a permit, with the reasons of the candidates before it, or no permit and a reason for each.
struct AcquireAnswer {
  AcquireId acquire;
  bool granted = false;
  bool alone = false;  // neither: the control plane has just started, and the proxy goes by its safe shares meanwhile
  bool held = false;  // neither: somebody tries the target for the first time; the answer comes when more is known
  Permit permit;
  std::vector<DenialReason> denials;
};

// `count` attempts of a permit were written upstream, the youngest `age` ago.
struct SentReport {
  PermitId permit;
  uint32_t count = 1;
  absl::Duration age;
};

// `count` unused attempts of a permit go back.
struct PermitRelease {
  PermitId permit;
  uint32_t count = 1;
};

// What a proxy sent to a pool lately, re-reported when it attaches, so that a control plane that forgot does not
// overrun.
struct RecentUse {
  PoolId pool;
  absl::Duration age;
  int64_t requests = 0;
  int64_t tokens = 0;
};

}  // namespace chain429
