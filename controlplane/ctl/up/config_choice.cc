#include "controlplane/ctl/up/config_choice.h"

#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/config/parse.h"
#include "common/config/zones.h"
#include "controlplane/ctl/init/starter_config.h"
#include "controlplane/ctl/text_file.h"
#include "controlplane/ctl/up/demo.h"

namespace chain429 {
namespace {

using Parsed = std::unique_ptr<const ParsedConfig>;

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

absl::StatusOr<Parsed> ReadConfig(const std::string& path, const Catalogue& catalogue) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ConfigProblems problems;
  Parsed parsed = ParseConfig(text, path, catalogue, LookUpZone, problems);
  if (parsed == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not valid:\n", FormatProblems(path, problems.Sorted()),
                                                      "Correct it; --demo starts without it."));
  }
  return parsed;
}

// The variables that its credentials are read from.
std::vector<std::string> KeyVariables(const Config& config) {
  std::vector<std::string> names;
  for (const ProviderConfig& provider : config.providers) {
    for (const CredentialConfig& credential : provider.credentials) {
      if (credential.source.kind == SecretSource::Kind::kEnv) names.push_back(credential.source.name);
    }
  }
  return names;
}

// Whether any provider of it could be called: with a key that is set, a key from elsewhere, or without one.
bool CanServe(const Config& config, const HasVariable& has) {
  const auto at_hand = [&](const CredentialConfig& credential) {
    return credential.source.kind != SecretSource::Kind::kEnv || has(credential.source.name);
  };
  return std::any_of(config.providers.begin(), config.providers.end(), [&](const ProviderConfig& provider) {
    return provider.enabled && (provider.credentials.empty() ||
                                std::any_of(provider.credentials.begin(), provider.credentials.end(), at_hand));
  });
}

// The folder of the plan, and the control plane's store in it. Cooldowns and what is used of a day outlive a restart.
absl::Status OpenState(const UpOptions& options, const UpEnvironment& environment, UpPlan& plan) {
  absl::StatusOr<std::unique_ptr<StateFolder>> folder =
      StateFolder::Open(options.state.empty() ? environment.state_folder : options.state);
  if (!folder.ok() && (options.config.empty() || !options.state.empty())) return folder.status();
  if (!folder.ok()) {
    plan.notes.push_back(absl::StrCat(folder.status().message(), " Until then nothing outlives this run."));
    return absl::OkStatus();
  }
  plan.state = *std::move(folder);
  if (environment.has_variable("CHAIN429_STORE")) return absl::OkStatus();  // the control plane reads it itself
  if (plan.state->claimed()) {
    plan.store = absl::StrCat("sqlite:", plan.state->StoreFile());
  } else {
    plan.store = "memory:";
    plan.notes.push_back(absl::StrCat("another `429ctl up` keeps its state in ", plan.state->path(),
                                      ": cooldowns of this one do not outlive it; --state DIR gives it a place"));
  }
  return absl::OkStatus();
}

void UseDemo(UpPlan& plan) {
  plan.demo = true;
  plan.chain = kDemoChain;
  plan.chains = {kDemoChain};
  plan.config.clear();
  plan.state.reset();
  plan.store.clear();
}

// The configuration of an earlier start. From then on it is its owner's.
absl::Status UseKept(const UpEnvironment& environment, const Catalogue& catalogue, const FoundKeys& keys,
                     UpPlan& plan) {
  ASSIGN_OR_RETURN(const Parsed parsed, ReadConfig(plan.config, catalogue));
  const std::vector<std::string> used = KeyVariables(parsed->config);
  const bool can_serve = used.empty() || CanServe(parsed->config, environment.has_variable);
  if (!can_serve && !keys.providers.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        plan.config, " uses ", absl::StrJoin(used, ", "), ", of which none is set; ",
        absl::StrJoin(keys.Variables(), ", "), " is, and it does not use that.\nHave it written anew with 429ctl init ",
        "--force --out ", plan.config, ", or add the key there."));
  }
  if (!can_serve) {
    plan.notes.push_back(absl::StrCat(plan.config, " is left alone, for none of its keys is set (",
                                      absl::StrJoin(used, ", "), "): these providers are simulated"));
    UseDemo(plan);
    return absl::OkStatus();
  }
  plan.notes.push_back(absl::StrCat("using ", plan.config, ", written before"));
  std::vector<std::string> unused;
  for (const std::string& name : keys.Variables()) {
    if (std::find(used.begin(), used.end(), name) == used.end()) unused.push_back(name);
  }
  if (!unused.empty())
    plan.notes.push_back(absl::StrCat("that file does not use ", absl::StrJoin(unused, ", "),
                                      ": add it there, or have it written anew: 429ctl init --force --out ",
                                      plan.config));
  return absl::OkStatus();
}

