#pragma once

#include "common/io/http_router.h"
#include "dataplane/admin/admin_source.h"

namespace chain429 {

// Routes of the proxy's admin port: /live, /ready, /metrics, /config_dump, /pools, /log, POST /drain. `source` must
// outlive the router.
Router AdminRoutes(const AdminSource& source);

// The read-only part alone, for --probe-listen: /live, /ready, /metrics.
Router ProbeRoutes(const AdminSource& source);

}  // namespace chain429
