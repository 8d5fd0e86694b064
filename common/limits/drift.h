#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/window.h"

namespace chain429 {

// What a provider said it had counted when one request reached it.
struct CountReading {
  MonoTime at;              // when that request was written upstream
  int64_t used = 0;         // limit - remaining
  int64_t charge = 0;       // what of it that request certainly is
  int64_t open = 0;         // our own use before `at` that the provider may count only when the answers end (tokens)
  absl::Duration reset = absl::InfiniteDuration();  // until the provider forgets it, as stated
  int64_t given_back = 0;   // our own use that it may have counted at `at`, and that went back after it (tokens)
};

// What lies between our own count and the provider's: outside use of the key. One per limit.
//
// Requests written within the network's jitter of each other reach the provider in any order, so a reading does not
// give the drift but an interval: at least `used` minus all of our own that can have been counted, at most `used` minus
// what must have been. The drift known so far is kept unless it lies outside. That makes repeats and reordering
// harmless, is exact when readings are true, and needs no maximum that would keep a phantom. A bucket holds what others
// use itself, as it flows back like our own.
class Drift {
 public:
  // `both_ways`: a count below our own is believed too, and forgets the oldest of our own use: the provider's window
  // had an edge where ours has none, or it counts less than we do. Such entries go, rather than being outweighed by a
  // negative drift, so that what is left leaves the window at its own time.
  void Observe(const CountReading& reading, bool both_ways, Window& window, const Now& now);
  // Use beside our own that counts now.
  int64_t Extra(MonoTime now) const { return now < until_ ? extra_ : 0; }
  absl::Duration Until(MonoTime now) const { return now < until_ ? until_ - now : absl::ZeroDuration(); }
  // What an earlier run of the control plane had counted up to `as_of`, and this one cannot know.
  void Assume(int64_t extra, MonoTime as_of, MonoTime until, MonoTime now);
  // A use of that run turns up and is counted on its own from now on.
  void Explain(int64_t amount, MonoTime at);

 private:
  int64_t extra_ = 0;
  int64_t assumed_ = 0;  // of it: by Assume, and not yet explained or overtaken by a reading
  MonoTime as_of_;
  MonoTime until_;
  MonoTime newest_ = MonoTime::FromNanos(INT64_MIN);
};

}  // namespace chain429
