#pragma once

#include <optional>

#include "absl/time/time.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"

namespace chain429 {

// What a failure closes. `lasts`: whether the provider itself says for how long, without which passing trouble
// (overloaded) closes nothing.
Closure ClosureOf(ErrorClass error_class, bool lasts);

// A pool that an attempt's end closes, for the proxy that met it, until the control plane says how long.
struct Closing {
  PoolId pool;
  Closure closure = Closure::kNone;
  absl::Duration wait;
};

// `credential`: the pool of the credential that was used; 0: none was. Absent: nothing closes.
std::optional<Closing> ClosingOf(const Verdict& verdict, const Target& target, PoolId credential);

}  // namespace chain429
