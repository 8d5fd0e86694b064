#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "common/limits/estimate.h"
#include "common/model/permit.h"
#include "common/model/snapshot.h"
#include "controlplane/quota/account.h"

namespace chain429 {

// Every pool's account, by id: those of the snapshot, those of models that no snapshot lists, and those that can only
// be closed (credentials). What was used of a pool survives every change of the configuration that keeps its id.
class PoolBook {
 public:
  // Ids of pools whose closure ended because what was wrong with them changed (a credential's key).
  std::vector<PoolId> SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now);
  const Snapshot* snapshot() const { return snapshot_.get(); }

  PoolAccount* Find(PoolId id) {
    const auto it = accounts_.find(id);
    return it == accounts_.end() ? nullptr : it->second.get();
  }
  PoolAccount* FindByKey(const std::string& key);
  // Makes the pools of a target that no snapshot lists; nothing if its provider is not configured.
  void Derive(const Candidate& candidate, const Now& now);
  // For a pool of which nothing is known but its id: it can be closed.
  PoolAccount& FindOrMakeBare(PoolId id, const Now& now);

  // Clients can name models freely, and each name is a pool: those that hold nothing and were not used for ten minutes
  // go. Call it now and then; what was used of a day is remembered.
  void ForgetIdle(const Now& now);

  Estimator& EstimatorOf(TargetId target);

  // What is to be remembered of pools when they appear.
  void Recall(std::vector<PoolMemory> memories);

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [id, account] : accounts_) visit(*account);
  }
  size_t size() const { return accounts_.size(); }

 private:
  PoolAccount& Declare(const Pool& pool, bool by_snapshot, const Now& now);

  std::shared_ptr<const Snapshot> snapshot_;
  absl::flat_hash_map<PoolId, std::unique_ptr<PoolAccount>> accounts_;
  absl::flat_hash_map<TargetId, Version> derived_;  // from which snapshot
  absl::flat_hash_map<TargetId, Estimator> estimators_;
  absl::flat_hash_map<std::string, PoolMemory> memories_;
};

}  // namespace chain429
