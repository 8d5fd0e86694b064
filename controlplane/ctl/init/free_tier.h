#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/provider/catalogue.h"

namespace chain429 {

// What an account may use of one pool; nullopt: not known.
struct Allowance {
  std::string model;  // empty: all models of the plan together
  std::optional<int64_t> requests_per_minute;
  std::optional<int64_t> requests_per_day;
  std::optional<int64_t> tokens_per_minute;  // input tokens, where only these are limited
  std::optional<int64_t> tokens_per_day;
};

// What one account of a provider gives for nothing.
struct FreeTier {
  std::string kind;
  std::string title;
  Plan plan = Plan::kFree;
  std::string as_of;  // empty: undated
  std::string note;
  bool daily_is_monthly = false;  // the requests of a day are a thirtieth of the month's
  std::vector<Allowance> allowances;  // by pool, the best model first

  // Of all its pools together; a pool of which it is not known counts nothing. nullopt: of none it is known.
  std::optional<int64_t> RequestsPerDay() const;
  std::optional<int64_t> TokensPerDay() const;
};

// What the provider is called that keys are found for. REQUIRES: entry.setup
const std::string& TitleOf(const CatalogueEntry& entry);

// REQUIRES: entry.setup
FreeTier FreeTierOf(const CatalogueEntry& entry);

// Of the models of the plan that chains are made of, the best first: by quality and speed together.
std::vector<SetupModel> BestModels(const CatalogueEntry& entry);

// A table with every pool, and one with a line for each provider.
std::string FreeTierTable(const std::vector<FreeTier>& tiers, bool colour);
std::string ShortFreeTierTable(const std::vector<FreeTier>& tiers, bool colour);

// "Together about 23,450 requests a day. Not known, so not counted: NVIDIA NIM."
std::string FreeTierSum(const std::vector<FreeTier>& tiers);

// 23450 as "23,450".
std::string WithCommas(int64_t number);

}  // namespace chain429
