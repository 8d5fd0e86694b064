#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlplane/store/store.h"

namespace chain429 {

class MemoryStore final : public Store {
 public:
  absl::Status SavePools(const std::vector<PoolMemory>& pools) override;
  absl::StatusOr<std::vector<PoolMemory>> LoadPools() override;

 private:
  std::map<std::string, PoolMemory> pools_;
};

}  // namespace chain429
