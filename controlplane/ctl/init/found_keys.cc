#include "controlplane/ctl/init/found_keys.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

constexpr int kMostKeys = 20;  // of one provider

// Keys that many people have, of providers that no kind of the catalogue can be used for.
constexpr struct {
  const char* variable;
  const char* why;
} kNotYet[] = {
    {"ANTHROPIC_API_KEY", "Anthropic's own dialect comes later"},
    {"AZURE_OPENAI_API_KEY", "Azure needs the URL of your resource: write a provider of kind azure with it"},
    {"CLOUDFLARE_API_TOKEN", "Cloudflare needs your account's URL: write a provider of kind openai with it"},
};

std::vector<std::string> VariablesSet(const std::string& name, const HasVariable& has) {
  std::vector<std::string> found;
  if (has(name)) found.push_back(name);
  for (int number = 1; number <= kMostKeys; ++number) {
    std::string numbered = absl::StrCat(name, "_", number);
    if (has(numbered)) found.push_back(std::move(numbered));
  }
  return found;
}

}  // namespace

HasVariable SystemVariables() {
  return [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value != nullptr && *value != '\0';
  };
}

std::vector<std::string> FoundKeys::Variables() const {
  std::vector<std::string> names;
  for (const FoundProvider& provider : providers)
    names.insert(names.end(), provider.variables.begin(), provider.variables.end());
  return names;
}

std::vector<const CatalogueEntry*> KindsWithKeys(const Catalogue& catalogue) {
  std::vector<const CatalogueEntry*> kinds;
  for (const std::string& kind : catalogue.Kinds()) {
    const CatalogueEntry* entry = catalogue.Find(kind);
    if (entry->setup && !entry->setup->keys.empty()) kinds.push_back(entry);
  }
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto* a, const auto* b) { return a->setup->plan < b->setup->plan; });
  return kinds;
}

FoundKeys FindKeys(const Catalogue& catalogue, const HasVariable& has) {
  FoundKeys found;
  std::set<std::string> known;
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue)) {
    FoundProvider provider{entry, {}};
    for (const std::string& name : entry->setup->keys) {
      known.insert(name);
      const std::vector<std::string> set = VariablesSet(name, has);
      if (provider.variables.empty()) {
        provider.variables = set;
        continue;
      }
      // Two names for what is most likely the same key.
      for (const std::string& variable : set)
        found.unused.push_back({variable, absl::StrCat("there is ", provider.variables.front(), " already")});
    }
    if (!provider.variables.empty()) found.providers.push_back(std::move(provider));
  }
  for (const auto& later : kNotYet) {
    if (!known.contains(later.variable) && has(later.variable)) found.unused.push_back({later.variable, later.why});
  }
  return found;
}

}  // namespace chain429
