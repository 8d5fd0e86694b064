#pragma once

#include <memory>
#include <vector>

#include "common/model/snapshot.h"
#include "dataplane/admin/admin_source.h"

namespace chain429 {

// A proxy without workers' threads: the test writes what the admin port shows.
struct FakeSource {
  FakeSource() {
    source.snapshot = [this] { return snapshot; };
    source.status = [this] { return status; };
    source.pools = [this] { return pools; };
    source.drain = [this] { ++drains; };
    source.workers = {&workers[0], &workers[1]};
  }

  std::shared_ptr<const Snapshot> snapshot;
  ProxyStatus status;
  std::vector<PoolView> pools;
  int drains = 0;
  WorkerCounters workers[2];
  AdminSource source;
};

// One provider "groq" with a key, one chain "coding".
inline std::shared_ptr<Snapshot> SmallSnapshot() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = Version(7);
  Provider provider;
  provider.name = "groq";
  provider.kind = "groq";
  provider.endpoint = {true, "api.groq.com", 443, "/openai/v1", "api.groq.com"};
  provider.headers = {{"x-gateway-key", "gateway-secret-value"}};
  Credential credential;
  credential.name = "main";
  credential.group = "main";
  credential.key = Secret("gsk_0123456789abcdef");
  credential.pool = PoolId(StableId("groq/main"));
  provider.credentials.push_back(credential);
  snapshot->providers.push_back(provider);
  for (TargetPlan& plan : PlanTargets(snapshot->providers, 0, "gpt-oss-120b")) {
    snapshot->targets.push_back(plan.target);
    for (Pool& pool : plan.pools) snapshot->pools.push_back(pool);
  }
  Chain chain;
  chain.name = "coding";
  chain.targets = {0};
  snapshot->chains.push_back(chain);
  ClientKey key;
  key.name = "app";
  key.sha256 = std::string(32, '\xAB');
  snapshot->client_keys.push_back(key);
  return snapshot;
}

}  // namespace chain429
