#pragma once

#include <string>

#include "chain429/v1/admin.pb.h"

namespace chain429 {

// "rpm", "tpd", "concurrency", and for windows without such a name "requests per 1h".
std::string LimitName(const v1::Limit& limit);

// "fixed (stated 88 %)": how the window moves, who states the limit, how sure the kind is where nobody declares it; and
// "sliding (configured, seems fixed 91 %, 5 outside)".
std::string WindowText(const v1::LimitInfo& limit);

// "rpm 12/30 sliding (configured)", and a used-up one ends with " (free in 14 s)".
std::string LimitText(const v1::LimitInfo& limit);

// What is suspected of a pool's account; empty: nothing.
std::string PoolNote(const v1::PoolInfo& pool);

// "open", "rate limited for 42 s", "quota exhausted for 3 h (a guess)".
std::string PoolStateText(const v1::PoolInfo& pool);

}  // namespace chain429
