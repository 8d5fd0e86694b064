#pragma once

#include <string>
#include <vector>

#include "controlplane/ctl/init/found_keys.h"
#include "controlplane/ctl/init/free_tier.h"
#include "controlplane/ctl/init/local_servers.h"

namespace chain429 {

// What there is to begin with.
struct Findings {
  FoundKeys keys;
  std::vector<LocalServer> servers;

  bool empty() const { return keys.providers.empty() && servers.empty(); }
  std::vector<FreeTier> Tiers() const;
};

// For people: what was found, and what it gives a day.
std::string FindingsText(const Findings& findings, bool colour);

// For people: nothing was found; which variables were looked for, and where keys are to be had.
std::string NothingFoundText(const Catalogue& catalogue, bool probed, bool colour);

// For machines. `file`: what was written; `config`: the text, where it was to be shown. Either may be empty.
std::string FindingsJson(const Catalogue& catalogue, const Findings& findings, const std::string& file,
                         const std::string& config);

}  // namespace chain429
