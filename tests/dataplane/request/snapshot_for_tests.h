#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/snapshot.h"

namespace chain429 {

// Builds a snapshot the way that the control plane does: targets and pools come from PlanTargets.
class SnapshotForTests {
 public:
  Provider& AddProvider(std::string name, std::vector<std::string> groups = {}) {
    Provider provider;
    provider.name = std::move(name);
    provider.endpoint.host = provider.name + ".test";
    provider.endpoint.host_header = provider.endpoint.host;
    provider.endpoint.path = "/v1";
    for (size_t i = 0; i < groups.size(); ++i) {
      Credential credential;
      credential.name = "key" + std::to_string(i);
      credential.group = groups[i];
      credential.key = Secret("secret-" + provider.name + std::to_string(i));
      credential.pool = PoolId(StableId(provider.name + "!" + credential.name));
      provider.credentials.push_back(std::move(credential));
    }
    snapshot_->providers.push_back(std::move(provider));
    return snapshot_->providers.back();
  }
  // Indexes of the model's targets, one a group.
  std::vector<uint32_t> AddTargets(uint32_t provider, std::string_view model) {
    std::vector<uint32_t> indexes;
    for (TargetPlan& plan : PlanTargets(snapshot_->providers, provider, model)) {
      indexes.push_back(static_cast<uint32_t>(snapshot_->targets.size()));
      snapshot_->targets.push_back(std::move(plan.target));
      for (Pool& pool : plan.pools) AddPool(std::move(pool));
    }
    return indexes;
  }
  Chain& AddChain(std::string name, std::vector<uint32_t> targets, std::vector<std::string> aliases = {}) {
    Chain chain;
    chain.name = std::move(name);
    chain.targets = std::move(targets);
    chain.aliases = std::move(aliases);
    snapshot_->chains.push_back(std::move(chain));
    return snapshot_->chains.back();
  }
  void ServesCanonical(uint32_t provider, std::string model, std::string canonical, int64_t context = 0) {
    snapshot_->providers[provider].models.push_back({.model = std::move(model),
                                                     .limits = {},
                                                     .context = context,
                                                     .canonical = std::move(canonical),
                                                     .aliases = {},
                                                     .rates = {}});
  }
  Snapshot& operator*() { return *snapshot_; }
  Snapshot* operator->() { return snapshot_.get(); }
  std::shared_ptr<const Snapshot> Done() {
    const absl::Status indexed = snapshot_->Index();
    EXPECT_TRUE(indexed.ok()) << indexed;
    return snapshot_;
  }

 private:
  void AddPool(Pool pool) {
    for (const Pool& known : snapshot_->pools) {
      if (known.id == pool.id) return;
    }
    snapshot_->pools.push_back(std::move(pool));
  }
  std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>();
};

}  // namespace chain429
