#pragma once

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/model/pool.h"

namespace chain429 {

// A present that moves when it is told to, far from the zeros of both clocks.
struct TurnedClock {
  Now now{MonoTime::FromNanos(1'000'000'000'000'000), absl::FromUnixSeconds(1'795'521'600)};  // 2026-11-24T12:00:00Z

  MonoTime mono() const { return now.mono; }
  void Turn(absl::Duration d) {
    now.mono = now.mono + d;
    now.wall += d;
  }
  // To a moment on the wall clock, with both clocks running.
  void TurnTo(absl::Time wall) { Turn(wall - now.wall); }
  // Somebody sets the wall clock; the other one does not move.
  void StepWall(absl::Duration d) { now.wall += d; }
};

inline WindowSpec Sliding(absl::Duration length) { return {WindowKind::kSliding, length, absl::ZeroDuration(), "UTC"}; }
inline WindowSpec Bucket(absl::Duration length) { return {WindowKind::kBucket, length, absl::ZeroDuration(), "UTC"}; }
inline WindowSpec Fixed(absl::Duration length, absl::Duration anchor = absl::ZeroDuration(), const char* zone = "UTC") {
  return {WindowKind::kFixed, length, anchor, zone};
}

inline Limit MakeLimit(Unit unit, int64_t amount, const WindowSpec& window = {},
                       Provenance provenance = Provenance::kConfigured) {
  return {unit, amount, window, provenance};
}

inline absl::TimeZone ZoneNamed(const char* name) {
  absl::TimeZone zone;
  return absl::LoadTimeZone(name, &zone) ? zone : absl::FixedTimeZone(1);  // an offset that no test expects
}

}  // namespace chain429
