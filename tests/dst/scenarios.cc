#include <algorithm>
#include <array>
#include <string_view>

#include "tests/dst/scenario.h"

namespace chain429::dst {
namespace {

// Rows whose numbers the engine does not reach yet; they are run and told, and do not count.
constexpr std::array<std::string_view, 4> kNotReached = {"row0b", "row3b", "row8a", "row8b"};

}  // namespace

const std::vector<Scenario>& Scenarios() {
  static const auto* const scenarios = new std::vector<Scenario>{
      {"row0a", "20 proxies at once, unknown limits, told in headers", absl::Minutes(10), FirstContact},
      {"row0b", "20 proxies at once, unknown limits, no headers", absl::Minutes(10), FirstContactSilent},
      {"row1", "20 proxies, 30 rpm sliding, demand 1.5 times the limit", absl::Hours(1), Sliding},
      {"row2", "50 per day until midnight Pacific, clocks change", absl::Hours(80), Midnight},
      {"row3a", "100k tokens/min, heavy-tailed outputs, counted up front", absl::Hours(1), TokensUpFront},
      {"row3b", "100k tokens/min, heavy-tailed outputs, counted on use", absl::Hours(1), TokensOnUse},
      {"row4", "headers delayed, repeated, reordered up to 10 s", absl::Hours(1), LateHeads},
      {"row5a", "20 % used by somebody else, headers tell", absl::Hours(1), Stranger},
      {"row5b", "20 % used by somebody else, no headers", absl::Hours(1), StrangerSilent},
      {"row6a", "proxies stopped for 30 s, holding permits", absl::Hours(1), StoppedProxies},
      {"row6b", "row 1 with clocks an hour off and drifting by 500 ppm", absl::Hours(1), WrongClocksSliding},
      {"row6c", "row 2 with clocks an hour off and drifting by 500 ppm", absl::Hours(80), WrongClocksMidnight},
      {"row7", "links of 75 ms +- 50 ms with 50 % loss", absl::Hours(1), LossyLinks},
      {"row8a", "the limit halves, then doubles; headers tell", absl::Hours(1), ChangingLimits},
      {"row8b", "the limit halves, then doubles; no headers", absl::Hours(1), ChangingLimitsSilent},
      {"row9", "no headers, unknown limits", absl::Hours(1), NoHeaders},
      {"row10a", "streams of 60 to 300 s, 30 rpm", absl::Hours(1), LongStreamsPerMinute},
      {"row10b", "streams of 60 to 300 s, 4 at once", absl::Hours(3), LongStreamsAtOnce},
      {"fuzz", "a world that the seed makes up, with trouble", absl::Hours(1), Fuzz},
  };
  return *scenarios;
}

const Scenario* FindScenario(const std::string& name) {
  const std::vector<Scenario>& all = Scenarios();
  const auto it = std::find_if(all.begin(), all.end(), [&](const Scenario& scenario) { return scenario.name == name; });
  return it == all.end() ? nullptr : &*it;
}

bool NotReached(const std::string& name) {
  return std::find(kNotReached.begin(), kNotReached.end(), name) != kNotReached.end();
}

}  // namespace chain429::dst
