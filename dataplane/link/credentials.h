#pragma once

#include "common/base/log.h"
#include "common/model/snapshot.h"

namespace chain429 {

// Fills in the credentials that this proxy resolves itself (`proxy_env`, `proxy_file`). What is missing or cannot stand
// in a header makes the credential unusable, with a warning that names the variable or file and never the value.
void ResolveProxyCredentials(Snapshot& snapshot, Logger& log);

}  // namespace chain429
