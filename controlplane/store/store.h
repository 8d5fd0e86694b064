#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controlplane/quota/pool_memory.h"

namespace chain429 {

// What outlives the process. Blocking: each store is called from one thread, which is not the one that grants permits.
class Store {
 public:
  virtual ~Store() = default;
  // Replaces what is known of these pools. When it returns OK, it will be there after a crash.
  virtual absl::Status SavePools(const std::vector<PoolMemory>& pools) = 0;
  virtual absl::StatusOr<std::vector<PoolMemory>> LoadPools() = 0;
};

// "memory:" forgets everything with the process; "sqlite:PATH" keeps it in a file. An error says what is wrong with the
// name or the file.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& name);

}  // namespace chain429
