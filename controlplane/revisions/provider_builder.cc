#include "controlplane/revisions/provider_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"

namespace chain429 {
namespace {

// The group of credentials for which nothing else is said. Never empty, so that "provider/group/model" cannot be read
// in two ways.
constexpr std::string_view kDefaultGroup = "default";

bool SameWindow(const Limit& a, const Limit& b) { return a.unit == b.unit && a.window.length == b.window.length; }

bool Overridden(const Limit& known, const std::vector<Limit>& configured) {
  return std::any_of(configured.begin(), configured.end(), [&](const Limit& own) { return SameWindow(own, known); });
}

WindowSpec WindowOf(size_t key, const ProviderConfig& config, const CatalogueEntry& entry) {
  WindowSpec window;
  if (const auto& chosen = config.windows[key]; chosen) {
    window = *chosen;
  } else if (const auto known = entry.windows.find(kLimitKeys[key].name); known != entry.windows.end()) {
    window = known->second;
  }
  window.length = kLimitKeys[key].window;
  return window;
}

// The catalogue's limits move as the configuration's `windows:` say.
std::vector<Limit> WithChosenWindows(std::vector<Limit> limits, const ProviderConfig& config) {
  for (Limit& limit : limits) {
    for (size_t i = 0; i < kLimitKeys.size(); ++i) {
      const auto& chosen = config.windows[i];
      if (chosen && limit.unit == kLimitKeys[i].unit && limit.window.length == kLimitKeys[i].window)
        limit.window = *chosen;
    }
  }
  return limits;
}

std::string GroupOf(const CredentialConfig& credential, const CatalogueEntry& entry) {
  if (!credential.pool.empty()) return credential.pool;
  return entry.pool_per_credential ? credential.name : std::string(kDefaultGroup);
}

Credential BuildCredential(const CredentialConfig& config, const ResolvedCredential& resolved,
                           const ProviderConfig& provider, const CatalogueEntry& entry) {
  Credential credential;
  credential.name = config.name;
  credential.group = GroupOf(config, entry);
  credential.limits = BuildLimits(config.limits, provider, entry);
  credential.key = resolved.key;
  if (config.source.kind == SecretSource::Kind::kProxyEnv) credential.proxy_env = config.source.name;
  if (config.source.kind == SecretSource::Kind::kProxyFile) credential.proxy_file = config.source.name;
  credential.usable = resolved.usable;
  return credential;
}

const CatalogueModel* FindModel(const CatalogueEntry& entry, std::string_view name) {
  const auto found = std::find_if(entry.models.begin(), entry.models.end(),
                                  [&](const CatalogueModel& model) { return model.id == name; });
  return found == entry.models.end() ? nullptr : &*found;
}

ModelLimits BuildModel(const ModelConfig& config, const CatalogueModel* known, const ProviderConfig& provider,
                       const CatalogueEntry& entry) {
  ModelLimits model;
  model.model = config.name;
  model.limits = BuildLimits(config.limits, provider, entry);
  model.context = config.context > 0 || known == nullptr ? config.context : known->context;
  // A model that nobody gave a shared name is known by its own.
  model.canonical = !config.canonical.empty() ? config.canonical : known == nullptr ? config.name : known->canonical;
  if (config.canonical.empty() && known != nullptr) model.aliases = known->aliases;
  model.rates = config.rates || known == nullptr ? config.rates : known->rates;
  return model;
}

std::vector<ModelLimits> BuildModels(const ProviderConfig& config, const CatalogueEntry& entry) {
  std::vector<ModelLimits> models;
  for (const ModelConfig& model : config.models)
    models.push_back(BuildModel(model, FindModel(entry, model.name), config, entry));
  for (const CatalogueModel& known : entry.models) {
    const bool configured = std::any_of(config.models.begin(), config.models.end(),
                                        [&](const ModelConfig& own) { return own.name == known.id; });
    if (!configured) models.push_back({known.id, {}, known.context, known.canonical, known.aliases, known.rates});
  }
  // Where all models share a pool, what is known of one model can only stand beside it.
  if (entry.pool_scope != PoolScope::kModel) {
    for (ModelLimits& model : models) {
      for (Limit& limit : CatalogueModelLimits(config, entry, model.model)) model.limits.push_back(std::move(limit));
    }
  }
  return models;
}

}  // namespace

std::vector<Limit> BuildLimits(const LimitAmounts& amounts, const ProviderConfig& config, const CatalogueEntry& entry) {
  std::vector<Limit> limits;
  for (size_t i = 0; i < kLimitKeys.size(); ++i) {
    if (amounts[i])
      limits.push_back({kLimitKeys[i].unit, *amounts[i], WindowOf(i, config, entry), Provenance::kConfigured});
  }
  return limits;
}

std::vector<Limit> CatalogueModelLimits(const ProviderConfig& config, const CatalogueEntry& entry,
                                        std::string_view model) {
  const CatalogueModel* known = FindModel(entry, model);
  if (known == nullptr) return {};
  std::vector<Limit> configured = BuildLimits(config.limits, config, entry);
  const auto own = std::find_if(config.models.begin(), config.models.end(),
                                [&](const ModelConfig& candidate) { return candidate.name == model; });
  if (own != config.models.end()) {
    for (const Limit& limit : BuildLimits(own->limits, config, entry)) configured.push_back(limit);
  }
  std::vector<Limit> limits = WithChosenWindows(known->limits, config);
  std::erase_if(limits, [&](const Limit& limit) { return Overridden(limit, configured); });
  return limits;
}

std::string CredentialPoolKey(const Provider& provider, const Credential& credential) {
  return credential.group.empty() ? absl::StrCat(provider.name, "#", credential.name)
                                  : absl::StrCat(provider.name, "/", credential.group, "#", credential.name);
}

Provider BuildProvider(const ProviderConfig& config, const CatalogueEntry& entry,
                       const std::vector<ResolvedCredential>& credentials) {
  Provider provider;
  provider.name = config.name;
  provider.kind = config.kind;
  provider.endpoint = config.endpoint;
  provider.headers = config.headers;
  provider.catalogue_entry = entry.json;
  provider.limits = BuildLimits(config.limits, config, entry);
  provider.pool_scope = entry.pool_scope;
  provider.catalogue_limits = WithChosenWindows(entry.limits, config);
  provider.models = BuildModels(config, entry);
  provider.tokens = config.tokens;
  provider.charging = entry.charging;
  provider.when_disconnected = config.when_disconnected;
  provider.first_token = entry.first_token;
  provider.ask_usage = entry.ask_usage;
  provider.enabled = config.enabled;
  for (size_t i = 0; i < config.credentials.size(); ++i) {
    Credential credential = BuildCredential(config.credentials[i], credentials[i], config, entry);
    credential.pool = PoolId(StableId(CredentialPoolKey(provider, credential)));
    provider.credentials.push_back(std::move(credential));
  }
  return provider;
}

}  // namespace chain429