absl::Status WriteNew(const std::vector<LocalServer>& servers, const FoundKeys& keys, UpPlan& plan) {
  RETURN_IF_ERROR(WriteTextFile(plan.config, StarterConfig(keys.providers, servers, "429ctl up", LookUpZone)));
  plan.notes.push_back(
      absl::StrCat("wrote ", plan.config, " for ", absl::StrJoin(keys.Variables(), ", "), "; it is yours from now on"));
  for (const UnusedVariable& variable : keys.unused)
    plan.notes.push_back(absl::StrCat("left out ", variable.name, ": ", variable.why));
  return absl::OkStatus();
}

// A chain to call; without any, a model of a provider. It stands in quotes in the banner's examples.
std::string Callable(const Config& config) {
  if (!config.default_chain.name.empty()) return config.default_chain.name;
  if (!config.chains.empty()) return config.chains.front().name;
  const auto enabled = std::find_if(config.providers.begin(), config.providers.end(),
                                    [](const ProviderConfig& provider) { return provider.enabled; });
  if (enabled == config.providers.end()) return "";
  const bool named =
      !enabled->models.empty() && enabled->models.front().name.find_first_of("'\"\\") == std::string::npos;
  return absl::StrCat(enabled->name, "/", named ? enabled->models.front().name : "MODEL");
}

// What a client's key is called where the configuration does not name a variable of its own.
constexpr char kClientKey[] = "CHAIN429_API_KEY";

// The variable of a key that may call the plan's chain.
std::string ClientKeyVariable(const Config& config, const std::string& chain) {
  std::string variable = config.client_keys.empty() ? "" : kClientKey;
  for (const ClientKeyConfig& key : config.client_keys) {
    const bool may_call = key.chains.empty() || std::any_of(key.chains.begin(), key.chains.end(),
                                                            [&](const auto& granted) { return granted.name == chain; });
    if (may_call && key.source.kind == SecretSource::Kind::kEnv) variable = key.source.name;
  }
  return variable;
}

std::vector<FreeTier> Tiers(const Config& config, const Catalogue& catalogue) {
  std::vector<FreeTier> tiers;
  for (const ProviderConfig& provider : config.providers) {
    const CatalogueEntry* entry = catalogue.Find(provider.kind);
    const bool said =
        std::any_of(tiers.begin(), tiers.end(), [&](const auto& tier) { return tier.kind == entry->kind; });
    if (!provider.enabled || said || !entry->setup) continue;
    FreeTier tier = FreeTierOf(*entry);
    if (!tier.allowances.empty()) tiers.push_back(std::move(tier));
  }
  return tiers;
}

}  // namespace

absl::Status ChooseConfig(const UpOptions& options, const UpEnvironment& environment, const Catalogue& catalogue,
                          UpPlan& plan) {
  if (options.demo && !options.config.empty())
    return absl::InvalidArgumentError("--demo brings its own configuration: use either --demo or --config");
  if (options.demo) {
    UseDemo(plan);
    return absl::OkStatus();
  }
  if (!options.config.empty()) {
    plan.config = options.config;
    return OpenState(options, environment, plan);
  }
  const FoundKeys keys = FindKeys(catalogue, environment.has_variable);
  const std::string folder = options.state.empty() ? environment.state_folder : options.state;
  const bool kept = !folder.empty() && Exists(absl::StrCat(folder, "/429chain.yaml"));
  const std::vector<LocalServer> servers =
      kept || !environment.find_servers ? std::vector<LocalServer>() : environment.find_servers(catalogue);
  if (!kept && keys.providers.empty()) {
    for (const LocalServer& server : servers)
      plan.notes.push_back(absl::StrCat(server.entry->title, " answers at ", server.base_url,
                                        ": 429ctl init writes a configuration for it"));
    for (const UnusedVariable& variable : keys.unused)
      plan.notes.push_back(absl::StrCat("left out ", variable.name, ": ", variable.why));
    UseDemo(plan);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(OpenState(options, environment, plan));
  plan.config = plan.state->ConfigFile();
  return kept ? UseKept(environment, catalogue, keys, plan) : WriteNew(servers, keys, plan);
}

absl::Status CheckConfig(const Catalogue& catalogue, UpPlan& plan) {
  ASSIGN_OR_RETURN(const Parsed parsed, ReadConfig(plan.config, catalogue));
  const Config& config = parsed->config;
  plan.chain = Callable(config);
  for (const ChainConfig& chain : config.chains) plan.chains.push_back(chain.name);
  plan.client_key_variable = ClientKeyVariable(config, plan.chain);
  plan.tiers = Tiers(config, catalogue);
  return absl::OkStatus();
}

}  // namespace chain429
