#pragma once

#include <vector>

#include "common/config/config.h"
#include "common/config/fields.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// The value of `providers:`. A provider with errors is in the result too, so that references to it are not reported as
// well.
std::vector<ProviderConfig> ReadProviders(const ConfigNode& node, const ConfigPlace& place, const Catalogue& catalogue,
                                          const ZoneLookup& zones, const ValueReader& read);

}  // namespace chain429
