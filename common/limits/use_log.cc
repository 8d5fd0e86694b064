#include "common/limits/use_log.h"

#include <algorithm>

namespace chain429 {

size_t UseLog::UpperBound(MonoTime at) const {
  // Nearly always the last or last but one, hence from the back.
  size_t i = entries_.size();
  for (int steps = 0; i > 0 && entries_[i - 1].first > at; --i) {
    if (++steps == 8) {
      const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(i);
      const auto it =
          std::upper_bound(entries_.begin(), end, at, [](MonoTime t, const Entry& e) { return t < e.first; });
      return static_cast<size_t>(it - entries_.begin());
    }
  }
  return i;
}

// Adds to entry `i` what was used at `at`, if they lie within one grain and no barrier stands between them.
bool UseLog::Join(size_t i, MonoTime at, int64_t amount, MonoTime barrier) {
  if (i >= entries_.size()) return false;
  Entry& entry = entries_[i];
  if (at >= entry.first + grain_ || entry.last >= at + grain_) return false;
  if (std::min(at, entry.first) < std::max(barrier, entry.barrier)) return false;
  // An entry behind the cut takes no use that lies after it: that would be lost.
  const bool live = i >= live_begin_;
  if (!live && at > cut_) return false;
  entry.first = std::min(entry.first, at);
  entry.last = std::max(entry.last, at);
  entry.amount += amount;
  if (live) live_sum_ += amount;
  return true;
}

void UseLog::Add(MonoTime at, int64_t amount, MonoTime barrier) {
  if (amount <= 0) return;
  const size_t i = UpperBound(at);
  if ((i > 0 && Join(i - 1, at, amount, barrier)) || Join(i, at, amount, barrier)) return;
  if (i <= live_begin_ && at <= cut_) {
    if (cut_ - at > keep_) return;
    ++live_begin_;
  } else {
    live_sum_ += amount;
  }
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(i), Entry{at, at, barrier, amount});
}

int64_t UseLog::Take(size_t i, int64_t amount) {
  const int64_t taken = std::min(amount, entries_[i].amount);
  entries_[i].amount -= taken;
  if (i >= live_begin_) live_sum_ -= taken;
  return taken;
}

int64_t UseLog::Subtract(MonoTime at, int64_t amount) {
  const size_t i = UpperBound(at);
  int64_t rest = amount;
  const bool held = i > 0 && at < entries_[i - 1].first + grain_;
  if (!held && i < entries_.size() && entries_[i].first <= at + slack_) rest -= Take(i, rest);
  for (size_t j = i; j > 0 && rest > 0; --j) rest -= Take(j - 1, rest);
  return amount - rest;
}

int64_t UseLog::After(MonoTime cut) {
  cut_ = std::max(cut_, cut);
  while (live_begin_ < entries_.size() && entries_[live_begin_].last <= cut_)
    live_sum_ -= entries_[live_begin_++].amount;
  while (live_begin_ > 0 && cut_ - entries_.front().last > keep_) {
    entries_.pop_front();
    --live_begin_;
  }
  return live_sum_;
}

int64_t UseLog::Sum(MonoTime from, MonoTime to, bool whole) const {
  const auto is_before = [&](const Entry& entry) { return (whole ? entry.first : entry.last) <= from; };
  const auto is_after = [&](const Entry& entry) { return (whole ? entry.last : entry.first) > to; };
  int64_t sum = live_sum_;
  size_t end = entries_.size();
  while (end > live_begin_ && is_after(entries_[end - 1])) sum -= entries_[--end].amount;
  size_t begin = live_begin_;
  while (begin < end && is_before(entries_[begin])) sum -= entries_[begin++].amount;
  if (begin > live_begin_) return sum;
  for (; begin > 0 && !is_before(entries_[begin - 1]); --begin) {
    if (!is_after(entries_[begin - 1])) sum += entries_[begin - 1].amount;
  }
  return sum;
}

MonoTime UseLog::DateOf(int64_t amount) const {
  for (size_t i = live_begin_; i < entries_.size(); ++i) {
    amount -= entries_[i].amount;
    if (amount <= 0) return entries_[i].last;
  }
  return MonoTime::Max();
}

int64_t UseLog::DropOldest(int64_t amount, MonoTime to) {
  int64_t dropped = 0;
  for (size_t i = live_begin_; i < entries_.size() && dropped < amount && entries_[i].first <= to; ++i) {
    dropped += Take(i, amount - dropped);
  }
  return dropped;
}

}  // namespace chain429
