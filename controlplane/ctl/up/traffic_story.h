#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain429 {

// What one request of the demo's traffic came to.
struct TrafficResult {
  int status = 0;         // 0: no answer
  std::string target;     // x-429chain-target
  std::string trail;      // x-429chain-trail
  std::string error;      // where there was no answer
};

// Turns a steady flow of results into the few lines worth reading: when another target begins to answer, and why; when
// something fails.
class TrafficStory {
 public:
  std::optional<std::string> Tell(const TrafficResult& result);
  // "34 requests, 34 answered, 12 calls avoided".
  std::string Summary() const;

 private:
  std::string last_;  // the target that answered last, or the failure
  int64_t requests_ = 0;
  int64_t answered_ = 0;
  int64_t avoided_ = 0;
};

}  // namespace chain429
