#include "common/limits/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace chain429 {

absl::Duration TokenBucket::Flow(int64_t amount) const {
  return length_ * (static_cast<double>(amount) / static_cast<double>(std::max<int64_t>(1, amount_)));
}

void TokenBucket::set_amount(int64_t amount, MonoTime now) {
  const int64_t used = Used(now);
  amount_ = amount;
  free_at_ = std::max(now, flows_from_) + Flow(used);
}

void TokenBucket::Add(int64_t amount, MonoTime at, absl::Duration guard) {
  if (free_at_ <= at) flows_from_ = at + guard;
  free_at_ = std::max(free_at_, at + guard) + Flow(amount);
}

void TokenBucket::Subtract(int64_t amount, const TokenBucket& later) {
  // All is free at the latest of (a use + its flow and that of all after it). Without the amount, those up to its own
  // use come that much earlier, and those after it stay.
  free_at_ = std::min(free_at_, std::max(free_at_ - Flow(amount), later.free_at_));
}

int64_t TokenBucket::Used(MonoTime now) const {
  const MonoTime from = std::max(now, flows_from_);
  if (free_at_ <= from) return 0;
  const double used = absl::FDivDuration(free_at_ - from, length_) * static_cast<double>(amount_);
  return static_cast<int64_t>(std::ceil(used - 1e-6));
}

absl::Duration TokenBucket::UntilFreed(int64_t amount, MonoTime now) const {
  const int64_t rest = Used(now) - amount;
  if (amount <= 0) return absl::ZeroDuration();
  if (rest < 0) return absl::InfiniteDuration();
  return std::max(absl::ZeroDuration(), (free_at_ - now) - Flow(rest));
}

}  // namespace chain429
