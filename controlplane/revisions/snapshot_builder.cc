#include "controlplane/revisions/snapshot_builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/revisions/provider_builder.h"
#include "controlplane/revisions/sha256.h"

namespace chain429 {
namespace {

class SnapshotBuilder {
 public:
  SnapshotBuilder(const ParsedConfig& parsed, const Catalogue& catalogue, const ResolvedSecrets& secrets,
                  ConfigProblems& problems)
      : parsed_(parsed), config_(parsed.config), catalogue_(catalogue), secrets_(secrets), problems_(problems) {}

  std::shared_ptr<const Snapshot> Build(Version version) {
    const size_t errors_before = problems_.errors();
    snapshot_->version = version;
    for (size_t i = 0; i < config_.providers.size(); ++i) {
      const ProviderConfig& provider = config_.providers[i];
      snapshot_->providers.push_back(BuildProvider(provider, *catalogue_.Find(provider.kind), secrets_.credentials[i]));
    }
    NameOwners();
    AddCredentialPools();
    AddPlainTargets();
    for (size_t i = 0; i < config_.chains.size(); ++i) AddChain(config_.chains[i], parsed_.chains[i]);
    AddClientKeys();
    snapshot_->default_chain = config_.default_chain.name;
    snapshot_->log = config_.log;
    if (problems_.errors() > errors_before) return nullptr;
    if (const absl::Status status = snapshot_->Index(); !status.ok()) {
      problems_.Error({1, 1}, "", absl::StrCat("cannot be served: ", status.message()));
      return nullptr;
    }
    return std::move(snapshot_);
  }

 private:
  void AddPool(Pool pool) {
    if (pools_.insert(pool.id.value()).second) snapshot_->pools.push_back(std::move(pool));
  }

  void AddCredentialPools() {
    for (const Provider& provider : snapshot_->providers) {
      for (const Credential& credential : provider.credentials) {
        Pool pool;
        pool.id = credential.pool;
        pool.key = CredentialPoolKey(provider, credential);
        pool.limits = credential.limits;
        pool.tokens = provider.tokens;
        pool.charging = provider.charging;
        pool.rates = DearestRates(provider);
        pool.when_disconnected = provider.when_disconnected;
        pool.learns = false;
        AddPool(std::move(pool));
      }
    }
  }

  // The pools of limits that stand on a chain's line are named by chain and target, so that what was used of them is
  // known again when lines are added or moved; the second such line of the same target is "chains.c.targets#2[p/m]".
  void NameOwners() {
    for (const ChainConfig& chain : config_.chains) {
      std::map<std::string, int> seen;
      for (const TargetConfig& target : chain.targets) {
        if (target.limits == LimitAmounts{}) continue;
        const std::string name = target.provider.name.empty()
                                     ? target.model.name
                                     : absl::StrCat(target.provider.name, "/", target.model.name);
        const int number = ++seen[name];
        owners_[&target] = number == 1 ? absl::StrCat(chain.path, ".targets[", name, "]")
                                       : absl::StrCat(chain.path, ".targets#", number, "[", name, "]");
      }
    }
  }

  // All targets without limits of their own stand first, by provider in file order: it is the order in which a
  // canonical model name is looked up.
  void AddPlainTargets() {
    std::vector<std::vector<std::string>> models(snapshot_->providers.size());
    for (size_t i = 0; i < models.size(); ++i) {
      for (const ModelLimits& model : snapshot_->providers[i].models) models[i].push_back(model.model);
    }
    for (const ResolvedChain& chain : parsed_.chains) {
      for (const ResolvedTarget& target : chain.targets) {
        if (target.written->limits == LimitAmounts{}) models[target.provider].push_back(target.model);
      }
    }
    for (size_t i = 0; i < models.size(); ++i) {
      if (!snapshot_->providers[i].enabled) continue;
      for (const std::string& model : models[i]) Plan(i, model, nullptr);
    }
  }

  void AddChain(const ChainConfig& config, const ResolvedChain& resolved) {
    Chain chain;
    chain.name = config.name;
    for (const ConfigReference& alias : config.aliases) chain.aliases.push_back(alias.name);
    chain.routing = config.routing;
    chain.max_attempts = config.max_attempts;
    chain.timeouts = config.timeouts;
    chain.wait = config.wait;
    for (const ResolvedTarget& target : resolved.targets) {
      const bool limited = target.written->limits != LimitAmounts{};
      for (const uint32_t index : Plan(target.provider, target.model, limited ? target.written : nullptr)) {
        if (std::find(chain.targets.begin(), chain.targets.end(), index) == chain.targets.end())
          chain.targets.push_back(index);
      }
    }
    if (chain.targets.empty()) {
      const std::string why =
          resolved.targets.empty() ? "every target or its provider is disabled" : "no target has a usable credential";
      problems_.Error(config.at, config.path, absl::StrCat("the chain has no usable target: ", why));
    }
    snapshot_->chains.push_back(std::move(chain));
  }

