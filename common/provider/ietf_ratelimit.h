#pragma once

#include <string_view>
#include <vector>

#include "common/model/settlement.h"

namespace chain429 {

// Reads the fields of draft-ietf-httpapi-ratelimit-headers: RateLimit (`"default";r=50;t=30`) and RateLimit-Policy
// (`"default";q=100;w=60`), both lists, joined by the policy's name. Older drafts' `limit=100, remaining=50, reset=30`
// and `100;w=60` are read too. Either may be empty. Policies that count neither requests nor tokens
// (`qu="content-bytes"`) are passed over. Appends; looks at no more than 8 items of each.
void ReadIetfRateLimit(std::string_view state, std::string_view policy, std::vector<Reading>& out);

}  // namespace chain429
