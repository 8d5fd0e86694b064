#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"

namespace chain429 {

// Finds out that what is taken for one pool has limits of its own for its models: a limit has one amount, so where two
// models keep stating different ones, in turn and each always the same, there are two limits. A provider that changes
// its limit does so for both.
class ModelSplit {
 public:
  // True if the limit that the reading speaks of is its target's alone. Readings older than the newest say nothing new.
  bool Observe(TargetId target, const Reading& reading, MonoTime at);
  bool any() const;

 private:
  struct Model {
    TargetId target;
    int64_t amount = 0;
    int turns = 0;  // how often it repeated its amount after another model had stated another
  };
  struct Stated {
    Unit unit = Unit::kRequests;
    bool project = false;
    absl::Duration window;
    std::vector<Model> models;  // a few
    TargetId last;
    int64_t last_amount = 0;
    MonoTime newest = MonoTime::FromNanos(INT64_MIN);
    bool apart = false;
  };
  std::vector<Stated> stated_;
};

}  // namespace chain429
