#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// What must not be forgotten of a pool when every process stops. Times are wall-clock, as nothing else survives.
struct PoolMemory {
  struct Mark {
    Unit unit = Unit::kRequests;
    WindowSpec window;
    int64_t used = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  std::string key;
  absl::Time at;            // when this was true
  Closure closure = Closure::kNone;
  absl::Time closed_until;
  bool authoritative = false;
  std::vector<Limit> learnt;  // from headers
  int64_t inferred = 0;       // requests per minute, from refusals; 0: none
  std::vector<Mark> marks;  // windows of an hour and more
};

}  // namespace chain429
