#pragma once

#include <memory>
#include <string>

#include "common/model/snapshot.h"

namespace chain429::dst {

// The snapshot of a configuration, made as the control plane makes it, with the catalogue that is built in. $KEY is
// set. REQUIRES: it is a good one.
std::shared_ptr<const Snapshot> BuildFrom(const std::string& config);

}  // namespace chain429::dst
