#include "common/limits/window.h"

#include <algorithm>

namespace chain429 {
namespace {

// A 1024th of the window is lost at most by letting uses share an entry.
constexpr int64_t kEntriesPerWindow = 1024;
// Readings of requests that took longer than this to settle say nothing any more.
constexpr absl::Duration kKeep = absl::Minutes(2);

MonoTime ToMono(absl::Time t, const Now& now) { return now.mono - (now.wall - t); }

}  // namespace

Window::Window(const WindowSpec& spec, int64_t amount)
    : spec_(spec), log_(spec.length / kEntriesPerWindow, std::min(spec.length, kKeep)) {
  if (spec.kind == WindowKind::kBucket) bucket_.emplace(spec.length, amount);
}

void Window::set_amount(int64_t amount, const Now& now) {
  if (bucket_) bucket_->set_amount(amount, now.mono);
}

absl::Duration Window::Guard() const {
  return spec_.kind == WindowKind::kFixed ? std::min(kEdgeGuard, spec_.length / 12) : std::min(kSlidingGuard, spec_.length / 10);
}

void Window::Turn(const Now& now) {
  // A wall clock that steps back stays in the period it had reached: its uses are not to be granted again.
  if (now.wall < period_.end && period_.end > period_.start) return;
  period_ = PeriodOf(spec_, now.wall);
  start_ = ToMono(period_.start, now);
  previous_start_ = ToMono(PeriodOf(spec_, period_.start - absl::Nanoseconds(1)).start, now);
}

MonoTime Window::Cut(const Now& now) {
  if (spec_.kind == WindowKind::kSliding) return now.mono - (spec_.length + Guard());
  Turn(now);
  const bool just_begun = now.mono < start_ + Guard();
  return (just_begun ? previous_start_ : start_) - Guard();
}

MonoTime Window::Barrier(MonoTime at, const Now& now) {
  if (spec_.kind == WindowKind::kSliding) return MonoTime::FromNanos(INT64_MIN);
  Turn(now);
  for (const MonoTime edge : {ToMono(period_.end, now), start_, previous_start_}) {
    if (at >= edge) return edge;
    if (at >= edge - Guard()) return edge - Guard();
  }
  return MonoTime::FromNanos(INT64_MIN);
}

void Window::Add(int64_t amount, MonoTime at, const Now& now) {
  if (bucket_) return bucket_->Add(amount, at, Guard());
  log_.Add(at, amount, Barrier(at, now));
}

void Window::Subtract(int64_t amount, MonoTime at, const Now& now) {
  if (bucket_) return bucket_->Subtract(amount);
  log_.After(Cut(now));
  log_.Subtract(at, amount);
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
  if (now.mono < start_ + Guard()) {
    // What lies before the edge goes when the edge's guard is over.
    if (log_.Between(Cut(now), start_ - Guard()) >= amount) return start_ + Guard() - now.mono;
  }
  return period_.end + Guard() - now.wall;
}

std::optional<Window::Bounds> Window::CountedAt(MonoTime at, const Now& now) {
  if (bucket_) return std::nullopt;
  Used(now);
  const absl::Duration guard = Guard();
  if (spec_.kind == WindowKind::kSliding) {
    if (now.mono - at > std::min(spec_.length, kKeep)) return std::nullopt;
    const MonoTime start = at - spec_.length;
    return Bounds{log_.Between(start + guard, at - guard), log_.Between(start - guard, at + guard)};
  }
  if (at < start_ + guard) return std::nullopt;
  const absl::Duration jitter = std::min(kSlidingGuard, guard);
  return Bounds{log_.Between(start_ + guard, at - jitter), log_.Between(start_ - guard, at + jitter)};
}

void Window::DropOldest(int64_t amount, MonoTime at) {
  if (!bucket_) log_.DropOldest(amount, at);
}

absl::Duration Window::FullLength(const Now& now) {
  if (spec_.kind != WindowKind::kFixed) return spec_.length;
  Turn(now);
  return std::max(absl::ZeroDuration(), period_.end + Guard() - now.wall);
}

void Window::CopyFrom(const Window& other, const Now& now) {
  if (!bucket_ && !other.bucket_) {
    const MonoTime cut = Cut(now);
    log_.After(cut);
    log_.CopyFrom(other.log_, cut);
  }
}

}  // namespace chain429
