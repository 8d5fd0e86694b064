#include "common/limits/inferred.h"

#include <algorithm>
#include <cstdlib>

namespace chain429 {
namespace {

// Fewer successes say more about the provider's health than about its limit.
constexpr int64_t kFewest = 2;
constexpr int64_t kMostPatience = 32;
constexpr int64_t kRequestsPerRefusal = 500;
constexpr int64_t kSteepestRaise = 80;

}  // namespace

bool InferredLimit::Refuse(int64_t successes, MonoTime now) {
  if (successes < kFewest) return false;
  const int64_t tolerance = std::max<int64_t>(1, refused_at_ * 3 / 20);
  const bool again = refused_at_ > 0 && std::abs(successes - refused_at_) <= tolerance;
  const int64_t patience = std::clamp<int64_t>(kRequestsPerRefusal / successes, 2, kMostPatience);
  patience_ = again ? std::min(patience_ * 2, static_cast<int>(patience)) : 1;
  raise_percent_ = kFirstRaise;
  // The smaller of two near ones: the larger may have straddled an edge of the provider's window.
  refused_at_ = again ? std::min(refused_at_, successes) : successes;
  full_minutes_ = 0;
  full_ = false;
  minute_start_ = now;
  const bool changed = amount_ != refused_at_;
  amount_ = refused_at_;
  return changed;
}

bool InferredLimit::Correct(int64_t successes) {
  if (amount_ == 0 || successes < kFewest || successes >= amount_) return false;
  amount_ = successes;
  refused_at_ = successes;
  return true;
}

bool InferredLimit::Turn(int64_t used, MonoTime now) {
  if (amount_ == 0) return false;
  if (used * 10 >= amount_ * 9) full_ = true;
  if (now - minute_start_ < absl::Minutes(1)) return false;
  full_minutes_ += full_ ? 1 : 0;
  full_ = false;
  minute_start_ = now;
  if (full_minutes_ < patience_) return false;
  full_minutes_ = 0;
  amount_ += std::max<int64_t>(1, amount_ * raise_percent_ / 100);
  raise_percent_ = std::min(raise_percent_ * 2, kSteepestRaise);
  return true;
}

void InferredLimit::Restore(int64_t amount, MonoTime now) {
  amount_ = amount;
  refused_at_ = amount;
  minute_start_ = now;
}

Limit InferredLimit::AsLimit() const {
  Limit limit;
  limit.unit = Unit::kRequests;
  limit.amount = amount_;
  limit.provenance = Provenance::kInferred;
  return limit;
}

}  // namespace chain429
