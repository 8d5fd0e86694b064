#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/clock.h"

namespace chain429 {

// How many permits a target used lately: what decides how many spares are worth asking for. Counts over a sliding 100
// ms, kept in two slots.
class RecentDemand {
 public:
  // The same for every target: a batch of permits should last about four round trips of a slow control plane.
  static constexpr uint32_t kSparesPerUse = 4;
  static constexpr uint32_t kMaxSpares = 4096;

  void Add(MonoTime now) {
    Advance(now);
    ++current_;
  }
  // Uses in the last 100 ms, about.
  uint32_t Recent(MonoTime now) const {
    const int64_t slot = now.nanos() / kSlotNanos;
    const uint32_t older = slot == slot_ ? previous_ : slot == slot_ + 1 ? current_ : 0;
    const uint32_t newer = slot == slot_ ? current_ : 0;
    const int64_t into = now.nanos() % kSlotNanos;
    return newer + static_cast<uint32_t>(older * (kSlotNanos - into) / kSlotNanos);
  }
  // Spares that the demand is worth: none for a single request.
  uint32_t SparesWorth(MonoTime now) const {
    const uint32_t recent = Recent(now);
    return recent <= 1 ? 0 : std::min(kMaxSpares, recent * kSparesPerUse);
  }

 private:
  static constexpr int64_t kSlotNanos = 100'000'000;

  void Advance(MonoTime now) {
    const int64_t slot = now.nanos() / kSlotNanos;
    if (slot == slot_) return;
    previous_ = slot == slot_ + 1 ? current_ : 0;
    current_ = 0;
    slot_ = slot;
  }

  int64_t slot_ = 0;
  uint32_t current_ = 0;
  uint32_t previous_ = 0;
};

}  // namespace chain429
