#include "dataplane/permits/share.h"

#include <algorithm>

namespace chain429 {

void ShareWindow::Set(const SafeShare& share, MonoTime told_at) {
  const int64_t slot_nanos = std::max<int64_t>(1, absl::ToInt64Nanoseconds(share.window) / kSlots);
  share_ = share;
  told_at_ = told_at;
  if (slot_nanos == slot_nanos_) return;
  // Calls counted under another window are dated anew, as late as they can have been.
  int64_t newest = -1;
  int64_t used = 0;
  for (const Slot& slot : slots_) {
    newest = std::max(newest, slot.number);
    used += slot.used;
  }
  const int64_t end_nanos = newest < 0 ? 0 : (newest + 1) * slot_nanos_ - 1;
  slots_.fill(Slot{});
  slot_nanos_ = slot_nanos;
  if (used > 0) {
    const int64_t number = end_nanos / slot_nanos_;
    slots_[static_cast<size_t>(number % (kSlots + 1))] = {number, used};
  }
}

int64_t ShareWindow::Used(MonoTime now) const {
  const int64_t current = SlotOf(now);
  int64_t used = 0;
  for (const Slot& slot : slots_) {
    if (slot.number >= 0 && current - slot.number <= kSlots) used += slot.used;
  }
  return used;
}

void ShareWindow::Use(MonoTime now) {
  const int64_t number = SlotOf(now);
  Slot& slot = slots_[static_cast<size_t>(number % (kSlots + 1))];
  if (slot.number != number) slot = {number, 0};
  ++slot.used;
}

MonoTime ShareWindow::SteadyFrom(MonoTime granted_until) const {
  return std::max(told_at_, granted_until) + share_.window * (1 + 1.0 / kSlots);
}

MonoTime ShareWindow::FreeAt(MonoTime now, MonoTime granted_until) const {
  if (Allows(now, granted_until)) return now;
  MonoTime free_at = MonoTime::Max();
  // Something changes only when a slot leaves the window, and when the steady share begins.
  const auto consider = [&](MonoTime at) {
    if (at > now && at < free_at && Allows(at, granted_until)) free_at = at;
  };
  consider(SteadyFrom(granted_until));
  for (const Slot& slot : slots_) {
    if (slot.number >= 0) consider(MonoTime::FromNanos((slot.number + kSlots + 1) * slot_nanos_));
  }
  return free_at;
}

}  // namespace chain429
