#pragma once

#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/model/pool.h"

namespace chain429 {

// A provider that enforces one limit exactly: over the last stretch of time, over each stretch of its own clock, or at
// once.
class SimulatedProvider {
 public:
  SimulatedProvider(const Limit& limit, absl::Duration clock_off) : limit_(limit), clock_off_(clock_off) {}

  // A request arrives; false: it is refused, and not counted.
  bool Arrive(const Now& now) {
    if (limit_.unit == Unit::kConcurrency) {
      if (active_ >= limit_.amount) return false;
    } else if (limit_.window.kind == WindowKind::kFixed) {
      const int64_t period = (now.wall + clock_off_ - absl::UnixEpoch()) / limit_.window.length;
      if (period != period_) counted_ = 0;
      period_ = period;
      if (counted_ >= limit_.amount) return false;
      ++counted_;
    } else {
      while (!arrivals_.empty() && now.mono - arrivals_.front() >= limit_.window.length) arrivals_.pop_front();
      if (static_cast<int64_t>(arrivals_.size()) >= limit_.amount) return false;
      arrivals_.push_back(now.mono);
    }
    ++active_;
    return true;
  }
  // An accepted request has ended, or its client has hung up.
  void End() { --active_; }

 private:
  const Limit limit_;
  const absl::Duration clock_off_;
  std::deque<MonoTime> arrivals_;
  int64_t period_ = -1;
  int64_t counted_ = 0;
  int64_t active_ = 0;
};

}  // namespace chain429
