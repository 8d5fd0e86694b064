#include "common/config/resolve.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"
#include "common/config/served_models.h"
#include "common/config/suggest.h"

namespace chain429 {
namespace {

constexpr size_t kMostTargets = 1000;     // of one chain: far more than anybody waits for
constexpr size_t kMostSuggestions = 100;  // looking for them is the slow part of refusing a file of rubbish

class Resolver {
 public:
  Resolver(const Config& config, const Catalogue& catalogue, ConfigProblems& problems)
      : config_(config),
        served_(config, catalogue),
        problems_(problems),
        resolved_(config.chains.size()),
        depths_(config.chains.size(), 0) {
    for (size_t i = 0; i < config.providers.size(); ++i) {
      providers_.emplace(config.providers[i].name, i);
      provider_names_.push_back(config.providers[i].name);
    }
    for (size_t i = 0; i < config.chains.size(); ++i) {
      chains_.emplace(config.chains[i].name, i);
      chain_names_.push_back(config.chains[i].name);
    }
  }

  std::vector<ResolvedChain> Run() {
    CheckAliases();
    for (const ClientKeyConfig& key : config_.client_keys) {
      for (const ConfigReference& chain : key.chains) CheckChain(chain);
    }
    CheckChain(config_.default_chain);
    for (const ChainConfig& chain : config_.chains) {
      for (const TargetConfig& target : chain.targets) CheckTarget(target);
    }
    std::vector<State> states(config_.chains.size(), State::kNew);
    for (size_t i = 0; i < states.size(); ++i) {
      if (states[i] == State::kNew) Visit(i, states);
    }
    return std::move(resolved_);
  }

 private:
  enum class State { kNew, kOpen, kDone };

  void CheckAliases() {
    std::set<std::string_view> taken(chain_names_.begin(), chain_names_.end());
    for (const ChainConfig& chain : config_.chains) {
      for (const ConfigReference& alias : chain.aliases) {
        if (taken.insert(alias.name).second) continue;
        problems_.Error(alias.at, alias.path,
                        absl::StrCat(QuoteUnlessKey(alias.name), " is already the name or an alias of a chain"));
      }
    }
  }

  void CheckChain(const ConfigReference& chain) {
    if (!chain.name.empty() && !chains_.contains(chain.name)) Unknown(chain, "there is no chain ", chain_names_);
  }

  void CheckTarget(const TargetConfig& target) {
    CheckChain(target.chain);
    if (!target.provider.name.empty() && !providers_.contains(target.provider.name)) {
      Unknown(target.provider, "there is no provider ", provider_names_);
    }
    const bool by_model_alone = target.provider.path.empty() && target.chain.path.empty() && !target.model.name.empty();
    if (by_model_alone && served_.Find(target.model.name).empty()) {
      Unknown(target.model, "name the provider, for none that is configured is known to serve ", served_.Names());
    }
  }

  void Unknown(const ConfigReference& reference, std::string_view message, const std::vector<std::string>& known) {
    const std::string suggestion = problems_.errors() < kMostSuggestions ? Suggest(reference.name, known) : "";
    problems_.Error(reference.at, reference.path, absl::StrCat(ToAbsl(message), QuoteUnlessKey(reference.name)),
                    suggestion);
  }

  // Depth first, each chain once, so that what a chain includes is flattened before the chain itself. An explicit path
  // rather than recursion: a long file would exhaust the stack.
  void Visit(size_t start, std::vector<State>& states) {
    struct Step {
      size_t chain;
      size_t next = 0;  // target to look at
    };
    std::vector<Step> path = {{start}};
    states[start] = State::kOpen;
    while (!path.empty()) {
      const size_t index = path.back().chain;
      const ChainConfig& chain = config_.chains[index];
      if (path.back().next == chain.targets.size()) {
        Flatten(index);
        states[index] = State::kDone;
        path.pop_back();
        continue;
      }
      const ConfigReference& reference = chain.targets[path.back().next++].chain;
      const auto inner = chains_.find(reference.name);
      if (reference.name.empty() || inner == chains_.end()) continue;
      if (states[inner->second] == State::kNew) {
        states[inner->second] = State::kOpen;
        path.push_back({inner->second});
      } else if (states[inner->second] == State::kOpen) {
        std::string circle;
        const auto first =
            std::find_if(path.begin(), path.end(), [&](const Step& step) { return step.chain == inner->second; });
        for (auto step = first; step != path.end(); ++step)
          absl::StrAppend(&circle, config_.chains[step->chain].name, " -> ");
        problems_.Error(reference.at, reference.path,
                        absl::StrCat("chains lead in a circle: ", Truncate(circle, 300), reference.name));
      }
    }
  }

  void Flatten(size_t index) {
    const ChainConfig& chain = config_.chains[index];
    seen_.clear();
    std::set<size_t> included;
    for (const TargetConfig& target : chain.targets) {
      if (!target.enabled) continue;
      if (!target.chain.name.empty()) {
        const auto inner = chains_.find(target.chain.name);
        if (inner != chains_.end() && included.insert(inner->second).second) Include(index, inner->second, target);
      } else if (!target.provider.name.empty()) {
        const auto provider = providers_.find(target.provider.name);
        if (provider != providers_.end() && !Add({provider->second, target.model.name, &target}, index)) {
          problems_.Warning(target.at, target.path, "this target is in the chain already and counts once");
        }
      } else {
        for (const ServedModels::Served& served : served_.Find(target.model.name))
          Add({served.provider, served.model, &target}, index);
      }
    }
    if (resolved_[index].targets.size() >= kMostTargets) {
      problems_.Error(chain.at, chain.path, absl::StrCat("comes to ", kMostTargets, " targets or more"));
    }
  }

  void Include(size_t outer, size_t inner, const TargetConfig& target) {
    for (const ResolvedTarget& resolved : resolved_[inner].targets) Add(resolved, outer);
    depths_[outer] = std::max(depths_[outer], depths_[inner] + 1);
    // Reported once, where the limit is crossed, and not again for every chain above.
    if (depths_[inner] == kDeepestChain) {
      problems_.Error(target.chain.at, target.chain.path,
                      absl::StrCat("chains within chains are more than ", kDeepestChain, " deep"));
    }
  }

  // Whether it is new. With limits of its own a target is another one than without.
  bool Add(const ResolvedTarget& target, size_t chain) {
    if (!config_.providers[target.provider].enabled || resolved_[chain].targets.size() >= kMostTargets) return true;
    const bool limited = target.written->limits != LimitAmounts{};
    if (!seen_.emplace(target.provider, target.model, limited ? target.written : nullptr).second) return false;
    resolved_[chain].targets.push_back(target);
    return true;
  }

  const Config& config_;
  const ServedModels served_;
  ConfigProblems& problems_;
  std::map<std::string, size_t, std::less<>> providers_;
  std::map<std::string, size_t, std::less<>> chains_;
  std::vector<std::string> provider_names_;
  std::vector<std::string> chain_names_;
  std::vector<ResolvedChain> resolved_;
  std::vector<size_t> depths_;  // chains below each chain
  std::set<std::tuple<size_t, std::string, const TargetConfig*>> seen_;
};

}  // namespace

std::vector<ResolvedChain> Resolve(const Config& config, const Catalogue& catalogue, ConfigProblems& problems) {
  return Resolver(config, catalogue, problems).Run();
}

}  // namespace chain429
