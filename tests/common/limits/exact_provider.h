#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/calendar.h"
#include "common/model/pool.h"

namespace chain429 {

// A provider that counts one limit exactly and states what it counts, in one of the ways that providers have.
class ExactProvider {
 public:
  enum class Manner : uint8_t {
    kSlidingUntilFull,  // reset: when all is free
    kSlidingUntilNext,  // reset: when the oldest use leaves
    kFixed,             // edges by the calendar of `window`
    kFromFirstUse,      // a period begins with the first use after the one before
    kBucket,            // reset: when all has flowed back
  };
  ExactProvider(Manner manner, const WindowSpec& window, int64_t limit)
      : manner_(manner), window_(window), limit_(limit) {}

  int64_t Used(const Now& now) {
    Forget(now);
    return manner_ == Manner::kBucket ? static_cast<int64_t>(debt_ + 0.999999) : static_cast<int64_t>(uses_.size());
  }
  absl::Duration Reset(const Now& now) {
    Forget(now);
    switch (manner_) {
      case Manner::kSlidingUntilFull:
        return uses_.empty() ? absl::ZeroDuration() : uses_.back() + window_.length - now.mono;
      case Manner::kSlidingUntilNext:
        return uses_.empty() ? absl::ZeroDuration() : uses_.front() + window_.length - now.mono;
      case Manner::kFixed:
        return PeriodOf(window_, now.wall).end - now.wall;
      case Manner::kFromFirstUse:
        return uses_.empty() ? absl::ZeroDuration() : uses_.front() + window_.length - now.mono;
      case Manner::kBucket:
        return window_.length * (debt_ / static_cast<double>(limit_));
    }
    return {};
  }
  // Until one fits.
  absl::Duration WaitForOne(const Now& now) {
    Forget(now);
    if (manner_ == Manner::kBucket) {
      return window_.length * (std::max(0.0, debt_ + 1 - static_cast<double>(limit_)) / static_cast<double>(limit_));
    }
    if (static_cast<int64_t>(uses_.size()) < limit_) return absl::ZeroDuration();
    return manner_ == Manner::kFixed ? Reset(now) : uses_.front() + window_.length - now.mono;
  }
  // False: refused, and not counted.
  bool Take(const Now& now) {
    Forget(now);
    if (manner_ == Manner::kBucket) {
      if (debt_ + 1 > static_cast<double>(limit_)) return false;
      debt_ += 1;
    } else {
      if (static_cast<int64_t>(uses_.size()) >= limit_) return false;
      uses_.push_back(now.mono);
    }
    return true;
  }

 private:
  void Forget(const Now& now) {
    const absl::Duration passed = now.mono - std::exchange(seen_, now.mono);
    debt_ = std::max(0.0, debt_ - absl::FDivDuration(passed, window_.length) * static_cast<double>(limit_));
    if (manner_ == Manner::kFixed) {
      const absl::Time start = PeriodOf(window_, now.wall).start;
      if (start != period_start_) uses_.clear();
      period_start_ = start;
    } else if (manner_ == Manner::kFromFirstUse) {
      if (!uses_.empty() && now.mono - uses_.front() >= window_.length) uses_.clear();
    } else {
      while (!uses_.empty() && now.mono - uses_.front() >= window_.length) uses_.pop_front();
    }
  }

  const Manner manner_;
  const WindowSpec window_;
  const int64_t limit_;
  std::deque<MonoTime> uses_;
  double debt_ = 0;
  MonoTime seen_;
  absl::Time period_start_;
};

}  // namespace chain429
