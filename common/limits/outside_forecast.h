#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429 {

// How much of a limit somebody else is going to use, judged by what he used in the last windows. What a provider has
// counted is known only when its next answer comes; a fleet that fills every gap at once would meet a refusal wherever
// the other came first. One per limit; of windows longer than an hour nothing is foretold, as holding back a day's
// worth costs more than a refusal.
class OutsideForecast {
 public:
  // `amount`: of the limit. At most half of it is ever kept free.
  OutsideForecast(absl::Duration window, int64_t amount) : window_(window), amount_(amount) {}

  // Outside use that counts at `now`. What was seen for a tenth of a window counts: less may be a report of our own
  // that is still on its way.
  void See(int64_t outside, MonoTime now);
  // A refusal proves that there was so much, and one more was on its way.
  void Prove(int64_t outside, MonoTime now);

  // The most that was seen in the last windows; 0: nobody else uses the limit.
  int64_t Peak(MonoTime now) const;

 private:
  static constexpr int64_t kWindows = 16;
  static constexpr int64_t kSlots = 10;  // of a window
  int64_t SlotOf(MonoTime now) const { return now.nanos() / (absl::ToInt64Nanoseconds(window_) / kSlots + 1); }
  void Keep(int64_t outside, int64_t slot);

  absl::Duration window_;
  int64_t amount_;
  int64_t slot_ = -1;
  int64_t least_ = 0;  // seen in `slot_`
  struct Most {
    int64_t number = -1;  // of the window
    int64_t amount = 0;
  };
  std::array<Most, kWindows> most_;
};

}  // namespace chain429
