#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/use_log.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"

namespace chain429 {

// Suspects that pools of one provider, of which nobody said whether they are of one account, are: what one of them says
// it has counted rises by what goes through another. Nothing is decided by that: each pool takes the other's use for
// somebody else's, which is safe, and people are told.
class SharedAccounts {
 public:
  // Pools that may be of one account, each with the others.
  using Candidates = absl::flat_hash_map<PoolId, std::vector<PoolId>>;
  void SetCandidates(const Candidates& candidates);

  // A pool's requests as its provider had counted them when a request written at `at` arrived, that one included.
  struct Count {
    PoolId pool;
    absl::Duration window;
    int64_t limit = 0;
    int64_t used = 0;
    MonoTime at;
  };
  // `requests_of`: a pool's own requests of the last minute; null: there are none.
  void Observe(const Count& count, const std::function<const UseLog*(PoolId)>& requests_of);

  struct Suspicion {
    PoolId with;  // 0: none
    int confidence = 0;  // as WindowInference's: 100 f / (f + 1 + 3 a)
  };
  Suspicion Of(PoolId pool) const;

 private:
  struct Other {
    PoolId pool;
    int agreed = 0;
    int against = 0;
  };
  struct Watched {
    std::vector<Other> others;
    Count last;
  };
  absl::flat_hash_map<PoolId, Watched> watched_;
};

// Those of a provider whose credentials were given no `pool:` and count as accounts of their own, as far as the same
// models draw on them.
SharedAccounts::Candidates PerhapsOneAccount(const Snapshot& snapshot);

}  // namespace chain429
