#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// One model of one provider, and the line of the configuration that it comes from.
struct ResolvedTarget {
  size_t provider = 0;  // index into Config::providers
  std::string model;
  const TargetConfig* written = nullptr;  // in the Config
};

struct ResolvedChain {
  std::vector<ResolvedTarget> targets;  // in the order of the walk, nothing disabled, none twice
};

// Checks every reference of `config` and flattens its chains: {chain} becomes that chain's targets, {model} every
// enabled provider that serves it, in file order. The result is parallel to Config::chains and points into `config`;
// only of use where no error was reported.
std::vector<ResolvedChain> Resolve(const Config& config, const Catalogue& catalogue, ConfigProblems& problems);

// `{chain: …}` may lead through this many further chains.
inline constexpr size_t kDeepestChain = 4;

}  // namespace chain429
