#include "common/limits/probation.h"

#include <algorithm>

namespace chain429 {
namespace {

// At first contact one more may be under way for so many that were taken, and after so many nothing is doubted any
// more: the limits of free accounts are mostly lower.
constexpr int64_t kTakenPerProbe = 8;
constexpr int64_t kFamiliarAfter = 128;
// A pool that came back is trusted with twice as many each round trip, until so many were taken.
constexpr int64_t kReopenedAfter = 16;

}  // namespace

void Probation::Begin(Reason reason) {
  reason_ = reason;
  taken_ = reason == Reason::kReopened ? 1 : 0;
  under_way_ = 0;
  by_holder_.clear();
}

void Probation::End() {
  reason_ = Reason::kNone;
  under_way_ = 0;
  by_holder_.clear();
}

bool Probation::Allows(uint64_t holder, int64_t holders) const {
  if (reason_ == Reason::kNone) return true;
  if (reason_ == Reason::kReopened) return under_way_ <= taken_;
  holders = std::max<int64_t>(1, holders);
  const int64_t together = std::max(holders, 1 + taken_ / kTakenPerProbe);
  const auto own = by_holder_.find(holder);
  return under_way_ < together && (own == by_holder_.end() || own->second < together / holders);
}

void Probation::Start(uint64_t holder) {
  if (reason_ == Reason::kNone) return;
  ++under_way_;
  ++by_holder_[holder];
}

bool Probation::Finish(uint64_t holder, bool taken) {
  if (reason_ == Reason::kNone) return false;
  // Probes of an earlier probation of the pool are not counted here.
  if (const auto own = by_holder_.find(holder); own != by_holder_.end()) {
    --under_way_;
    if (--own->second == 0) by_holder_.erase(own);
  }
  if (!taken) return false;
  ++taken_;
  if (taken_ < (reason_ == Reason::kReopened ? kReopenedAfter : kFamiliarAfter)) return false;
  End();
  return true;
}

}  // namespace chain429
