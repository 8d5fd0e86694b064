#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/base/clock.h"
#include "common/model/settlement.h"

namespace chain429 {

// Good endings of one permit, or of one target without permits, merged until the next mail: counters only. Attempts
// whose usage the provider told and those where it did not are kept apart, because the second keep their full charge.
class Tally {
 public:
  bool empty() const { return parts_[0].count == 0 && parts_[1].count == 0; }
  // `use`: index within the permit. The readings kept are those of the youngest attempt that had any.
  void Add(Settlement settlement, uint32_t use, MonoTime sent_at);
  // Appends up to two settlements (permit, target and pools yet to be filled in) and forgets them.
  template <typename Complete>
  void TakeInto(std::vector<Settlement>& out, MonoTime now, Complete complete) {
    for (Part& part : parts_) {
      if (part.count == 0) continue;
      out.push_back(Take(part, now));
      complete(out.back());
    }
  }

 private:
  struct Part {
    uint32_t count = 0;
    uint32_t last_use = 0;
    MonoTime sent_at;
    Usage usage;
    int64_t prompt_bytes = 0;
    absl::Duration latency;
    std::vector<Reading> readings;
  };
  static Settlement Take(Part& part, MonoTime now);

  std::array<Part, 2> parts_;  // usage unseen, usage seen
};

// May this ending wait and be merged with others?
bool IsPlain(const Settlement& settlement);
// Do its readings say that a limit is nearly used up (a fifth or less is left)?
bool IsScarce(const Settlement& settlement);

}  // namespace chain429
