#pragma once

#include <vector>

#include "common/config/config.h"
#include "common/config/fields.h"

namespace chain429 {

// The value of `chains:`. A chain with errors is in the result too, so that references to it are not reported as well.
std::vector<ChainConfig> ReadChains(const ConfigNode& node, const ConfigPlace& place, const ValueReader& read);

}  // namespace chain429
