#include "dataplane/permits/tally.h"

#include <algorithm>
#include <utility>

namespace chain429 {

void Tally::Add(Settlement settlement, uint32_t use, MonoTime sent_at) {
  Part& part = parts_[settlement.usage.seen ? 1 : 0];
  const bool younger = part.count == 0 || sent_at >= part.sent_at;
  // A reading is only worth something together with its own attempt's index and time, so the three go together; an
  // attempt without readings does not displace one with.
  const bool displaces =
      settlement.readings.empty() ? part.readings.empty() && younger : part.readings.empty() || younger;
  if (displaces) {
    part.last_use = use;
    part.sent_at = sent_at;
    part.latency = settlement.latency;
    if (!settlement.readings.empty()) part.readings = std::move(settlement.readings);
  }
  part.count += settlement.count;
  part.usage.seen = settlement.usage.seen;
  part.usage.prompt_tokens += settlement.usage.prompt_tokens;
  part.usage.completion_tokens += settlement.usage.completion_tokens;
  part.prompt_bytes += settlement.prompt_bytes;
}

Settlement Tally::Take(Part& part, MonoTime now) {
  Settlement settlement;
  settlement.count = part.count;
  settlement.last_use = part.last_use;
  settlement.sent_age = std::max(absl::ZeroDuration(), now - part.sent_at);
  settlement.usage = part.usage;
  settlement.prompt_bytes = part.prompt_bytes;
  settlement.latency = part.latency;
  settlement.readings = std::move(part.readings);
  part = Part{};
  return settlement;
}

bool IsPlain(const Settlement& settlement) {
  return settlement.error_class == ErrorClass::kOk && settlement.charged && !settlement.closes;
}

bool IsScarce(const Settlement& settlement) {
  return std::any_of(settlement.readings.begin(), settlement.readings.end(), [](const Reading& reading) {
    return reading.limit > 0 && reading.remaining >= 0 && reading.remaining <= reading.limit / 5;
  });
}

}  // namespace chain429
