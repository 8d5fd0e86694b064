#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/permit.h"

namespace chain429 {

// What this proxy sent to each pool lately and settled: by the second for a minute, by the minute for an hour, by the
// hour for a day. Reported when the link attaches, so that a control plane that forgot does not overrun. Attempts that
// are still open stand in HeldPermits instead.
class RecentUseLog {
 public:
  void Add(PoolId pool, MonoTime sent_at, int64_t requests, int64_t tokens, MonoTime now);
  // Youngest first within a pool; at most `max_entries`, for which older entries are merged into younger ones: a use is
  // then remembered for longer than it counts, never for shorter.
  std::vector<RecentUse> Report(MonoTime now, size_t max_entries = 16384);
  size_t pool_count() const { return pools_.size(); }

 private:
  struct Bucket {
    MonoTime youngest;
    int64_t requests = 0;
    int64_t tokens = 0;
  };
  // By the bucket's first moment in nanoseconds; at most 60 + 60 + 24 of them, and those being merged.
  struct Pool {
    std::map<int64_t, Bucket> seconds;
    std::map<int64_t, Bucket> minutes;
    std::map<int64_t, Bucket> hours;
    MonoTime last_used;
  };
  static void Age(Pool& pool, MonoTime now);
  void ForgetOld(MonoTime now);

  absl::flat_hash_map<PoolId, Pool> pools_;
};

}  // namespace chain429
