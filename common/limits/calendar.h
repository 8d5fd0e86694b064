#pragma once

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// One stretch between two edges of a fixed window: start <= t < end.
struct Period {
  absl::Time start;
  absl::Time end;
  bool Contains(absl::Time t) const { return start <= t && t < end; }
};

// The period of `spec` that holds `t`. Windows of a day count from the anchor's time on the local clock, so that a day
// with a clock change has 23 or 25 hours; a month is the calendar's and begins on its first day at the anchor; other
// long ones are whole local days counted from 1970-01-01; shorter ones divide the local day from its anchor on. An
// unknown zone counts as UTC. REQUIRES: spec.length > 0.
Period PeriodOf(const WindowSpec& spec, absl::Time t);

}  // namespace chain429
