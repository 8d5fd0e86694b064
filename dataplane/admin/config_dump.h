#pragma once

#include <string>
#include <vector>

#include "common/model/snapshot.h"
#include "dataplane/admin/admin_source.h"

namespace chain429 {

// The snapshot as JSON for people. No secret leaves: keys and configured header values are masked, client keys are only
// named.
std::string DumpConfig(const Snapshot& snapshot);

// {"pools":[…]}: what this proxy knows of each pool now.
std::string DumpPools(const std::vector<PoolView>& pools);

}  // namespace chain429
