#include "common/model/snapshot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr std::string_view kFree = ":free";

// A credential with limits of its own is a target of its own within its group.
struct Slot {
  std::string group;
  std::vector<uint32_t> credentials;
};

std::vector<Slot> SlotsOf(const Provider& provider) {
  std::vector<Slot> slots;
  if (provider.credentials.empty()) slots.push_back({});
  for (uint32_t i = 0; i < provider.credentials.size(); ++i) {
    const Credential& credential = provider.credentials[i];
    const bool own = !credential.limits.empty();
    const auto same = std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) {
      return !own && slot.group == credential.group && provider.credentials[slot.credentials.front()].limits.empty();
    });
    if (same != slots.end()) {
      same->credentials.push_back(i);
    } else {
      slots.push_back({credential.group, {i}});
    }
  }
  return slots;
}

std::string Joined(std::string_view a, std::string_view b) {
  return b.empty() ? std::string(a) : absl::StrCat(ToAbsl(a), "/", ToAbsl(b));
}

Pool MakePool(const Provider& provider, std::string key, std::vector<Limit> limits) {
  Pool pool;
  pool.id = PoolId(StableId(key));
  pool.key = std::move(key);
  pool.limits = std::move(limits);
  pool.tokens = provider.tokens;
  pool.charging = provider.charging;
  pool.rates = DearestRates(provider);
  pool.when_disconnected = provider.when_disconnected;
  return pool;
}

// The key of the pool that the provider's own limits belong to.
std::string QuotaKey(const Provider& provider, const std::string& account, std::string_view model) {
  switch (provider.pool_scope) {
    case PoolScope::kGroup:
      return account;
    case PoolScope::kModel:
      return Joined(account, model);
    case PoolScope::kFreeModels:
      return model.ends_with(kFree) ? absl::StrCat(account, "/", ToAbsl(kFree)) : account;
  }
  return account;
}

// Limits of the kind hold unless the user wrote one for the same unit and length. Where they are those of free models
// they hold for no others.
std::vector<Limit> QuotaLimits(const Provider& provider, std::string_view model) {
  std::vector<Limit> limits = provider.limits;
  if (provider.pool_scope == PoolScope::kFreeModels && !model.ends_with(kFree)) return limits;
  for (const Limit& known : provider.catalogue_limits) {
    const bool overridden = std::any_of(provider.limits.begin(), provider.limits.end(), [&](const Limit& own) {
      return own.unit == known.unit && own.window.length == known.window.length;
    });
    if (!overridden) limits.push_back(known);
  }
  return limits;
}

void AddPool(TargetPlan& plan, Pool pool) {
  plan.target.pools.push_back(pool.id);
  plan.pools.push_back(std::move(pool));
}

void AddByName(Snapshot& snapshot, const std::string& name, uint32_t index) {
  if (name.empty()) return;
  const Target& target = snapshot.targets[index];
  std::vector<uint32_t>& named = snapshot.targets_by_canonical[name];
  const bool known = std::any_of(named.begin(), named.end(), [&](uint32_t other) {
    const Target& before = snapshot.targets[other];
    return before.provider == target.provider && before.model == target.model && before.group == target.group &&
           before.credentials == target.credentials;
  });
  if (!known) named.push_back(index);
}

}  // namespace

std::optional<CreditRates> DearestRates(const Provider& provider) {
  std::optional<CreditRates> dearest;
  for (const ModelLimits& model : provider.models) {
    if (!model.rates) continue;
    if (!dearest) dearest.emplace();
    dearest->request = std::max(dearest->request, model.rates->request);
    dearest->input = std::max(dearest->input, model.rates->input);
    dearest->output = std::max(dearest->output, model.rates->output);
  }
  return dearest;
}

