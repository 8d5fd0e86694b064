#pragma once

#include <atomic>
#include <cstdint>

namespace chain429 {

// What the composition root counts, for metrics. Any thread.
struct ControlCounters {
  std::atomic<uint64_t> store_writes{0};
  std::atomic<uint64_t> store_failures{0};
  std::atomic<int64_t> config_taken_at_millis{0};  // wall clock; 0: never
};

}  // namespace chain429
