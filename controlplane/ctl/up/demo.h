#pragma once

#include <map>
#include <string>

namespace chain429 {

// The chain that the demo's configuration defines.
inline constexpr char kDemoChain[] = "demo";

// A scenario for 429chain-sim: three providers that behave like well-known free tiers, with limits small enough to be
// used up while somebody watches.
std::string DemoScenario();

// A configuration for them. `base_urls` by the names in the scenario; `key_folder` holds one key file per provider,
// NAME.key.
std::string DemoConfig(const std::map<std::string, std::string>& base_urls, const std::string& key_folder);

// Their names and keys. The keys are worth nothing: only the simulator takes them.
const std::map<std::string, std::string>& DemoKeys();

}  // namespace chain429
