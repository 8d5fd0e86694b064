#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/config/document.h"
#include "common/config/problem.h"
#include "common/config/resolve.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// A configuration that passed every check that needs no secrets. Not copied: `chains` points into `config`.
struct ParsedConfig {
  ParsedConfig() = default;
  ParsedConfig(const ParsedConfig&) = delete;
  ParsedConfig& operator=(const ParsedConfig&) = delete;

  ConfigNode tree;  // for DiffConfig
  Config config;
  std::vector<ResolvedChain> chains;  // parallel to config.chains
};

// Reads `text` (YAML or JSON; see FormatOf) through every stage: document, schema, references. Null where `problems`
// got an error; all errors of all stages are in it, but for a text that is no document at all.
std::unique_ptr<const ParsedConfig> ParseConfig(std::string_view text, std::string_view name,
                                                const Catalogue& catalogue, const ZoneLookup& zones,
                                                ConfigProblems& problems);

}  // namespace chain429
