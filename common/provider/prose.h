#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// What providers say in sentences for people, and nowhere else. Texts are read up to 8 KiB.

// The wait in "try again in 2m59.56s", "retry after 2 seconds", "Please wait 55 seconds", "will reset after
// 156h14m36s", "again in 7 minutes". Numbers without a unit, and durations that no such words stand before, are not
// waits.
std::optional<absl::Duration> FindDelay(std::string_view text);

// A limit as a sentence states it.
struct StatedLimit {
  Unit unit = Unit::kRequests;
  absl::Duration window;   // 0: not named
  int64_t limit = -1;      // -1 each: not stated
  int64_t used = -1;
  int64_t requested = -1;
};

// "on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619", "limited to 50 requests per minute", "20 API
// calls / minute", "limit of 15 per 60s". At most 8.
std::vector<StatedLimit> FindLimits(std::string_view text);

}  // namespace chain429
