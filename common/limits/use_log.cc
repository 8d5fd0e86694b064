#include "common/limits/use_log.h"

#include <algorithm>

namespace chain429 {

size_t UseLog::UpperBound(MonoTime at) const {
  // Nearly always the last or last but one, hence from the back.
  size_t i = entries_.size();
  for (int steps = 0; i > 0 && entries_[i - 1].first > at; --i) {
    if (++steps == 8) {
      const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(i);
      const auto it = std::upper_bound(entries_.begin(), end, at, [](MonoTime t, const Entry& e) { return t < e.first; });
      return static_cast<size_t>(it - entries_.begin());
    }
  }
  return i;
}

void UseLog::Add(MonoTime at, int64_t amount, MonoTime barrier) {
  if (amount <= 0) return;
  const size_t i = UpperBound(at);
  if (i > 0) {
    Entry& entry = entries_[i - 1];
    // An entry behind the cut takes no use that lies after it: that would be lost.
    const bool same_side = i - 1 >= live_begin_ || at <= cut_;
    if (at < entry.first + grain_ && entry.first >= barrier && same_side) {
      entry.amount += amount;
      entry.last = std::max(entry.last, at);
      if (i - 1 >= live_begin_) live_sum_ += amount;
      return;
    }
  }
  if (i < live_begin_ || at <= cut_) {
    if (cut_ - at > keep_) return;
    ++live_begin_;
  } else {
    live_sum_ += amount;
  }
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(i), Entry{at, at, amount});
}

void UseLog::Subtract(MonoTime at, int64_t amount) {
  for (size_t i = UpperBound(at); i > 0 && amount > 0; --i) {
    Entry& entry = entries_[i - 1];
    const int64_t taken = std::min(amount, entry.amount);
    entry.amount -= taken;
    amount -= taken;
    if (i - 1 >= live_begin_) live_sum_ -= taken;
  }
}

int64_t UseLog::After(MonoTime cut) {
  cut_ = std::max(cut_, cut);
  while (live_begin_ < entries_.size() && entries_[live_begin_].last <= cut_) live_sum_ -= entries_[live_begin_++].amount;
  while (live_begin_ > 0 && cut_ - entries_.front().last > keep_) {
    entries_.pop_front();
    --live_begin_;
  }
  return live_sum_;
}

int64_t UseLog::Between(MonoTime from, MonoTime to) const {
  int64_t sum = live_sum_;
  for (size_t i = entries_.size(); i > live_begin_ && entries_[i - 1].last > to; --i) sum -= entries_[i - 1].amount;
  if (from < cut_) {
    for (size_t i = live_begin_; i > 0 && entries_[i - 1].last > from; --i) {
      if (entries_[i - 1].last <= to) sum += entries_[i - 1].amount;
    }
  } else {
    for (size_t i = live_begin_; i < entries_.size() && entries_[i].last <= from; ++i) {
      if (entries_[i].last <= to) sum -= entries_[i].amount;
    }
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
    const int64_t taken = std::min(amount - dropped, entries_[i].amount);
    entries_[i].amount -= taken;
    live_sum_ -= taken;
    dropped += taken;
  }
  return dropped;
}

void UseLog::CopyFrom(const UseLog& other, MonoTime cut) {
  for (const Entry& entry : other.entries_) {
    if (entry.last > cut) Add(entry.last, entry.amount, MonoTime::FromNanos(INT64_MIN));
  }
}

}  // namespace chain429
