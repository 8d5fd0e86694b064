#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/waterfall/walk.h"
#include "dataplane/permits/desk.h"
#include "dataplane/request/route_table.h"

namespace chain429 {

// "…?explain=1": the request is not to be made but explained. Takes a request's target.
bool WantsExplanation(std::string_view target);

// The walk of a request as it would go now: what stands before each target, as far as this worker knows, without
// calling anybody, asking the control plane or taking anything.
struct Explanation {
  std::string json;
  Hops passed;  // the targets that would be passed over
};
// `model` as the request names it, `tokens` as its walk would estimate them.
Explanation Explain(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain,
                    std::string_view model, int64_t tokens, MonoTime now);

}  // namespace chain429
