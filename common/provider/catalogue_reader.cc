#include "common/provider/catalogue_reader.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/entry_fields.h"
#include "common/provider/limit_keys.h"
#include "common/provider/rule_reader.h"
#include "common/provider/setup_reader.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 3> kPoolScopes = {"group", "model", "free_models"};

PoolScope PoolScopeAt(size_t index) {
  return index == 0 ? PoolScope::kGroup : index == 1 ? PoolScope::kModel : PoolScope::kFreeModels;
}

CatalogueModel ReadModel(const std::string& id, const nlohmann::json& json, const WindowsByKey& windows,
                         const std::string& path, std::vector<std::string>& faults) {
  EntryFields fields(json, path, faults);
  CatalogueModel model;
  model.id = id;
  model.canonical = fields.String("canonical");
  model.aliases = fields.Strings("aliases");
  model.context = fields.Count("context", 0);
  if (const nlohmann::json* limits = fields.Object("limits"))
    model.limits = ReadLimits(*limits, windows, fields.PathOf("limits"), faults);
  if (const nlohmann::json* credits = fields.Object("credits"))
    model.rates = ReadRates(*credits, fields.PathOf("credits"), faults);
  fields.Done();
  return model;
}

bool CountsCredits(const std::vector<Limit>& limits) {
  return std::any_of(limits.begin(), limits.end(), [](const Limit& limit) { return limit.unit == Unit::kCredits; });
}

// A limit of credits counts nothing where nobody knows what a model costs.
void CheckRates(const CatalogueEntry& entry, EntryFields& fields) {
  for (const CatalogueModel& model : entry.models) {
    if (!model.rates && CountsCredits(model.limits.empty() ? entry.limits : model.limits))
      fields.Fault("models", absl::StrCat("\"", model.id, "\" has a limit of credits and no `credits`"));
  }
}

// `base`'s list behind `entry`'s own.
void JoinLists(const nlohmann::json& base, nlohmann::json& entry, const std::string& key) {
  const auto more = base.find(key);
  if (more == base.end() || !more->is_array()) return;
  nlohmann::json& own = entry[key];
  if (own.is_null()) own = nlohmann::json::array();
  if (!own.is_array()) own = nlohmann::json::array({own});
  for (const nlohmann::json& item : *more) own.push_back(item);
}

}  // namespace

CatalogueEntry ReadCatalogueEntry(const nlohmann::json& json, std::vector<std::string>& faults) {
  CatalogueEntry entry;
  const auto kind = json.find("kind");
  const std::string path = kind != json.end() && kind->is_string() ? kind->get<std::string>() : "entry";
  EntryFields fields(json, path, faults);
  entry.kind = fields.String("kind");
  if (!IsName(entry.kind)) fields.Fault("kind", "a name of small letters, digits, '.', '_' and '-' is wanted");
  entry.title = fields.String("title", entry.kind);
  entry.base_url = fields.String("base_url");
  if (!entry.base_url.empty() && !entry.base_url.starts_with("https://") && !entry.base_url.starts_with("http://")) {
    fields.Fault("base_url", "http:// or https:// is wanted");
  }
  entry.pool_scope = PoolScopeAt(fields.Word("pool_scope", kPoolScopes, 0));
  entry.pool_per_credential = fields.Bool("pool_per_credential", false);
  if (const nlohmann::json* windows = fields.Object("windows"))
    entry.windows = ReadWindows(*windows, fields.PathOf("windows"), faults);
  if (const nlohmann::json* limits = fields.Object("limits"))
    entry.limits = ReadLimits(*limits, entry.windows, fields.PathOf("limits"), faults);
  if (const nlohmann::json* models = fields.Object("models")) {
    for (const auto& [id, model] : models->items()) {
      entry.models.push_back(
          ReadModel(id, model, entry.windows, absl::StrCat(fields.PathOf("models"), ".", id), faults));
    }
  }
  if (const nlohmann::json* charge = fields.Object("charge"))
    entry.charging = ReadChargeRule(*charge, fields.PathOf("charge"), faults);
  CheckRates(entry, fields);
  entry.ask_usage = fields.Bool("ask_usage", true);
  entry.first_token = fields.Duration("first_token", absl::ZeroDuration());
  entry.as_of = fields.String("as_of");
  entry.unverified = fields.Bool("unverified", false);
  if (const nlohmann::json* setup = fields.Object("setup"))
    entry.setup = ReadSetup(*setup, fields.PathOf("setup"), faults);
  for (const std::string_view read_by_rules : {"auth", "headers", "body", "errors"}) fields.Has(read_by_rules);
  fields.Done();
  entry.auth = ReadRules(json, path, faults).auth;
  nlohmann::json rules = json;
  if (rules.is_object()) rules.erase("setup");
  entry.json = rules.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return entry;
}

void ExtendEntry(const nlohmann::json& base, nlohmann::json& entry) {
  JoinLists(base, entry, "errors");
  if (base.contains("body") && base["body"].is_object()) {
    nlohmann::json& own = entry["body"];
    if (own.is_null()) own = nlohmann::json::object();
    if (own.is_object()) {
      for (const auto& [key, unused] : base["body"].items()) JoinLists(base["body"], own, key);
    }
  }
  for (const std::string key : {"headers", "models"}) {
    if (!entry.contains(key) && base.contains(key)) entry[key] = base[key];
  }
}

}  // namespace chain429
