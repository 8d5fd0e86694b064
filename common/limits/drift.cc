#include "common/limits/drift.h"

#include <algorithm>

namespace chain429 {

void Drift::Observe(const CountReading& reading, bool both_ways, Window& window, const Now& now) {
  if (reading.at < newest_) return;
  const auto own = window.CountedAt(reading.at, now);
  if (!own) return;
  newest_ = reading.at;
  const int64_t least = reading.used - own->most;
  const int64_t must = std::max<int64_t>(0, own->least - reading.open);
  const int64_t most = std::max(least, reading.used - must - reading.charge);
  const int64_t known = Extra(now.mono);
  const int64_t drift = std::clamp(known, least, most);
  if (drift < 0 && both_ways) window.DropOldest(-drift, reading.at);
  extra_ = std::max<int64_t>(0, drift);
  if (extra_ > 0) until_ = std::min(reading.at + window.FullLength(now), reading.at + reading.reset);
}

void Drift::Assume(int64_t extra, MonoTime until, MonoTime now) {
  if (extra <= 0) return;
  extra_ = std::max(Extra(now), extra);
  until_ = std::max(until_, until);
}

}  // namespace chain429
