#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429 {

// What was used, by time: the memory of a sliding or fixed window. Uses that lie within one `grain` share an entry, dated by
// its youngest use, so that memory is bounded by kept time / grain whatever the rate, and an entry leaves a window at most one
// grain late, never early. Every operation is amortised O(1) for times that mostly rise.
class UseLog {
 public:
  // `keep`: how long behind the newest cut entries stay known, for readings that come late.
  UseLog(absl::Duration grain, absl::Duration keep) : grain_(grain), keep_(keep) {}

  // Uses before and after `barrier` never share an entry.
  void Add(MonoTime at, int64_t amount, MonoTime barrier);
  // Takes back from the entry that holds `at`, then from older ones. What is not there any more is ignored.
  void Subtract(MonoTime at, int64_t amount);

  // Uses after `cut`. Cuts only move forward: an earlier one counts as the last.
  int64_t After(MonoTime cut);
  // Uses in (from, to]. Linear in the entries that lie after `to` or before the last cut and after `from`.
  int64_t Between(MonoTime from, MonoTime to) const;
  // When the first `amount` of what lies after the last cut is used up, oldest first: the date of the entry that completes it.
  // Max() when there is not so much.
  MonoTime DateOf(int64_t amount) const;

  // Forgets up to `amount` of what lies after the last cut and not after `to`, oldest first; says how much it was.
  int64_t DropOldest(int64_t amount, MonoTime to);
  // Every entry after the last cut, as if used again here.
  void CopyFrom(const UseLog& other, MonoTime cut);

  size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    MonoTime first;
    MonoTime last;
    int64_t amount;
  };
  // The number of entries whose first use is not after `at`.
  size_t UpperBound(MonoTime at) const;

  absl::Duration grain_;
  absl::Duration keep_;
  std::deque<Entry> entries_;
  size_t live_begin_ = 0;  // entries before it lie at or before the cut
  int64_t live_sum_ = 0;
  MonoTime cut_ = MonoTime::FromNanos(INT64_MIN);
};

}  // namespace chain429
