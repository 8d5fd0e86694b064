#pragma once

#include <compare>
#include <cstdint>

#include "absl/time/time.h"

namespace chain429 {

// A point on a clock that only moves forward; its zero means nothing. Eight bytes, because it stands in every permit
// and timer.
class MonoTime {
 public:
  constexpr MonoTime() = default;
  static constexpr MonoTime FromNanos(int64_t nanos) { return MonoTime(nanos); }
  static constexpr MonoTime Max() { return MonoTime(INT64_MAX); }

  constexpr int64_t nanos() const { return nanos_; }
  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  friend absl::Duration operator-(MonoTime a, MonoTime b) { return absl::Nanoseconds(a.nanos_ - b.nanos_); }
  friend MonoTime operator+(MonoTime t, absl::Duration d) {
    return MonoTime(Saturate(t.nanos_, absl::ToInt64Nanoseconds(d)));
  }
  friend MonoTime operator-(MonoTime t, absl::Duration d) { return t + -d; }

 private:
  constexpr explicit MonoTime(int64_t nanos) : nanos_(nanos) {}
  static constexpr int64_t Saturate(int64_t a, int64_t b) {
    if (b > 0 && a > INT64_MAX - b) return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b) return INT64_MIN;
    return a + b;
  }
  int64_t nanos_ = 0;
};

// The present, as passed to every decision: `mono` for durations and deadlines, `wall` only for calendar windows and
// display.
struct Now {
  MonoTime mono;
  absl::Time wall;
};

// Edges hold a Clock and read it once per event-loop turn; decisions take a Now.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME. Any thread.
class SystemClock final : public Clock {
 public:
  Now Read() const override;
};

}  // namespace chain429
