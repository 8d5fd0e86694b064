#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/log.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"

namespace chain429 {

// The snapshot of a file that `429ctl snapshot` wrote, with the credentials that this proxy resolves itself: what it
// serves until a control plane sends another. Says in the log which chains cannot be served before that.
absl::StatusOr<std::shared_ptr<const Snapshot>> LoadBootstrap(const std::string& path, Logger& log);

// What this proxy may send to each limited pool of it while no control plane has told a share: the whole of every limit
// that the configuration states, counted by this proxy alone. Nothing better is known: a fleet of n proxies that all
// start like this can overrun a limit n times, until the provider refuses or the control plane is back.
// `when_disconnected: deny` forbids it.
std::vector<PoolState> BootstrapShares(const Snapshot& snapshot);

}  // namespace chain429
