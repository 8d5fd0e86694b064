#include "controlplane/store/memory_store.h"

namespace chain429 {

absl::Status MemoryStore::SavePools(const std::vector<PoolMemory>& pools) {
  for (const PoolMemory& pool : pools) pools_[pool.key] = pool;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PoolMemory>> MemoryStore::LoadPools() {
  std::vector<PoolMemory> pools;
  for (const auto& [key, pool] : pools_) pools.push_back(pool);
  return pools;
}

}  // namespace chain429
