#include "common/limits/outside_forecast.h"

#include <algorithm>

namespace chain429 {
namespace {

constexpr absl::Duration kLongestForetold = absl::Hours(1);

}  // namespace

void OutsideForecast::See(int64_t outside, MonoTime now) {
  if (window_ > kLongestForetold) return;
  const int64_t slot = SlotOf(now);
  if (slot == slot_) {
    least_ = std::min(least_, outside);
    return;
  }
  // Both: a slot's end is where the next one begins.
  if (slot_ >= 0) Keep(std::min(least_, outside), slot_);
  slot_ = slot;
  least_ = outside;
}

void OutsideForecast::Prove(int64_t outside, MonoTime now) {
  if (window_ <= kLongestForetold && outside > 0) Keep(outside, SlotOf(now));
}

void OutsideForecast::Keep(int64_t outside, int64_t slot) {
  if (outside <= 0) return;
  const int64_t number = slot / kSlots;
  Most& most = most_[static_cast<size_t>(number % kWindows)];
  if (most.number != number) most = {number, 0};
  most.amount = std::max(most.amount, std::min(outside, amount_ / 2));
}

int64_t OutsideForecast::Peak(MonoTime now) const {
  const int64_t number = SlotOf(now) / kSlots;
  int64_t peak = 0;
  for (const Most& most : most_) {
    if (most.number >= 0 && number - most.number < kWindows) peak = std::max(peak, most.amount);
  }
  return peak;
}

}  // namespace chain429
