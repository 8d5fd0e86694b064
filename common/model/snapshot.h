#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/base/log_settings.h"
#include "common/base/secret.h"
#include "common/model/pool.h"

namespace chain429 {

// Where a provider listens; parsed from base_url.
struct Endpoint {
  bool tls = false;
  std::string host;         // without brackets
  uint16_t port = 80;
  std::string path;         // base_url's path without a trailing slash: "/v1"
  std::string host_header;  // as it goes into `Host:`
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

struct Credential {
  std::string name;
  std::string group;  // the pool group it belongs to
  PoolId pool;        // closes when the credential is refused
  std::vector<Limit> limits;  // its own, beside those of its group
  Secret key;         // empty: send no Authorization, unless one of the next two is set
  std::string proxy_env;   // resolved by the proxy itself
  std::string proxy_file;  // likewise
  bool usable = true;      // false: its variable or file is missing
};

// Which of a provider's requests share one pool of limits.
enum class PoolScope : uint8_t { kGroup, kModel, kFreeModels };

struct ModelLimits {
  std::string model;
  std::vector<Limit> limits;
  int64_t context = 0;     // tokens; 0: unknown
  std::string canonical;
  std::vector<std::string> aliases;  // further names that mean it, beside the canonical one
  std::optional<CreditRates> rates;  // none: not known
};

struct Provider {
  std::string name;
  std::string kind;
  Endpoint endpoint;
  std::vector<Header> headers;          // sent with every call, configured names kept
  std::string catalogue_entry;          // JSON of the catalogue's entry for `kind`: header, error, parameter rules
  std::vector<Credential> credentials;  // in file order; empty: one group "", no key
  std::vector<Limit> limits;            // hold for each pool of the provider
  PoolScope pool_scope = PoolScope::kGroup;
  std::vector<Limit> catalogue_limits;  // known limits of the kind for models without an entry; provenance kCatalogue
  std::vector<ModelLimits> models;
  TokenPolicy tokens = TokenPolicy::kP95;
  ChargeRule charging;
  WhenDisconnected when_disconnected = WhenDisconnected::kShare;
  absl::Duration first_token = absl::ZeroDuration();  // the kind's own timeout, where a chain says nothing; 0: none
  bool ask_usage = true;  // the provider is known to take stream_options.include_usage
  bool enabled = true;
};

// Provider + model + the credentials of one group. Several credentials of a group rotate.
struct Target {
  TargetId id;
  std::string name;  // "groq/openai/gpt-oss-120b": what people see
  uint32_t provider = 0;  // index into Snapshot::providers
  std::string group;
  std::string model;
  std::vector<uint32_t> credentials;  // indexes into Provider::credentials; empty: no key is sent
  std::vector<PoolId> pools;  // wide to narrow; the first is the quota pool that readings speak of,
                              // the last closes for this model alone
  int64_t context = 0;  // tokens; 0: unknown
};

enum class Routing : uint8_t { kOrdered, kFastest, kSpread };

struct Timeouts {
  absl::Duration connect = absl::Seconds(3);
  absl::Duration first_token = absl::Seconds(60);
  absl::Duration idle = absl::Seconds(60);
  absl::Duration total = absl::Minutes(10);
  absl::Duration keepalive = absl::ZeroDuration();  // 0: no keep-alive comments before the first content
  bool first_token_chosen = false;  // the configuration says first_token: it holds for slow providers too
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Chain {
  std::string name;
  std::vector<std::string> aliases;
  std::vector<uint32_t> targets;  // indexes into Snapshot::targets, chains within chains flattened
  Routing routing = Routing::kOrdered;
  int max_attempts = 8;
  Timeouts timeouts;
  absl::Duration wait = absl::ZeroDuration();
};

// A client of the proxy. Only a SHA-256 of its key leaves the control plane.
struct ClientKey {
  std::string name;
  std::string sha256;  // 32 raw bytes
  std::vector<std::string> chains;  // empty: all
};

// An immutable, versioned view of configuration. Built by the control plane, checked and indexed by whoever receives
// it, then shared by pointer and never changed.
struct Snapshot {
  Version version;
  std::vector<Provider> providers;
  std::vector<Pool> pools;
  std::vector<Target> targets;
  std::vector<Chain> chains;
  std::vector<ClientKey> client_keys;
  std::string default_chain;
  bool auth_required = false;
  LogSettings log;

  // Built by Index().
  absl::flat_hash_map<std::string, uint32_t> chain_by_name;  // names and aliases
  absl::flat_hash_map<std::string, uint32_t> provider_by_name;
  // Canonical names and aliases. Targets with limits of a chain's line are left out: they are the same model on the
  // same account once more.
  absl::flat_hash_map<std::string, std::vector<uint32_t>> targets_by_canonical;
  absl::flat_hash_map<uint64_t, uint32_t> target_by_id;
  absl::flat_hash_map<uint64_t, uint32_t> pool_by_id;

  // Checks every cross-reference (indexes in range, pools known, names unique) and builds the maps. An error names the
  // path.
  absl::Status Index();
};

// The highest of each rate that a model of the provider has; none if none has any.
std::optional<CreditRates> DearestRates(const Provider& provider);

// The target and pools that `provider`/`model` has on each credential group, in file order: the one place where limits
// become pools. `owner` distinguishes limits written on a chain's target ("chains.coding.targets[groq/m]");
// `target_limits` are those.
struct TargetPlan {
  Target target;
  std::vector<Pool> pools;
};
std::vector<TargetPlan> PlanTargets(const std::vector<Provider>& providers, uint32_t provider, std::string_view model,
                                    std::string_view owner = {}, const std::vector<Limit>& target_limits = {});

}  // namespace chain429