std::vector<TargetPlan> PlanTargets(const std::vector<Provider>& providers, uint32_t provider_index,
                                    std::string_view model, std::string_view owner,
                                    const std::vector<Limit>& target_limits) {
  const Provider& provider = providers[provider_index];
  const auto known = std::find_if(provider.models.begin(), provider.models.end(),
                                  [&](const ModelLimits& m) { return m.model == model; });
  std::vector<TargetPlan> plans;
  for (Slot& slot : SlotsOf(provider)) {
    TargetPlan plan;
    const std::string account = Joined(provider.name, slot.group);
    plan.target.name = absl::StrCat(provider.name, "/", ToAbsl(model));
    plan.target.provider = provider_index;
    plan.target.group = slot.group;
    plan.target.model = std::string(model);
    plan.target.credentials = std::move(slot.credentials);
    AddPool(plan, MakePool(provider, QuotaKey(provider, account, model), QuotaLimits(provider, model)));
    std::string key = absl::StrCat(account, "|", ToAbsl(model));
    if (!plan.target.credentials.empty()) {
      const Credential& credential = provider.credentials[plan.target.credentials.front()];
      if (!credential.limits.empty()) {
        Pool pool = MakePool(provider, absl::StrCat(account, "#", credential.name), credential.limits);
        pool.learns = false;
        AddPool(plan, std::move(pool));
        absl::StrAppend(&key, "#", credential.name);
      }
    }
    if (!owner.empty() && !target_limits.empty()) {
      Pool pool = MakePool(provider, absl::StrCat(ToAbsl(owner), "@", account), target_limits);
      pool.learns = false;
      AddPool(plan, std::move(pool));
      absl::StrAppend(&key, "@", ToAbsl(owner));
    }
    Pool narrow = MakePool(provider, absl::StrCat(account, "|", ToAbsl(model)),
                           known == provider.models.end() ? std::vector<Limit>{} : known->limits);
    narrow.learns = false;
    narrow.rates = known == provider.models.end() ? std::nullopt : known->rates;
    AddPool(plan, std::move(narrow));
    plan.target.id = TargetId(StableId(key));
    plan.target.context = known == provider.models.end() ? 0 : known->context;
    plans.push_back(std::move(plan));
  }
  return plans;
}

absl::Status Snapshot::Index() {
  chain_by_name.clear();
  provider_by_name.clear();
  targets_by_canonical.clear();
  target_by_id.clear();
  pool_by_id.clear();
  for (uint32_t i = 0; i < pools.size(); ++i) {
    if (!pool_by_id.emplace(pools[i].id.value(), i).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("pools[", i, "]: \"", pools[i].key, "\" has the id of another pool"));
    }
  }
  for (uint32_t i = 0; i < providers.size(); ++i) {
    if (!provider_by_name.emplace(providers[i].name, i).second) {
      return absl::InvalidArgumentError(absl::StrCat("providers[", i, "]: \"", providers[i].name, "\" is there twice"));
    }
  }
  for (uint32_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    if (target.provider >= providers.size())
      return absl::InvalidArgumentError(absl::StrCat("targets[", i, "].provider: out of range"));
    const Provider& provider = providers[target.provider];
    for (const uint32_t credential : target.credentials) {
      if (credential >= provider.credentials.size()) {
        return absl::InvalidArgumentError(absl::StrCat("targets[", i, "].credentials: out of range"));
      }
    }
    if (target.pools.empty()) return absl::InvalidArgumentError(absl::StrCat("targets[", i, "].pools: empty"));
    for (const PoolId pool : target.pools) {
      if (!pool_by_id.contains(pool.value()))
        return absl::InvalidArgumentError(absl::StrCat("targets[", i, "].pools: unknown pool"));
    }
    if (!target_by_id.emplace(target.id.value(), i).second) {
      return absl::InvalidArgumentError(absl::StrCat("targets[", i, "]: \"", target.name, "\" is there twice"));
    }
    for (const ModelLimits& model : provider.models) {
      if (model.model != target.model) continue;
      AddByName(*this, model.canonical, i);
      for (const std::string& alias : model.aliases) AddByName(*this, alias, i);
    }
  }
  for (uint32_t i = 0; i < chains.size(); ++i) {
    for (const uint32_t target : chains[i].targets) {
      if (target >= targets.size())
        return absl::InvalidArgumentError(absl::StrCat("chains[", i, "].targets: out of range"));
    }
    if (chains[i].targets.empty()) return absl::InvalidArgumentError(absl::StrCat("chains[", i, "].targets: empty"));
    if (!chain_by_name.emplace(chains[i].name, i).second) {
      return absl::InvalidArgumentError(absl::StrCat("chains[", i, "]: \"", chains[i].name, "\" is there twice"));
    }
  }
  for (uint32_t i = 0; i < chains.size(); ++i) {
    for (const std::string& alias : chains[i].aliases) {
      if (!chain_by_name.emplace(alias, i).second) {
        return absl::InvalidArgumentError(absl::StrCat("chains[", i, "].aliases: \"", alias, "\" is there twice"));
      }
    }
  }
  if (!default_chain.empty() && !chain_by_name.contains(default_chain)) {
    return absl::InvalidArgumentError(absl::StrCat("default_chain: there is no chain \"", default_chain, "\""));
  }
  return absl::OkStatus();
}

}  // namespace chain429
