#include "common/limits/window.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace chain429 {
namespace {

// A 1024th of the window is lost at most by letting uses share an entry.
constexpr int64_t kEntriesPerWindow = 1024;
constexpr int64_t kOutsideEntries = 128;
// Readings of requests that took longer than this to settle say nothing any more.
constexpr absl::Duration kKeep = absl::Minutes(2);

absl::Duration Jitter(const WindowSpec& spec) { return std::min(kSlidingGuard, spec.length / 10); }

MonoTime ToMono(absl::Time t, const Now& now) { return now.mono - (now.wall - t); }

}  // namespace

Window::Window(const WindowSpec& spec, int64_t amount)
    : spec_(spec),
      log_(spec.length / kEntriesPerWindow, std::min(spec.length, kKeep), Jitter(spec)),
      outside_(spec.length / kOutsideEntries, std::min(spec.length, kKeep), Jitter(spec)) {
  if (spec.kind == WindowKind::kBucket) bucket_.emplace(spec.length, amount);
}

void Window::set_amount(int64_t amount, const Now& now) {
  if (bucket_) bucket_->set_amount(amount, now.mono);
}

absl::Duration Window::Guard() const {
  return spec_.kind == WindowKind::kFixed ? std::min(kEdgeGuard, spec_.length / 12) : Jitter(spec_);
}

void Window::Turn(const Now& now) {
  const absl::Duration length = period_.end - period_.start;
  const bool begun = length > absl::ZeroDuration();
  // A wall clock that steps back stays in the period it had reached: its uses are not to be granted again. One that had
  // been ahead by more than a period follows the calendar once more, and forgets nothing before the next edge.
  const bool was_ahead = begun && now.wall < period_.start - length;
  if (begun && now.wall < period_.end && !was_ahead) return;
  period_ = PeriodOf(spec_, now.wall);
  const MonoTime start = ToMono(period_.start, now);
  const MonoTime previous_start = ToMono(PeriodOf(spec_, period_.start - absl::Nanoseconds(1)).start, now);
  start_ = was_ahead ? std::min(start_, start) : start;
  previous_start_ = was_ahead ? std::min(previous_start_, previous_start) : previous_start;
}

MonoTime Window::Cut(const Now& now) {
  if (spec_.kind != WindowKind::kFixed) return now.mono - (spec_.length + Guard());
  Turn(now);
  const bool just_begun = now.mono < start_ + Guard();
  return (just_begun ? previous_start_ : start_) - Guard();
}

MonoTime Window::Barrier(MonoTime at, const Now& now) {
  if (spec_.kind != WindowKind::kFixed) return MonoTime::FromNanos(INT64_MIN);
  Turn(now);
  for (const MonoTime edge : {ToMono(period_.end, now), start_, previous_start_}) {
    if (at >= edge) return edge;
    if (at >= edge - Guard()) return edge - Guard();
  }
  return MonoTime::FromNanos(INT64_MIN);
}

void Window::Add(int64_t amount, MonoTime at, const Now& now) {
  log_.After(Cut(now));  // nobody may ask for long, and what is over must not pile up
  log_.Add(at, amount, Barrier(at, now));
  if (bucket_ && amount > 0) bucket_->Add(amount, at, Guard());
}

void Window::Subtract(int64_t amount, MonoTime at, const Now& now) {
  log_.After(Cut(now));
  const int64_t taken = log_.Subtract(at, amount);
  if (!bucket_) return;
  TokenBucket later = bucket_->Empty();
  log_.VisitAfter(at, [&](MonoTime date, int64_t used) { later.Add(used, date, Guard()); });
  bucket_->Subtract(taken, later);
}

TokenBucket Window::Refilled(MonoTime until, absl::Duration guard, const Now& now) const {
  std::vector<std::pair<MonoTime, int64_t>> uses;
  const auto add = [&](MonoTime at, int64_t amount) {
    if (at <= until) uses.emplace_back(at, amount);
  };
  const MonoTime from = now.mono - 2 * spec_.length;
  log_.VisitAfter(from, add);
  const auto own = static_cast<std::ptrdiff_t>(uses.size());
  outside_.VisitAfter(from, add);
  std::inplace_merge(uses.begin(), uses.begin() + own, uses.end());
  TokenBucket filled = bucket_->Empty();
  for (const auto& [at, amount] : uses) filled.Add(amount, at, guard);
  return filled;
}

void Window::Reconcile(const Level& level, bool both_ways, const Now& now) {
  if (!bucket_ || now.mono - level.at > std::min(spec_.length, kKeep)) return;
  const MonoTime cut = Cut(now);
  log_.After(cut);
  outside_.After(cut);
  // A provider states whole units of what flows continuously. When it refuses, it means the last one.
  const int64_t rounding = level.charge > 0 ? 1 : 0;
  const int64_t most = Refilled(level.at + Guard(), Guard(), now).Used(level.at);
  if (level.used > most + rounding) {
    outside_.Add(level.at, level.used - most, Barrier(level.at, now));
    bucket_->Add(level.used - most, level.at, absl::ZeroDuration());
    return;
  }
  const int64_t own = Refilled(level.at - Guard(), absl::ZeroDuration(), now).Used(level.at + Guard());
  const int64_t least = std::max<int64_t>(0, own - level.open) + level.charge - 1;
  if (!both_ways || level.used >= least) return;
  const int64_t theirs = outside_.Subtract(level.at, least - level.used);
  log_.Subtract(level.at, least - level.used - theirs);
  *bucket_ = Refilled(MonoTime::Max(), Guard(), now);
}

