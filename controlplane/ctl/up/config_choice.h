#pragma once

#include "absl/status/status.h"
#include "common/provider/catalogue.h"
#include "controlplane/ctl/up/plan.h"

namespace chain429 {

// Decides between the demo, the configuration that `options` names, and the one in the state folder, which is written
// when there are keys and it is not there yet; opens the state folder where it is needed. Fills in the plan's demo,
// config, state, store and notes.
absl::Status ChooseConfig(const UpOptions& options, const UpEnvironment& environment, const Catalogue& catalogue,
                          UpPlan& plan);

// Reads and checks the configuration, and takes from it what the banner needs.
absl::Status CheckConfig(const Catalogue& catalogue, UpPlan& plan);

}  // namespace chain429
