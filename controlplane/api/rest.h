#pragma once

#include "common/io/http_router.h"
#include "controlplane/api/admin_service.h"

namespace chain429 {

// The HTTP routes of 4293: probes, metrics, and the state as JSON. `service` must outlive the router. For the thread
// that may call it.
Router RestRoutes(AdminService& service);

// The part that shows no configuration, for --probe-listen: /live, /ready, /metrics.
Router ProbeRoutes(AdminService& service);

}  // namespace chain429
