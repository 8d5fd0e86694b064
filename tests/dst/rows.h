#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/dst/fleet.h"
#include "tests/dst/scenario.h"
#include "tests/dst/stage.h"

// What several rows share.
namespace chain429::dst {

inline constexpr absl::Duration kClientsCome = absl::Seconds(1);

// One provider "p" of kind openai with `settings` ("limits: {rpm: 30}"), one chain "c" of one target.
inline std::string OneProvider(const std::string& settings) {
  return absl::StrCat(
      "version: 1\n"
      "providers:\n"
      "  p: {kind: openai, base_url: 'https://p.test/v1', credentials: [{name: main, env: KEY}]",
      settings.empty() ? "" : ", ", settings,
      "}\n"
      "chains:\n"
      "  c: {targets: [{provider: p, model: m}]}\n");
}

inline ProviderLimit Requests(int64_t amount, absl::Duration length = absl::Minutes(1)) {
  return {.unit = ProviderLimit::Unit::kRequests, .amount = amount, .length = length};
}

inline Stage::Options StageOf(const RunOptions& options) { return {.seed = options.seed, .trace = options.trace}; }

// 20 proxies with 30 requests per minute: row 1, and those that must not change it.
FleetOptions TwentyProxies();
// 50 a day until midnight Pacific, over a change of the clocks: row 2, likewise. Gives the days' counts.
FleetOptions PacificDay();
Outcome RunTwentyProxies(const RunOptions& options, const FleetOptions& fleet);
Outcome RunPacificDays(const RunOptions& options, const FleetOptions& fleet);

}  // namespace chain429::dst
