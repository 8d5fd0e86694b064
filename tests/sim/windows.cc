#include "tests/sim/windows.h"

#include <algorithm>
#include <deque>

#include "absl/numeric/int128.h"
#include "absl/time/civil_time.h"

namespace chain429::sim {
namespace {

// An entry of time t counts in [t, t + length): at exactly t + length it is gone.
class SlidingWindow final : public Window {
 public:
  explicit SlidingWindow(const WindowSpec& spec) : Window(spec) {}

  int64_t Used(absl::Time now) override {
    while (!entries_.empty() && entries_.front().at + spec().length <= now) {
      used_ -= entries_.front().amount;
      entries_.pop_front();
    }
    return used_;
  }

  absl::Duration UntilReset(absl::Time now) override {
    Used(now);
    return entries_.empty() ? absl::ZeroDuration() : entries_.back().at + spec().length - now;
  }

 protected:
  absl::Duration WaitUntilItFits(absl::Time now, int64_t amount) override {
    int64_t used = Used(now);
    for (const Entry& entry : entries_) {
      used -= entry.amount;
      if (used + amount <= capacity()) return entry.at + spec().length - now;
    }
    return absl::ZeroDuration();
  }

  void AddEntry(absl::Time now, int64_t amount) override {
    entries_.push_back({now, amount});
    used_ += amount;
  }

  void CorrectEntry(absl::Time added_at, absl::Time now, int64_t delta) override {
    Used(now);
    auto entry = std::lower_bound(entries_.begin(), entries_.end(), added_at,
                                  [](const Entry& e, absl::Time at) { return e.at < at; });
    if (entry == entries_.end() || entry->at != added_at) return;
    // Of several entries with one time any will do: they leave together.
    entry->amount += delta;
    used_ += delta;
  }

 private:
  struct Entry {
    absl::Time at;
    int64_t amount;
  };
  std::deque<Entry> entries_;  // in order of time
  int64_t used_ = 0;
};

class FixedWindow final : public Window {
 public:
  explicit FixedWindow(const WindowSpec& spec) : Window(spec) {}

  int64_t Used(absl::Time now) override {
    if (now >= end_) used_ = 0;
    return used_;
  }

  absl::Duration UntilReset(absl::Time now) override {
    if (spec().from_first && now >= end_) return absl::ZeroDuration();
    return (now < end_ ? end_ : EndOf(now)) - now;
  }

 protected:
  absl::Duration WaitUntilItFits(absl::Time now, int64_t) override { return UntilReset(now); }

  void AddEntry(absl::Time now, int64_t amount) override {
    if (now >= end_) {
      begin_ = now;
      end_ = EndOf(now);
      used_ = 0;
    }
    used_ += amount;
  }

  void CorrectEntry(absl::Time added_at, absl::Time now, int64_t delta) override {
    if (now < end_ && added_at >= begin_) used_ += delta;
  }

 private:
  absl::Time EndOf(absl::Time now) const {
    if (spec().from_first) return now + spec().length;
    if (spec().length == absl::Hours(24)) return NextCalendarBoundary(now);
    absl::Time origin = absl::UnixEpoch() + spec().anchor;
    return origin + absl::Floor(now - origin, spec().length) + spec().length;
  }

  absl::Time NextCalendarBoundary(absl::Time now) const {
    absl::CivilDay day(absl::ToCivilSecond(now, spec().zone));
    absl::Time boundary = BoundaryOf(day);
    while (boundary <= now) boundary = BoundaryOf(++day);
    return boundary;
  }

  absl::Time BoundaryOf(absl::CivilDay day) const {
    absl::CivilSecond local = absl::CivilSecond(day) + absl::ToInt64Seconds(spec().anchor);
    return absl::FromCivil(local, spec().zone);
  }

  absl::Time begin_ = absl::InfinitePast();  // first use in the current window
  absl::Time end_ = absl::InfinitePast();
  int64_t used_ = 0;
};

// The debt is kept in unit·nanoseconds: a unit adds `length` in nanoseconds, and each nanosecond pays back `limit`. So
// nothing is ever rounded, whatever the rate.
class TokenBucket final : public Window {
 public:
  explicit TokenBucket(const WindowSpec& spec) : Window(spec) {}

  int64_t Used(absl::Time now) override {
    Drain(now);
    return static_cast<int64_t>((debt_ + unit() - 1) / unit());
  }

  absl::Duration UntilReset(absl::Time now) override {
    Drain(now);
    return TimeToPay(debt_);
  }

 protected:
  bool Fits(absl::Time now, int64_t amount) override {
    Drain(now);
    return debt_ + unit() * amount <= unit() * capacity();
  }

  absl::Duration WaitUntilItFits(absl::Time now, int64_t amount) override {
    Drain(now);
    return TimeToPay(debt_ + unit() * amount - unit() * capacity());
  }

  void AddEntry(absl::Time now, int64_t amount) override {
    Drain(now);
    debt_ += unit() * amount;
  }

  void CorrectEntry(absl::Time, absl::Time now, int64_t delta) override {
    Drain(now);
    debt_ = std::max<absl::int128>(0, debt_ + unit() * delta);
  }

 private:
  absl::int128 unit() const { return absl::ToInt64Nanoseconds(spec().length); }

  void Drain(absl::Time now) {
    absl::int128 paid = absl::int128(absl::ToInt64Nanoseconds(now - drained_at_)) * spec().limit;
    debt_ = std::max<absl::int128>(0, debt_ - paid);
    // Whole nanoseconds only, so that a finer part of the time is paid at the next call and not lost.
    drained_at_ += absl::Nanoseconds(absl::ToInt64Nanoseconds(now - drained_at_));
  }

  absl::Duration TimeToPay(absl::int128 debt) const {
    if (debt <= 0 || spec().limit == 0) return absl::ZeroDuration();
    return absl::Nanoseconds(static_cast<int64_t>((debt + spec().limit - 1) / spec().limit));
  }

  absl::int128 debt_ = 0;
  absl::Time drained_at_ = absl::UnixEpoch();
};

}  // namespace

std::string_view WindowKindName(WindowKind kind) {
  switch (kind) {
    case WindowKind::kSliding:
      return "sliding";
    case WindowKind::kFixed:
      return "fixed";
    case WindowKind::kBucket:
      return "bucket";
  }
  return "";
}

int64_t Window::capacity() const {
  return spec_.kind == WindowKind::kBucket && spec_.burst > 0 ? spec_.burst : spec_.limit;
}

absl::Duration Window::WaitFor(absl::Time now, int64_t amount) {
  if (spec_.limit == 0 || Fits(now, amount)) return absl::ZeroDuration();
  if (amount > capacity()) return absl::InfiniteDuration();
  return WaitUntilItFits(now, amount);
}

void Window::Add(absl::Time now, int64_t amount) {
  AddEntry(now, amount);
  max_used_ = std::max(max_used_, Used(now));
}

void Window::Correct(absl::Time added_at, absl::Time now, int64_t delta) {
  CorrectEntry(added_at, now, delta);
  max_used_ = std::max(max_used_, Used(now));
}

void Window::SetLimit(int64_t limit, int64_t burst) {
  spec_.limit = limit;
  spec_.burst = burst;
}

std::unique_ptr<Window> MakeWindow(const WindowSpec& spec) {
  switch (spec.kind) {
    case WindowKind::kSliding:
      return std::make_unique<SlidingWindow>(spec);
    case WindowKind::kFixed:
      return std::make_unique<FixedWindow>(spec);
    case WindowKind::kBucket:
      return std::make_unique<TokenBucket>(spec);
  }
  return nullptr;
}

}  // namespace chain429::sim
