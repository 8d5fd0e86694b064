#include "common/base/clock.h"

#include <time.h>

namespace chain429 {

Now SystemClock::Read() const {
  timespec mono{};
  timespec wall{};
  clock_gettime(CLOCK_MONOTONIC, &mono);
  clock_gettime(CLOCK_REALTIME, &wall);
  return Now{MonoTime::FromNanos(int64_t{mono.tv_sec} * 1'000'000'000 + mono.tv_nsec), absl::TimeFromTimespec(wall)};
}

}  // namespace chain429
