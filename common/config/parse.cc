#include "common/config/parse.h"

#include <optional>
#include <utility>

#include "common/config/credit_check.h"
#include "common/config/schema.h"

namespace chain429 {

std::unique_ptr<const ParsedConfig> ParseConfig(std::string_view text, std::string_view name,
                                                const Catalogue& catalogue, const ZoneLookup& zones,
                                                ConfigProblems& problems) {
  const size_t errors_before = problems.errors();
  std::optional<ConfigNode> tree = ParseDocument(text, FormatOf(name, text), problems);
  if (!tree) return nullptr;
  auto parsed = std::make_unique<ParsedConfig>();
  parsed->tree = *std::move(tree);
  parsed->config = ReadConfig(parsed->tree, catalogue, zones, problems);
  parsed->chains = Resolve(parsed->config, catalogue, problems);
  CheckCredits(parsed->config, parsed->chains, catalogue, problems);
  if (problems.errors() > errors_before) return nullptr;
  return parsed;
}

}  // namespace chain429
