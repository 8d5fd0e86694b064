#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/model/permit.h"
#include "common/model/snapshot.h"
#include "common/provider/rules.h"
#include "common/waterfall/capacity.h"
#include "dataplane/upstream/upstream_pool.h"

namespace chain429 {

// A target made ready for calls: the bytes of its request head, its rules, its place in the connection pool.
struct Route {
  const Target* target = nullptr;
  const Provider* provider = nullptr;
  const ProviderRules* rules = nullptr;
  UpstreamHost* host = nullptr;
  std::string head;             // request line, Host, configured headers; ends after a CRLF
  std::string model_json;       // the model's name as a JSON string, quotes included
  const std::vector<Secret>* auth_fields =
      nullptr;  // one line for each of the provider's credentials; empty: none is sent
  absl::Duration first_token;   // longest time to the first content of a stream
  bool dynamic = false;         // not in the snapshot

  Candidate ToCandidate() const;
};

// A request's `model`, resolved: what to walk and how.
struct ResolvedChain {
  std::string name;             // the chain's, or the model as asked for
  bool is_chain = false;        // false: a model called directly
  std::vector<Route> routes;
  Timeouts timeouts;
  int max_attempts = 8;
  absl::Duration wait;
  std::deque<Target> owned;     // dynamic targets
  CapacityPlan capacity;        // of `routes`
};

// A worker's view of one snapshot. Belongs to that worker: requests pin it by a pointer whose count no other core
// touches.
class RouteTable {
 public:
  static absl::StatusOr<std::unique_ptr<RouteTable>> Build(std::shared_ptr<const Snapshot> snapshot,
                                                           UpstreamPool& pool);

  const Snapshot& snapshot() const { return *snapshot_; }
  // In this order: chain or alias; provider/model; canonical model; default chain. Null: there is no such model.
  std::shared_ptr<const ResolvedChain> Resolve(std::string_view model);

 private:
  struct ProviderPlan {
    std::unique_ptr<const ProviderRules> rules;
    UpstreamHost* host = nullptr;
    std::string head;
    std::vector<Secret> auth_fields;
  };
  explicit RouteTable(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  Route MakeRoute(const Target& target, const Timeouts& timeouts, bool dynamic) const;
  std::shared_ptr<const ResolvedChain> MakeDirect(std::string_view model);
  std::shared_ptr<const ResolvedChain> MakeCanonical(std::string_view model);

  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<ProviderPlan> plans_;                                            // by provider index
  std::vector<std::shared_ptr<const ResolvedChain>> chains_;                   // by chain index
  absl::flat_hash_map<std::string, std::shared_ptr<const ResolvedChain>> direct_;  // asked for by clients, bounded
};

}  // namespace chain429
