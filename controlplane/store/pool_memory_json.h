#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "controlplane/quota/pool_memory.h"

namespace chain429 {

// A pool's memory as one line of JSON, and back. What does not fit (another release wrote it) is an error.
std::string PoolMemoryToJson(const PoolMemory& memory);
absl::StatusOr<PoolMemory> PoolMemoryFromJson(std::string_view text);

}  // namespace chain429
