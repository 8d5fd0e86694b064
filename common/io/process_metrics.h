#pragma once

#include "common/io/prometheus_text.h"

namespace chain429 {

// Memory, processor time, open files and start of this process, under the names that Prometheus' client libraries give
// them. What the system does not tell is left out.
void AppendProcessMetrics(PrometheusText& out);

}  // namespace chain429
