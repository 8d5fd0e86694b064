#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"

namespace chain429 {

// How a pool stands, as last told.
struct PoolStanding {
  std::span<const LimitState> limits;
  absl::Duration age;         // since `limits` were told
  absl::Duration closed_for;  // 0: open
};

struct TargetStanding {
  bool usable = true;   // a key for it is at hand, and its provider has the model
  int64_t permits = 0;  // at hand: reserved in its pools, and yet free for the next requests
};

// Of one unit, over a whole chain.
struct UnitCapacity {
  bool known = false;  // false: some target may be called as often as one likes, or nothing is known of any
  int64_t limit = 0;      // of the shortest windows
  int64_t remaining = 0;  // what could be sent now, whatever the window
  absl::Duration reset;   // until all of `limit` is there again, if nothing more is used
};
struct Capacity {
  UnitCapacity requests;
  UnitCapacity tokens;
};

// Which pools a chain's targets draw on, each once: made once for each chain, then summed for each answer.
//
// What several targets share counts once, and of a wide and a narrow pool the tighter holds: the targets, in their
// order, each take as much as all of their pools still have.
class CapacityPlan {
 public:
  CapacityPlan() = default;
  explicit CapacityPlan(std::span<const Target* const> targets);

  // Each pool and each target, by its index, is asked for once. What is not usable counts for nothing; what is closed
  // has nothing left until it opens.
  Capacity Sum(absl::FunctionRef<PoolStanding(PoolId)> pool, absl::FunctionRef<TargetStanding(size_t)> target) const;

 private:
  std::vector<PoolId> pools_;
  std::vector<absl::InlinedVector<uint32_t, 4>> targets_;  // indexes into pools_
};

// Is anything of it known? What a single provider says of itself is then not to stand beside it.
inline bool IsKnown(const Capacity& capacity) { return capacity.requests.known || capacity.tokens.known; }

// "x-ratelimit-limit-requests: 30" and so on in OpenAI's format, each with CRLF, for the units that are known.
void AppendRateLimitFields(std::string& out, const Capacity& capacity);
// "6m0s", "1h2m3s", "20ms": rounded up, to seconds from one second on.
void AppendGoDuration(std::string& out, absl::Duration duration);

}  // namespace chain429
