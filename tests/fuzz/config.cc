#include <algorithm>
#include <set>

#include "common/config/diff.h"
#include "common/config/parse.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

const Catalogue& Builtin() {
  static const Catalogue catalogue = [] {
    absl::StatusOr<Catalogue> built_in = Catalogue::Builtin();
    FUZZ_ASSERT(built_in.ok());
    return *std::move(built_in);
  }();
  return catalogue;
}

ZoneAnswer Zones(std::string_view zone) {
  if (zone == "nowhere") return ZoneAnswer::kNoData;
  return zone == "UTC" || zone == "America/Los_Angeles" ? ZoneAnswer::kKnown : ZoneAnswer::kUnknown;
}

// What a configuration that was taken promises to whoever builds a snapshot of it.
void CheckTaken(const ParsedConfig& parsed) {
  const Config& config = parsed.config;
  FUZZ_ASSERT(parsed.chains.size() == config.chains.size());
  std::set<std::string> names;
  for (size_t i = 0; i < config.chains.size(); ++i) {
    const ChainConfig& chain = config.chains[i];
    FUZZ_ASSERT(names.insert(chain.name).second && !chain.name.empty());
    for (const ConfigReference& alias : chain.aliases) FUZZ_ASSERT(names.insert(alias.name).second);
    FUZZ_ASSERT(chain.max_attempts >= 1 && chain.wait >= absl::ZeroDuration());
    FUZZ_ASSERT(!parsed.chains[i].targets.empty());
    std::set<std::pair<size_t, std::string>> targets;
    for (const ResolvedTarget& target : parsed.chains[i].targets) {
      FUZZ_ASSERT(target.provider < config.providers.size() && config.providers[target.provider].enabled);
      FUZZ_ASSERT(!target.model.empty() && target.written != nullptr);
      FUZZ_ASSERT(targets.emplace(target.provider, target.model).second);
    }
  }
  FUZZ_ASSERT(config.default_chain.name.empty() || names.contains(config.default_chain.name));
  for (const ProviderConfig& provider : config.providers) {
    FUZZ_ASSERT(Builtin().Find(provider.kind) != nullptr && !provider.endpoint.host.empty() &&
                provider.endpoint.port != 0);
    for (const LimitAmounts& limits : {provider.limits}) {
      for (const std::optional<int64_t>& amount : limits) FUZZ_ASSERT(!amount || *amount > 0);
    }
    for (const Header& header : provider.headers) {
      FUZZ_ASSERT(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
  }
  FUZZ_ASSERT(DiffConfig(parsed.tree, parsed.tree).empty());
}

void CheckProblems(std::string_view name, std::string_view text, const ConfigProblems& problems) {
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n') + 1);
  for (const ConfigProblem& problem : problems.Sorted()) {
    FUZZ_ASSERT(problem.at.line >= 1 && problem.at.column >= 1 && problem.at.line <= lines);
    FUZZ_ASSERT(!problem.message.empty());
  }
  const std::string shown = FormatProblems(name, problems.Sorted());
  FUZZ_ASSERT(shown.empty() == problems.Sorted().empty());
  for (const char c : shown) FUZZ_ASSERT(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  constexpr size_t kMostShown = size_t{1} << 20;
  FUZZ_ASSERT(shown.size() <= kMostShown);
}

void CheckAs(std::string_view name, std::string_view text) {
  ConfigProblems problems;
  const ExactBytes exact(text);
  const std::unique_ptr<const ParsedConfig> parsed = ParseConfig(exact.view(), name, Builtin(), Zones, problems);
  FUZZ_ASSERT((parsed != nullptr) == problems.ok());
  CheckProblems(name, text, problems);
  if (parsed != nullptr) CheckTaken(*parsed);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = chain429::fuzz::Text(data, size);
  chain429::fuzz::CheckAs("c.yaml", text);
  chain429::fuzz::CheckAs("c.json", text);
  return 0;
}
