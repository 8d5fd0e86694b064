#pragma once

#include <memory>

#include "common/base/ids.h"
#include "common/config/parse.h"
#include "common/config/problem.h"
#include "common/model/snapshot.h"
#include "common/provider/catalogue.h"
#include "controlplane/revisions/credential_source.h"

namespace chain429 {

// The snapshot of a checked configuration: limits with their windows, credentials grouped into pools, targets of every
// chain and of every known model, indexed. Null where `problems` got an error: a chain without a usable target. Pools
// and targets keep their ids from one build to the next as long as their names do.
std::shared_ptr<const Snapshot> BuildSnapshot(const ParsedConfig& parsed, const Catalogue& catalogue,
                                              const ResolvedSecrets& secrets, Version version,
                                              ConfigProblems& problems);

}  // namespace chain429
