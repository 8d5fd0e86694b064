#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/parse.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// A few kinds with known contents: "openai" (nothing known), "groq" (pools by model), "cerebras", "router" (free models
// share a pool), "pacific" (a day that ends at midnight in Los Angeles), "keyless".
const Catalogue& CatalogueForTests();

// Knows UTC and America/Los_Angeles, whatever is installed.
ZoneAnswer ZonesForTests(std::string_view zone);

struct ParseOutcome {
  std::unique_ptr<const ParsedConfig> parsed;
  std::vector<ConfigProblem> problems;
  std::string text;  // all of them, as people see them; the file is "c.yaml"
};
ParseOutcome ParseForTests(std::string_view text, std::string_view name = "c.yaml");

}  // namespace chain429
