#include "common/provider/setup_reader.h"

#include <array>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/provider/entry_fields.h"
#include "common/provider/limit_keys.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 5> kPlans = {"free", "trial", "credit", "paid", "local"};
constexpr int64_t kHighestRank = 9;

int64_t ReadRank(EntryFields& fields, std::string_view key) {
  const int64_t rank = fields.Count(key, 0);
  if (rank < 1 || rank > kHighestRank) fields.Fault(key, "a number from 1 to 9 is wanted");
  return rank;
}

SetupModel ReadModel(const std::string& id, const nlohmann::json& value, const std::string& path,
                     std::vector<std::string>& faults) {
  EntryFields fields(value, path, faults);
  SetupModel model;
  model.id = id;
  model.quality = ReadRank(fields, "quality");
  model.speed = ReadRank(fields, "speed");
  model.context = fields.Count("context", 0);
  fields.Done();
  return model;
}

}  // namespace

std::string_view PlanWord(Plan plan) { return kPlans[static_cast<size_t>(plan)]; }

CatalogueSetup ReadSetup(const nlohmann::json& value, const std::string& path, std::vector<std::string>& faults) {
  EntryFields fields(value, path, faults);
  CatalogueSetup setup;
  setup.keys = fields.Strings("keys");
  setup.keys_url = fields.String("keys_url");
  setup.title = fields.String("title");
  setup.base_url = fields.String("base_url");
  if (!fields.Has("plan")) fields.Fault("plan", "is missing");
  setup.plan = static_cast<Plan>(fields.Word("plan", kPlans, 0));
  setup.as_of = fields.String("as_of");
  setup.note = fields.String("note");
  if (const nlohmann::json* limits = fields.Object("limits"))
    setup.limits = ReadLimits(*limits, {}, fields.PathOf("limits"), faults);
  if (const nlohmann::json* models = fields.Object("models")) {
    for (const auto& [id, model] : models->items())
      setup.models.push_back(ReadModel(id, model, absl::StrCat(fields.PathOf("models"), ".", id), faults));
  }
  if (setup.plan != Plan::kLocal && (setup.keys.empty() || setup.models.empty()))
    fields.Fault("plan", "without `keys` and `models` only a local server can be set up");
  fields.Done();
  return setup;
}

}  // namespace chain429
