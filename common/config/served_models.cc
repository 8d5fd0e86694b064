#include "common/config/served_models.h"

#include <algorithm>

namespace chain429 {

ServedModels::ServedModels(const Config& config, const Catalogue& catalogue) {
  for (size_t i = 0; i < config.providers.size(); ++i) {
    const ProviderConfig& provider = config.providers[i];
    const CatalogueEntry* entry = catalogue.Find(provider.kind);
    const auto known = [&](const std::string& name) -> const CatalogueModel* {
      if (entry == nullptr) return nullptr;
      const auto found = std::find_if(entry->models.begin(), entry->models.end(),
                                      [&](const CatalogueModel& model) { return model.id == name; });
      return found == entry->models.end() ? nullptr : &*found;
    };
    const auto add_known = [&](const CatalogueModel& model) {
      Add(model.canonical, i, model.id);
      for (const std::string& alias : model.aliases) Add(alias, i, model.id);
    };
    for (const ModelConfig& model : provider.models) {
      // What the configuration says replaces what the catalogue says. A model that neither names is known by its own
      // name.
      const CatalogueModel* catalogued = known(model.name);
      if (!model.canonical.empty()) {
        Add(model.canonical, i, model.name);
      } else if (catalogued == nullptr) {
        Add(model.name, i, model.name);
      } else {
        add_known(*catalogued);
      }
    }
    if (entry == nullptr) continue;
    for (const CatalogueModel& model : entry->models) {
      const bool configured = std::any_of(provider.models.begin(), provider.models.end(),
                                          [&](const ModelConfig& own) { return own.name == model.id; });
      if (!configured) add_known(model);
    }
  }
}

void ServedModels::Add(const std::string& name, size_t provider, const std::string& model) {
  if (name.empty()) return;
  std::vector<Served>& served = by_name_[name];
  // A model may be named by its canonical name and by an equal alias.
  if (!served.empty() && served.back().provider == provider && served.back().model == model) return;
  served.push_back({provider, model});
}

const std::vector<ServedModels::Served>& ServedModels::Find(std::string_view name) const {
  static const std::vector<Served> kNone;
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNone : found->second;
}

std::vector<std::string> ServedModels::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, served] : by_name_) names.push_back(name);
  return names;
}

}  // namespace chain429
