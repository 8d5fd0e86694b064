#pragma once

#include <string>

#include "chain429/v1/admin.pb.h"

namespace chain429 {

// "rpm", "tpd", "concurrency", and for windows without such a name "requests per 1h".
std::string LimitName(const v1::Limit& limit);

// "rpm 12/30", and for a used-up one "rpm 30/30 (free in 14 s)".
std::string LimitText(const v1::LimitInfo& limit);

// "open", "rate limited for 42 s", "quota exhausted for 3 h (a guess)".
std::string PoolStateText(const v1::PoolInfo& pool);

}  // namespace chain429
