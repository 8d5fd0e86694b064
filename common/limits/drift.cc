#include "common/limits/drift.h"

#include <algorithm>

namespace chain429 {

void Drift::Observe(const CountReading& reading, bool both_ways, Window& window, const Now& now) {
  if (reading.at < newest_) return;
  if (window.spec().kind == WindowKind::kBucket) {
    if (reading.at == newest_) return;
    newest_ = reading.at;
    window.Reconcile({reading.at, reading.used, reading.charge, reading.open}, both_ways, now);
    extra_ = assumed_ = 0;  // the bucket holds it
    return;
  }
  const auto own = window.CountedAt(reading.at, now);
  if (!own) return;
  newest_ = reading.at;
  const int64_t least = reading.used - own->most - reading.given_back;
  const int64_t must = std::max<int64_t>(0, own->least - reading.open);
  const int64_t most = std::max(least, reading.used - must - reading.charge);
  const int64_t known = Extra(now.mono);
  const int64_t drift = std::clamp(known, least, most);
  if (drift < 0 && both_ways) window.DropOldest(-drift, reading.at);
  extra_ = std::max<int64_t>(0, drift);
  assumed_ = 0;
  if (extra_ > 0) until_ = std::min(reading.at + window.FullLength(now), reading.at + reading.reset);
}

void Drift::Assume(int64_t extra, MonoTime as_of, MonoTime until, MonoTime now) {
  if (extra <= 0) return;
  const bool over = now >= until_;
  extra_ = over ? extra : std::max(extra_, extra);
  assumed_ = over ? extra : std::max(assumed_, extra);
  as_of_ = as_of;
  until_ = std::max(until_, until);
}

void Drift::Explain(int64_t amount, MonoTime at) {
  if (at > as_of_) return;
  const int64_t explained = std::min(amount, assumed_);
  assumed_ -= explained;
  extra_ -= explained;
}

}  // namespace chain429
