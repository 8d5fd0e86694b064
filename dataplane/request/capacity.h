#pragma once

#include <string>

#include "common/base/clock.h"
#include "common/waterfall/capacity.h"
#include "dataplane/permits/desk.h"
#include "dataplane/request/route_table.h"

namespace chain429 {

// What a chain's targets still allow together, as far as this worker knows.
Capacity CapacityOf(const PermitDesk& desk, const ResolvedChain& chain, MonoTime now);

// GET /v1/chains/{name}/capacity: the same with every target, pool and limit, and what recovers next.
std::string CapacityJson(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain, MonoTime now);

}  // namespace chain429
