#pragma once

#include <vector>

#include "common/config/fields.h"
#include "common/model/snapshot.h"

namespace chain429 {

// The value of `headers:` under `parent`: sent with every call to the provider. Refuses what would break the request's
// framing, what the proxy sets itself, and keys, which belong under credentials: there they are never shown. Values are
// treated as secrets all the same.
std::vector<Header> ReadHeaders(ConfigFields& parent);

}  // namespace chain429
