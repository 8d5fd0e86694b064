#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429 {

// What was used, by time: the memory of a window. Uses that lie within one `grain` share an entry, dated by its
// youngest use, so that memory is bounded by kept time / grain whatever the rate (twice that if uses come out of
// order), and an entry leaves a window at most one grain late, never early. Every operation is amortised O(1) for times
// that mostly rise.
class UseLog {
 public:
  // `keep`: how long behind the newest cut entries stay known, for readings that come late. `slack`: how far the dates
  // of one use may lie apart in two reports of it.
  UseLog(absl::Duration grain, absl::Duration keep, absl::Duration slack) : grain_(grain), keep_(keep), slack_(slack) {}

  // Uses before and after `barrier`, the youngest that is not after `at`, never share an entry.
  void Add(MonoTime at, int64_t amount, MonoTime barrier);
  // Takes back from the entry that holds `at`, or else begins within the slack after it, then from older ones. What is
  // not there any more is ignored. Says how much was taken.
  int64_t Subtract(MonoTime at, int64_t amount);

  // Uses after `cut`. Cuts only move forward: an earlier one counts as the last.
  int64_t After(MonoTime cut);
  // Uses in (from, to]: at least (entries wholly within) and at most (entries with a part in it). Linear in the entries
  // that lie after `to` or before the last cut and after `from`.
  int64_t Within(MonoTime from, MonoTime to) const { return Sum(from, to, /*whole=*/true); }
  int64_t Touching(MonoTime from, MonoTime to) const { return Sum(from, to, /*whole=*/false); }
  // When the first `amount` of what lies after the last cut is used up, oldest first: the date of the entry that
  // completes it. Max() when there is not so much.
  MonoTime DateOf(int64_t amount) const;

  // Forgets up to `amount` of what lies after the last cut and not after `to`, oldest first; says how much it was.
  int64_t DropOldest(int64_t amount, MonoTime to);

  // Calls visit(date, amount) for every entry dated after `from`, oldest first.
  template <typename Visit>
  void VisitAfter(MonoTime from, Visit visit) const {
    size_t i = entries_.size();
    while (i > 0 && entries_[i - 1].last > from) --i;
    for (; i < entries_.size(); ++i) visit(entries_[i].last, entries_[i].amount);
  }

  size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    MonoTime first;
    MonoTime last;
    MonoTime barrier;
    int64_t amount;
  };
  // The number of entries whose first use is not after `at`.
  size_t UpperBound(MonoTime at) const;
  bool Join(size_t i, MonoTime at, int64_t amount, MonoTime barrier);
  int64_t Take(size_t i, int64_t amount);
  int64_t Sum(MonoTime from, MonoTime to, bool whole) const;

  absl::Duration grain_;
  absl::Duration keep_;
  absl::Duration slack_;
  std::deque<Entry> entries_;  // by time, without overlap
  size_t live_begin_ = 0;  // entries before it lie at or before the cut
  int64_t live_sum_ = 0;
  MonoTime cut_ = MonoTime::FromNanos(INT64_MIN);
};

}  // namespace chain429