  // Indexes of the usable targets that `model` of a provider comes to, one a credential group, added where they are
  // new.
  const std::vector<uint32_t>& Plan(size_t provider_index, const std::string& model, const TargetConfig* limited) {
    const auto [planned, is_new] = planned_.try_emplace({provider_index, model, limited});
    if (!is_new) return planned->second;
    const Provider& provider = snapshot_->providers[provider_index];
    const ProviderConfig& config = config_.providers[provider_index];
    const CatalogueEntry& entry = *catalogue_.Find(config.kind);
    const std::vector<Limit> limits =
        limited == nullptr ? std::vector<Limit>{} : BuildLimits(limited->limits, config, entry);
    const std::string owner = limited == nullptr ? "" : owners_.at(limited);
    for (TargetPlan& plan :
         PlanTargets(snapshot_->providers, static_cast<uint32_t>(provider_index), model, owner, limits)) {
      std::vector<uint32_t>& credentials = plan.target.credentials;
      const bool open = credentials.empty();
      std::erase_if(credentials, [&](uint32_t credential) { return !provider.credentials[credential].usable; });
      if (credentials.empty() && !open) continue;
      FitQuotaPool(plan.pools.front(), config, entry, model);
      for (Pool& pool : plan.pools) AddPool(std::move(pool));
      planned->second.push_back(static_cast<uint32_t>(snapshot_->targets.size()));
      snapshot_->targets.push_back(std::move(plan.target));
    }
    return planned->second;
  }

  // PlanTargets gives every pool of a kind the kind's limits. What the catalogue knows of this very model replaces
  // them.
  void FitQuotaPool(Pool& pool, const ProviderConfig& config, const CatalogueEntry& entry, const std::string& model) {
    const auto from_catalogue = [](const Limit& limit) { return limit.provenance == Provenance::kCatalogue; };
    if (entry.pool_scope != PoolScope::kModel) return;
    const auto known = std::find_if(entry.models.begin(), entry.models.end(),
                                    [&](const CatalogueModel& candidate) { return candidate.id == model; });
    const bool has_own = known != entry.models.end() && !known->limits.empty();
    if (has_own) {
      std::erase_if(pool.limits, from_catalogue);
      for (Limit& limit : CatalogueModelLimits(config, entry, model)) pool.limits.push_back(std::move(limit));
      return;
    }
    const auto own = std::find_if(config.models.begin(), config.models.end(),
                                  [&](const ModelConfig& candidate) { return candidate.name == model; });
    if (own == config.models.end()) return;
    const std::vector<Limit> configured = BuildLimits(own->limits, config, entry);
    std::erase_if(pool.limits, [&](const Limit& limit) {
      return from_catalogue(limit) && std::any_of(configured.begin(), configured.end(), [&](const Limit& other) {
               return other.unit == limit.unit && other.window.length == limit.window.length;
             });
    });
  }

  void AddClientKeys() {
    // With keys configured nobody gets in without one, not even when every one of them is missing.
    snapshot_->auth_required = !config_.client_keys.empty();
    std::map<std::string, std::string> owners;
    for (size_t i = 0; i < config_.client_keys.size(); ++i) {
      const ClientKeyConfig& config = config_.client_keys[i];
      if (secrets_.client_keys[i].empty()) continue;
      ClientKey key;
      key.name = config.name;
      key.sha256 = Sha256(secrets_.client_keys[i].Reveal());
      for (const ConfigReference& chain : config.chains) key.chains.push_back(chain.name);
      const auto [owner, is_new] = owners.emplace(key.sha256, key.name);
      if (!is_new) {
        problems_.Error(config.source.at, config.source.path,
                        absl::StrCat("this key is the same as that of \"", owner->second, "\""));
        continue;
      }
      snapshot_->client_keys.push_back(std::move(key));
    }
  }

  const ParsedConfig& parsed_;
  const Config& config_;
  const Catalogue& catalogue_;
  const ResolvedSecrets& secrets_;
  ConfigProblems& problems_;
  std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>();
  std::set<uint64_t> pools_;
  std::map<std::tuple<size_t, std::string, const TargetConfig*>, std::vector<uint32_t>> planned_;
  std::map<const TargetConfig*, std::string> owners_;
};

}  // namespace

std::shared_ptr<const Snapshot> BuildSnapshot(const ParsedConfig& parsed, const Catalogue& catalogue,
                                              const ResolvedSecrets& secrets, Version version,
                                              ConfigProblems& problems) {
  return SnapshotBuilder(parsed, catalogue, secrets, problems).Build(version);
}

}  // namespace chain429
