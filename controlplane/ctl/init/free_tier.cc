#include "controlplane/ctl/init/free_tier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {
namespace {

constexpr int64_t kDaysOfAMonth = 30;

std::optional<int64_t> AmountOf(const std::vector<Limit>& limits, Unit unit, absl::Duration length) {
  for (const Limit& limit : limits) {
    if (limit.unit == unit && limit.window.length == length) return limit.amount;
  }
  return std::nullopt;
}

Allowance AllowanceOf(std::string model, const std::vector<Limit>& limits) {
  constexpr absl::Duration kMinute = absl::Minutes(1);
  constexpr absl::Duration kDay = absl::Hours(24);
  Allowance allowance{std::move(model), AmountOf(limits, Unit::kRequests, kMinute),
                      AmountOf(limits, Unit::kRequests, kDay), AmountOf(limits, Unit::kTokens, kMinute),
                      AmountOf(limits, Unit::kTokens, kDay)};
  if (!allowance.tokens_per_minute) allowance.tokens_per_minute = AmountOf(limits, Unit::kInputTokens, kMinute);
  return allowance;
}

const std::vector<Limit>& LimitsOf(const CatalogueEntry& entry, const std::string& model) {
  for (const CatalogueModel& known : entry.models) {
    if (known.id == model && !known.limits.empty()) return known.limits;
  }
  return entry.limits.empty() ? entry.setup->limits : entry.limits;
}

std::optional<int64_t> Sum(const std::vector<Allowance>& allowances, std::optional<int64_t> Allowance::* amount) {
  std::optional<int64_t> sum;
  for (const Allowance& allowance : allowances) {
    if (allowance.*amount) sum = sum.value_or(0) + *(allowance.*amount);
  }
  return sum;
}

std::string Cell(std::optional<int64_t> amount) { return amount ? WithCommas(*amount) : "unknown"; }

std::string DailyCell(const FreeTier& tier, std::optional<int64_t> amount) {
  return tier.daily_is_monthly && amount ? absl::StrCat("about ", WithCommas(*amount)) : Cell(amount);
}

std::string DateCell(const FreeTier& tier) { return tier.as_of.empty() ? "undated" : tier.as_of; }

std::string PlanCell(const FreeTier& tier) {
  return tier.note.empty() ? std::string(PlanWord(tier.plan))
                           : absl::StrCat(ToAbsl(PlanWord(tier.plan)), ": ", tier.note);
}

}  // namespace

std::optional<int64_t> FreeTier::RequestsPerDay() const { return Sum(allowances, &Allowance::requests_per_day); }
std::optional<int64_t> FreeTier::TokensPerDay() const { return Sum(allowances, &Allowance::tokens_per_day); }

std::vector<SetupModel> BestModels(const CatalogueEntry& entry) {
  std::vector<SetupModel> models = entry.setup->models;
  for (SetupModel& model : models) {
    for (const CatalogueModel& known : entry.models) {
      if (known.id == model.id) model.context = std::max(model.context, known.context);
    }
  }
  std::stable_sort(models.begin(), models.end(),
                   [](const SetupModel& a, const SetupModel& b) { return a.quality + a.speed > b.quality + b.speed; });
  return models;
}

const std::string& TitleOf(const CatalogueEntry& entry) {
  return entry.setup->title.empty() ? entry.title : entry.setup->title;
}

FreeTier FreeTierOf(const CatalogueEntry& entry) {
  const CatalogueSetup& setup = *entry.setup;
  FreeTier tier;
  tier.kind = entry.kind;
  tier.title = TitleOf(entry);
  tier.plan = setup.plan;
  tier.as_of = setup.as_of.empty() ? entry.as_of : setup.as_of;
  tier.note = setup.note;
  // What is paid for has limits too, but no free tier.
  if (setup.plan == Plan::kPaid || setup.plan == Plan::kLocal) return tier;
  if (entry.pool_scope == PoolScope::kModel) {
    for (const SetupModel& model : BestModels(entry))
      tier.allowances.push_back(AllowanceOf(model.id, LimitsOf(entry, model.id)));
  } else {
    tier.allowances.push_back(AllowanceOf("", LimitsOf(entry, "")));
  }
  for (Allowance& allowance : tier.allowances) {
    const std::optional<int64_t> month = AmountOf(LimitsOf(entry, allowance.model), Unit::kRequests, kMonth);
    if (!month || allowance.requests_per_day) continue;
    tier.daily_is_monthly = true;
    allowance.requests_per_day = *month / kDaysOfAMonth;
  }
  return tier;
}

std::string FreeTierTable(const std::vector<FreeTier>& tiers, bool colour) {
  Table table({"PROVIDER", "MODEL", "REQUESTS/DAY", "PER MINUTE", "TOKENS/DAY", "PER MINUTE", "AS OF", "PLAN"});
  for (const FreeTier& tier : tiers) {
    for (size_t i = 0; i < tier.allowances.size(); ++i) {
      const Allowance& allowance = tier.allowances[i];
      table.Add({i == 0 ? tier.title : "", allowance.model.empty() ? "all together" : allowance.model,
                 DailyCell(tier, allowance.requests_per_day), Cell(allowance.requests_per_minute),
                 Cell(allowance.tokens_per_day), Cell(allowance.tokens_per_minute), i == 0 ? DateCell(tier) : "",
                 i == 0 ? PlanCell(tier) : ""});
    }
    if (tier.allowances.empty()) table.Add({tier.title, "", "-", "-", "-", "-", "", PlanCell(tier)}, Colour::kDim);
  }
  return table.Render(colour);
}

std::string ShortFreeTierTable(const std::vector<FreeTier>& tiers, bool colour) {
  Table table({"FREE TIER", "REQUESTS/DAY", "TOKENS/DAY", "AS OF"});
  for (const FreeTier& tier : tiers) {
    if (tier.allowances.empty()) {
      table.Add({tier.title, std::string(PlanWord(tier.plan)), "", ""}, Colour::kDim);
    } else {
      table.Add({tier.title, DailyCell(tier, tier.RequestsPerDay()), Cell(tier.TokensPerDay()), DateCell(tier)});
    }
  }
  return table.Render(colour);
}

std::string FreeTierSum(const std::vector<FreeTier>& tiers) {
  int64_t sum = 0;
  std::vector<std::string> unknown;
  for (const FreeTier& tier : tiers) {
    if (tier.allowances.empty()) continue;
    const std::optional<int64_t> requests = tier.RequestsPerDay();
    sum += requests.value_or(0);
    if (!requests) unknown.push_back(tier.title);
  }
  std::string text = sum > 0 ? absl::StrCat("Together about ", WithCommas(sum), " requests a day for nothing.") : "";
  if (!unknown.empty())
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    "How much a day is not known, and not counted, of: ", absl::StrJoin(unknown, ", "), ".");
  return text;
}

std::string WithCommas(int64_t number) {
  std::string text = absl::StrCat(number);
  for (int at = static_cast<int>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

}  // namespace chain429
