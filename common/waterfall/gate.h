#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/model/pool.h"

namespace chain429 {

// What stands between a request and a target now.
enum class Gate : uint8_t {
  kFree,       // no limit known: call it, no permit needed
  kSpare,      // limited, and a permit is at hand
  kAsk,        // limited: ask the control plane
  kShare,      // limited, the control plane is away, and the safe share of its pools still allows a call
  kClosed,     // a cooldown, or all its credentials refused
  kExhausted,  // limited, the control plane is away, and the share is used up
  kUnfit,      // the target cannot take this request
};

struct GateView {
  Gate gate = Gate::kFree;
  Closure closure = Closure::kNone;  // with kClosed
  MonoTime until;                    // with kClosed and kExhausted: when it may open
};

}  // namespace chain429
