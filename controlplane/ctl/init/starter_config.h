#pragma once

#include <string>
#include <vector>

#include "common/config/zones.h"
#include "controlplane/ctl/init/found_keys.h"
#include "controlplane/ctl/init/local_servers.h"

namespace chain429 {

// The chain that a written configuration has as its default.
inline constexpr char kAutoChain[] = "auto";

// A configuration with comments that uses these keys, by reference (`env:`) and never by value, and these servers.
// What is paid for is part of it, but switched off as long as there is anything else. `written_by`: the command, for
// its first line. `zones`: those of this machine; where one is missing, a provider's day is the last 24 hours.
// REQUIRES: a provider or a server
std::string StarterConfig(const std::vector<FoundProvider>& providers, const std::vector<LocalServer>& servers,
                          const std::string& written_by, const ZoneLookup& zones);

}  // namespace chain429
