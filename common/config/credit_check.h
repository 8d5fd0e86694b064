#pragma once

#include <vector>

#include "common/config/config.h"
#include "common/config/problem.h"
#include "common/config/resolve.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// Reports every model that a limit of credits holds for and of which nobody says what it costs: such a limit would
// count nothing. Each once, where it is written: under its provider, else on the first line of a chain.
void CheckCredits(const Config& config, const std::vector<ResolvedChain>& chains, const Catalogue& catalogue,
                  ConfigProblems& problems);

}  // namespace chain429
