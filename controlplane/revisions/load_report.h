#pragma once

#include "common/base/log.h"
#include "controlplane/revisions/config_source.h"

namespace chain429 {

// One line for what came of a load, one for each problem with its FILE:LINE:COL, one for each change.
void LogLoad(const LoadReport& report, const Logger& log);

}  // namespace chain429
