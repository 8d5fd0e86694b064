#pragma once

#include "common/config/config.h"
#include "common/config/document.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// The configuration that `root` holds. Every error goes to `problems`; the result may only be used where there are
// none, or to look for more of them (Resolve).
Config ReadConfig(const ConfigNode& root, const Catalogue& catalogue, const ZoneLookup& zones,
                  ConfigProblems& problems);

}  // namespace chain429
