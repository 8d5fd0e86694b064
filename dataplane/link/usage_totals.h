#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/base/ids.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"

namespace chain429::v1 {
class UsageReport;
}

namespace chain429 {

// What was used per target since the proxy's boot: cumulative, so that a lost report is made good by the next.
class UsageTotals {
 public:
  void Add(const Settlement& settlement);
  // The name of a target that no snapshot lists.
  void Name(TargetId target, const DynamicTarget& dynamic);
  // False: nothing has changed since the last report.
  bool TakeReport(const Snapshot* snapshot, v1::UsageReport* out);
  // The stream broke: the next report is due even if nothing happens.
  void Restart() { changed_ = !totals_.empty(); }

 private:
  struct Total {
    std::string name;
    uint64_t attempts = 0;
    uint64_t ok = 0;
    uint64_t rate_limited = 0;
    uint64_t prompt_tokens = 0;
    uint64_t completion_tokens = 0;
  };
  Total& Find(TargetId target);

  absl::flat_hash_map<TargetId, Total> totals_;
  bool changed_ = false;
};

}  // namespace chain429
