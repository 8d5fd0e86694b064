#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/model/pool.h"

namespace chain429 {

// Counts this worker's calls to a pool while the control plane is away, against a share that the control plane keeps
// reserved. In no stretch of its window are there more calls than the share: each counts for the window and up to a
// tenth of it longer. `granted_until`: until when the control plane may have granted to anybody. What it granted last
// counts for a window, so that the steady share begins after that.
class ShareWindow {
 public:
  void Set(const SafeShare& share, MonoTime told_at);
  bool Allows(MonoTime now, MonoTime granted_until) const { return Used(now) < Allowance(now, granted_until); }
  void Use(MonoTime now);
  // When a call may be allowed again; `now` if it is, Max if never.
  MonoTime FreeAt(MonoTime now, MonoTime granted_until) const;

 private:
  static constexpr int64_t kSlots = 10;

  int64_t Used(MonoTime now) const;
  MonoTime SteadyFrom(MonoTime granted_until) const;
  int64_t Allowance(MonoTime now, MonoTime granted_until) const {
    return now < SteadyFrom(granted_until) ? share_.first : share_.steady;
  }
  int64_t SlotOf(MonoTime now) const { return now.nanos() / slot_nanos_; }

  SafeShare share_;
  MonoTime told_at_;
  int64_t slot_nanos_ = 6'000'000'000;
  struct Slot {
    int64_t number = -1;
    int64_t used = 0;
  };
  std::array<Slot, kSlots + 1> slots_;
};

}  // namespace chain429
