#include "controlplane/ctl/init/init_report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {
namespace {

using Json = nlohmann::ordered_json;

Json Amount(std::optional<int64_t> amount) { return amount ? Json(*amount) : Json(nullptr); }
Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json AllowanceJson(const Allowance& allowance) {
  return {{"model", TextOrNull(allowance.model)},
          {"requests_per_minute", Amount(allowance.requests_per_minute)},
          {"requests_per_day", Amount(allowance.requests_per_day)},
          {"tokens_per_minute", Amount(allowance.tokens_per_minute)},
          {"tokens_per_day", Amount(allowance.tokens_per_day)}};
}

Json ProviderJson(const FoundProvider& provider) {
  const FreeTier tier = FreeTierOf(*provider.entry);
  Json allowances = Json::array();
  for (const Allowance& allowance : tier.allowances) allowances.push_back(AllowanceJson(allowance));
  Json models = Json::array();
  for (const SetupModel& model : BestModels(*provider.entry)) models.push_back(model.id);
  return {{"kind", tier.kind},
          {"title", tier.title},
          {"variables", provider.variables},
          {"plan", PlanWord(tier.plan)},
          {"note", TextOrNull(tier.note)},
          {"as_of", TextOrNull(tier.as_of)},
          {"requests_per_day", Amount(tier.RequestsPerDay())},
          {"tokens_per_day", Amount(tier.TokensPerDay())},
          {"allowances", allowances},
          {"models", models}};
}

}  // namespace

std::vector<FreeTier> Findings::Tiers() const {
  std::vector<FreeTier> tiers;
  for (const FoundProvider& provider : keys.providers) tiers.push_back(FreeTierOf(*provider.entry));
  return tiers;
}

std::string FindingsText(const Findings& findings, bool colour) {
  std::string out;
  for (const FoundProvider& provider : findings.keys.providers)
    absl::StrAppend(&out, "found ", absl::StrJoin(provider.variables, ", "), " (", TitleOf(*provider.entry), ")\n");
  for (const LocalServer& server : findings.servers)
    absl::StrAppend(&out, "found ", server.entry->title, " at ", server.base_url, " with ",
                    absl::StrJoin(server.models, ", "), "\n");
  for (const UnusedVariable& variable : findings.keys.unused)
    absl::StrAppend(&out, Paint(absl::StrCat("left out ", variable.name, ": ", variable.why), Colour::kYellow, colour),
                    "\n");
  const std::vector<FreeTier> tiers = findings.Tiers();
  if (tiers.empty()) return out;
  absl::StrAppend(&out, "\nWhat each account gives for nothing, as far as it is known:\n",
                  FreeTierTable(tiers, colour));
  const std::string sum = FreeTierSum(tiers);
  if (!sum.empty()) absl::StrAppend(&out, Paint(sum, Colour::kBold, colour), "\n");
  return out;
}

std::string NothingFoundText(const Catalogue& catalogue, bool probed, bool colour) {
  Table table({"PROVIDER", "VARIABLE", "GET A KEY AT", "PLAN"});
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue)) {
    const CatalogueSetup& setup = *entry->setup;
    table.Add({TitleOf(*entry), absl::StrJoin(setup.keys, " or "), setup.keys_url, std::string(PlanWord(setup.plan))});
  }
  std::string places;
  for (const CatalogueEntry* entry : LocalKinds(catalogue))
    absl::StrAppend(&places, places.empty() ? "" : ", ", entry->title, " at ", entry->base_url);
  return absl::StrCat(
      "No API key is set in the environment. These variables were looked for:\n\n", table.Render(colour), "\n",
      probed ? absl::StrCat("No local server answered either (", places, ").\n") : "",
      "Set one of them and call this again. To see 429chain at work without any key: 429ctl up --demo\n");
}

std::string FindingsJson(const Catalogue& catalogue, const Findings& findings, const std::string& file,
                         const std::string& config) {
  Json json = {{"providers", Json::array()},  {"local", Json::array()},      {"left_out", Json::array()},
               {"looked_for", Json::array()}, {"requests_per_day", nullptr}, {"file", TextOrNull(file)}};
  int64_t sum = 0;
  for (const FoundProvider& provider : findings.keys.providers) {
    json["providers"].push_back(ProviderJson(provider));
    sum += FreeTierOf(*provider.entry).RequestsPerDay().value_or(0);
  }
  json["requests_per_day"] = sum;
  for (const LocalServer& server : findings.servers)
    json["local"].push_back({{"kind", server.entry->kind}, {"base_url", server.base_url}, {"models", server.models}});
  for (const UnusedVariable& variable : findings.keys.unused)
    json["left_out"].push_back({{"variable", variable.name}, {"why", variable.why}});
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue))
    json["looked_for"].push_back({{"kind", entry->kind},
                                  {"variables", entry->setup->keys},
                                  {"plan", PlanWord(entry->setup->plan)},
                                  {"keys_url", entry->setup->keys_url}});
  if (!config.empty()) json["config"] = config;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace chain429
