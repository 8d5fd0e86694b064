#include "common/config/credit_check.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"

namespace chain429 {
namespace {

// The first limit of credits among them, by name; empty: there is none.
std::string_view CreditLimit(const LimitAmounts& amounts) {
  for (size_t i = 0; i < kLimitKeys.size(); ++i) {
    if (amounts[i] && kLimitKeys[i].unit == Unit::kCredits) return kLimitKeys[i].name;
  }
  return {};
}

std::string_view CreditLimit(const std::vector<Limit>& limits) {
  for (const Limit& limit : limits) {
    if (limit.unit == Unit::kCredits) return LimitKeyName(limit.unit, limit.window.length);
  }
  return {};
}

class CreditCheck {
 public:
  CreditCheck(const Config& config, const Catalogue& catalogue, ConfigProblems& problems)
      : config_(config), catalogue_(catalogue), problems_(problems) {}

  void Check(size_t provider, const std::string& model, const LimitAmounts& further, Position at,
             const std::string& path) {
    const ProviderConfig& config = config_.providers[provider];
    const ModelConfig* own = nullptr;
    for (const ModelConfig& candidate : config.models) own = candidate.name == model ? &candidate : own;
    const CatalogueEntry* entry = catalogue_.Find(config.kind);
    const CatalogueModel* known = nullptr;
    if (entry != nullptr) {
      for (const CatalogueModel& candidate : entry->models) known = candidate.id == model ? &candidate : known;
    }
    if ((own != nullptr && own->rates) || (known != nullptr && known->rates)) return;
    std::string_view limit = CreditLimit(further);
    if (limit.empty()) limit = CreditLimit(config.limits);
    if (limit.empty() && own != nullptr) limit = CreditLimit(own->limits);
    for (const CredentialConfig& credential : config.credentials) {
      if (limit.empty()) limit = CreditLimit(credential.limits);
    }
    if (limit.empty() && entry != nullptr)
      limit = CreditLimit(known != nullptr && !known->limits.empty() ? known->limits : entry->limits);
    if (limit.empty() || !reported_.emplace(provider, model).second) return;
    problems_.Error(at, path,
                    absl::StrCat("the limit \"", ToAbsl(limit), "\" counts credits, and what ", QuoteUnlessKey(model),
                                 " costs is not known: write credits: {request: …, input_per_mtok: …, "
                                 "output_per_mtok: …} under providers.",
                                 config.name, ".models"));
  }

 private:
  const Config& config_;
  const Catalogue& catalogue_;
  ConfigProblems& problems_;
  std::set<std::pair<size_t, std::string>> reported_;
};

}  // namespace

void CheckCredits(const Config& config, const std::vector<ResolvedChain>& chains, const Catalogue& catalogue,
                  ConfigProblems& problems) {
  CreditCheck check(config, catalogue, problems);
  for (size_t i = 0; i < config.providers.size(); ++i) {
    for (const ModelConfig& model : config.providers[i].models) check.Check(i, model.name, {}, model.at, model.path);
  }
  for (const ResolvedChain& chain : chains) {
    for (const ResolvedTarget& target : chain.targets) {
      check.Check(target.provider, target.model, target.written->limits, target.written->at, target.written->path);
    }
  }
}

}  // namespace chain429
