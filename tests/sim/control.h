#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/http_text.h"
#include "tests/sim/provider.h"

namespace chain429::sim {

inline constexpr char kControlPrefix[] = "/__sim/";

// What a test waits for in GET /__sim/log?wait=SECONDS&count=N[&verdict=V][&finished=1].
struct LogWait {
  absl::Duration at_most;
  int64_t since = 0;
  int64_t count = 1;
  std::string verdict;
  bool finished = false;
  bool Satisfied(const Provider& provider) const { return provider.log().Count(since, verdict, finished) >= count; }
};

// Set when this control request is to be held back until enough has happened.
std::optional<LogWait> WaitOf(std::string_view method, std::string_view target);

// Answers a request whose target begins with kControlPrefix.
HttpAnswer HandleControl(Provider& provider, std::string_view method, std::string_view target, const std::string& body,
                         absl::Time now);

}  // namespace chain429::sim
