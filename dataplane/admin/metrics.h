#pragma once

#include <string>

#include "dataplane/admin/admin_source.h"

namespace chain429 {

// The proxy's metrics in Prometheus' text format: every worker's counters summed, as of this call.
std::string RenderMetrics(const AdminSource& source);

}  // namespace chain429
