#include "common/provider/window_inference.h"

#include <cmath>

namespace chain429 {
namespace {

constexpr double kTolerance = 0.05;

}  // namespace

void InferWindow(Reading& reading) {
  if (reading.window != absl::ZeroDuration() || reading.unit == Unit::kConcurrency) return;
  if (reading.reset_after == absl::InfiniteDuration() || reading.reset_after <= absl::ZeroDuration()) return;
  const double reset = absl::ToDoubleSeconds(reading.reset_after);
  if (reading.limit > 0 && reading.remaining >= 0 && reading.remaining < reading.limit) {
    const double window =
        reset * static_cast<double>(reading.limit) / static_cast<double>(reading.limit - reading.remaining);
    for (const int64_t usual : {1, 60, 3600, 86400}) {
      if (std::abs(window - static_cast<double>(usual)) > kTolerance * static_cast<double>(usual)) continue;
      reading.window = absl::Seconds(usual);
      return;
    }
  }
  // A minute's reset is often a little late by the time it is read.
  if (reset <= 60.5) {
    reading.window = absl::Minutes(1);
  } else if (reset <= 3600) {
    reading.window = absl::Hours(1);
  } else if (reset <= 86400) {
    reading.window = absl::Hours(24);
  }
}

}  // namespace chain429