int64_t Window::Outside(const Now& now) const {
  if (!bucket_ || outside_.entries() == 0) return 0;
  TokenBucket own = bucket_->Empty();
  log_.VisitAfter(now.mono - 2 * spec_.length, [&](MonoTime at, int64_t amount) { own.Add(amount, at, Guard()); });
  return std::max<int64_t>(0, bucket_->Used(now.mono) - own.Used(now.mono));
}

int64_t Window::Used(const Now& now) { return bucket_ ? bucket_->Used(now.mono) : log_.After(Cut(now)); }

absl::Duration Window::UntilFreed(int64_t amount, const Now& now) {
  if (amount <= 0) return absl::ZeroDuration();
  if (bucket_) return bucket_->UntilFreed(amount, now.mono);
  const int64_t used = Used(now);
  if (used < amount) return absl::InfiniteDuration();
  if (spec_.kind == WindowKind::kSliding) {
    return std::max(absl::ZeroDuration(), log_.DateOf(amount) + (spec_.length + Guard()) - now.mono);
  }
  // What lies before an edge's guard goes when that guard is over; what lies within it stays for the next period too.
  const MonoTime cut = Cut(now);
  const auto goes_at = [&](MonoTime edge) { return log_.Within(cut, edge - Guard()) >= amount; };
  if (now.mono < start_ + Guard() && goes_at(start_)) return start_ + Guard() - now.mono;
  const absl::Time end = goes_at(ToMono(period_.end, now)) ? period_.end : PeriodOf(spec_, period_.end).end;
  return end + Guard() - now.wall;
}

std::vector<Window::Freed> Window::Frees(size_t most, const Now& now) {
  std::vector<Freed> freed;
  const int64_t used = Used(now);
  if (used <= 0) return freed;
  // The first of it is told by itself: who has nothing left waits for that.
  const int64_t step = used / (static_cast<int64_t>(most) - 1) + 1;
  if (bucket_) {
    // It flows all the time.
    for (int64_t amount = 1;; amount = std::min(amount + step, used)) {
      freed.push_back({bucket_->UntilFreed(amount, now.mono), amount});
      if (amount == used) return freed;
    }
  }
  const MonoTime cut = Cut(now);
  if (spec_.kind == WindowKind::kFixed) {
    // As in UntilFreed: at each edge what lies before its guard.
    const auto at_edge = [&](MonoTime edge, absl::Duration in) {
      const int64_t amount = std::min(used, log_.Within(cut, edge - Guard()));
      if (amount > (freed.empty() ? 0 : freed.back().amount)) freed.push_back({in, amount});
    };
    if (now.mono < start_ + Guard()) at_edge(start_, start_ + Guard() - now.mono);
    at_edge(ToMono(period_.end, now), period_.end + Guard() - now.wall);
    if (freed.empty() || freed.back().amount < used)
      freed.push_back({PeriodOf(spec_, period_.end).end + Guard() - now.wall, used});
    return freed;
  }
  int64_t amount = 0;
  int64_t told = 0;
  size_t entries = 0;
  log_.VisitAfter(cut, [&](MonoTime, int64_t of_it) { entries += of_it > 0 ? 1 : 0; });
  log_.VisitAfter(cut, [&](MonoTime at, int64_t of_it) {
    amount += of_it;
    const bool together = entries > most && told > 0 && amount < told + step && amount < used;
    if (of_it == 0 || together) return;
    told = amount;
    freed.push_back({std::max(absl::ZeroDuration(), at + (spec_.length + Guard()) - now.mono), amount});
  });
  return freed;
}

std::optional<Window::Bounds> Window::CountedAt(MonoTime at, const Now& now) {
  if (bucket_) return std::nullopt;
  Used(now);
  const absl::Duration guard = Guard();
  if (spec_.kind == WindowKind::kSliding) {
    if (now.mono - at > std::min(spec_.length, kKeep)) return std::nullopt;
    const MonoTime start = at - spec_.length;
    return Bounds{log_.Within(start + guard, at - guard), log_.Touching(start - guard, at + guard)};
  }
  if (at < start_ + guard) return std::nullopt;
  return Bounds{log_.Within(start_ + guard, at - Jitter(spec_)), log_.Touching(start_ - guard, at + Jitter(spec_))};
}

void Window::DropOldest(int64_t amount, MonoTime at) {
  if (!bucket_) log_.DropOldest(amount, at);
}

absl::Duration Window::FullLength(const Now& now) {
  if (bucket_) return std::max(spec_.length, bucket_->Flow(spec_.burst));
  if (spec_.kind != WindowKind::kFixed) return spec_.length;
  Turn(now);
  return std::max(absl::ZeroDuration(), period_.end + Guard() - now.wall);
}

void Window::CopyFrom(const Window& other, const Now& now) {
  other.log_.VisitAfter(Cut(now), [&](MonoTime at, int64_t amount) { Add(amount, at, now); });
}

}  // namespace chain429
