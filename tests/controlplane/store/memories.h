#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "controlplane/quota/pool_memory.h"

namespace chain429 {

// A memory in which every field holds something else than its default.
inline PoolMemory FullMemory(std::string key) {
  PoolMemory memory;
  memory.key = std::move(key);
  memory.at = absl::FromUnixNanos(1'780'000'000'123'456'789);
  memory.closure = Closure::kQuotaExhausted;
  memory.closed_until = absl::FromUnixNanos(1'780'000'099'000'000'001);
  memory.authoritative = true;
  memory.inferred = 17;
  const WindowSpec day{WindowKind::kFixed, absl::Hours(24), absl::Hours(7) + absl::Minutes(30), "America/Los_Angeles"};
  const WindowSpec hour{WindowKind::kBucket, absl::Hours(1), absl::ZeroDuration(), "UTC"};
  memory.learnt = {{Unit::kTokens, 8000, {}, Provenance::kStated},
                   {Unit::kOutputTokens, 0, hour, Provenance::kInferred}};
  const WindowSpec month{WindowKind::kFixed, kMonth, absl::ZeroDuration(), "UTC"};
  WindowSpec bursting = hour;
  bursting.burst = 12;
  memory.marks = {{Unit::kRequests, day, 999},
                  {Unit::kInputTokens, hour, 0},
                  {Unit::kCredits, month, 123'456'789},
                  {Unit::kRequests, bursting, 3}};
  return memory;
}

// Distinguishes one saving of a key from another.
inline PoolMemory Numbered(std::string key, int64_t number) {
  PoolMemory memory;
  memory.key = std::move(key);
  memory.at = absl::UnixEpoch();
  memory.closed_until = absl::UnixEpoch();
  memory.inferred = number;
  return memory;
}

// All that there is, comparable.
inline auto Fields(const PoolMemory& memory) {
  return std::tie(memory.key, memory.at, memory.closure, memory.closed_until, memory.authoritative, memory.learnt,
                  memory.inferred, memory.marks);
}

}  // namespace chain429
