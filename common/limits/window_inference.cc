#include "common/limits/window_inference.h"

#include <algorithm>
#include <cmath>

#include "common/limits/calendar.h"

namespace chain429 {
namespace {

constexpr int kMostAgreed = 32;
constexpr int kMostContradicted = 8;
// So many agreements make up for a contradiction.
constexpr int kForgivenEvery = 16;
// Agreements that follow each other within this part of a window are one.
constexpr int64_t kSpacing = 1000;
// Two kinds that a count alone sets apart need more than one failed request between them.
constexpr int64_t kCountMargin = 2;
constexpr absl::Duration kJitter = absl::Milliseconds(200);
// How far a provider's clock may be off for its edges to be taken for the clock's.
constexpr absl::Duration kClockTolerance = absl::Seconds(2);
// Where days begin for those who publish daily quotas.
constexpr std::string_view kDayZones[] = {"UTC",           "America/Los_Angeles", "America/New_York", "Europe/London",
                                          "Europe/Berlin", "Asia/Kolkata",        "Asia/Shanghai",    "Asia/Tokyo"};
constexpr absl::Duration kDay = absl::Hours(24);
// Windows with edges off the clock must have been seen so often, as they may begin with a use instead.
constexpr int kWindowsOffTheClock = 3;
constexpr int kWindowsOnTheClock = 2;

struct Bounds {
  int64_t least = 0;
  int64_t most = 0;
  bool Holds(int64_t used) const { return least <= used && used <= most; }
};

bool WholeSeconds(absl::Duration d) { return d % absl::Seconds(1) == absl::ZeroDuration(); }

absl::Time WallOf(MonoTime t, const Now& now) { return now.wall - (now.mono - t); }
MonoTime MonoOf(absl::Time t, const Now& now) { return now.mono - (now.wall - t); }

absl::Duration Jitter(absl::Duration length) { return std::min(kJitter, length / 10); }

// Our own use of a bucket that had been idle before all that is known of it.
Bounds BucketLevel(const WindowReading& reading, absl::Duration length, const UseLog& own) {
  const double flow = static_cast<double>(reading.limit) / absl::ToDoubleSeconds(length);
  double least = 0, most = 0;
  MonoTime last = MonoTime::FromNanos(INT64_MIN);
  const auto drain = [&](double level, MonoTime until) {
    if (last.nanos() == INT64_MIN) return level;
    return std::max(0.0, level - flow * std::max(0.0, absl::ToDoubleSeconds(until - last)));
  };
  own.VisitAfter(reading.at - 2 * length, [&](MonoTime at, int64_t amount) {
    if (at > reading.answered + Jitter(length)) return;
    const double now_least = drain(least, at), now_most = drain(most, at);
    least = now_least + (at <= reading.at - Jitter(length) ? static_cast<double>(amount) : 0);
    most = now_most + static_cast<double>(amount);
    last = at;
  });
  const double spill = flow * absl::ToDoubleSeconds(Jitter(length) + (reading.answered - reading.at)) + 1;
  return {static_cast<int64_t>(std::floor(drain(least, reading.at) - spill)),
          static_cast<int64_t>(std::ceil(drain(most, reading.at) + spill))};
}

}  // namespace

std::optional<WindowSpec> ClockWindowAt(absl::Time edge, absl::Duration length, absl::Duration tolerance) {
  if (length <= absl::ZeroDuration() || length > kDay || kDay % length != absl::ZeroDuration()) return std::nullopt;
  WindowSpec window;
  window.kind = WindowKind::kFixed;
  window.length = length;
  for (const std::string_view zone : kDayZones) {
    window.zone = std::string(zone);
    const Period period = PeriodOf(window, edge);
    if (edge - period.start <= tolerance || period.end - edge <= tolerance) return window;
    if (length < absl::Hours(1)) break;  // minutes are the same everywhere
  }
  return std::nullopt;
}

int WindowInference::ConfidenceOf(WindowKind kind) const {
  const Evidence& evidence = Of(kind);
  return 100 * evidence.agreed / (evidence.agreed + 1 + 3 * evidence.contradicted);
}

WindowKind WindowInference::seeming() const {
  WindowKind best = held_.kind;
  for (const WindowKind kind : {WindowKind::kSliding, WindowKind::kFixed, WindowKind::kBucket}) {
    if (ConfidenceOf(kind) > ConfidenceOf(best)) best = kind;
  }
  return best;
}

void WindowInference::Agree(WindowKind kind, int weight, MonoTime at) {
  if (at < last_agreed_ + held_.length / kSpacing) return;
  last_agreed_ = at;
  Evidence& evidence = Of(kind);
  evidence.agreed = std::min(evidence.agreed + weight, kMostAgreed);
  if (evidence.agreed == kMostAgreed && evidence.contradicted > 0) {
    evidence.agreed -= kForgivenEvery;
    --evidence.contradicted;
  }
  for (const WindowKind other : {WindowKind::kSliding, WindowKind::kFixed, WindowKind::kBucket}) {
    if (other != kind) Doubt(other, weight);
  }
}

void WindowInference::Doubt(WindowKind kind, int weight) { Of(kind).agreed = std::max(0, Of(kind).agreed - weight); }

void WindowInference::Contradict(WindowKind kind) {
  Evidence& evidence = Of(kind);
  // Nobody had believed it.
  if (evidence.agreed == 0) return;
  evidence.agreed = 0;
  evidence.contradicted = std::min(evidence.contradicted + 1, kMostContradicted);
  if (kind == WindowKind::kFixed) windows_ = 0;
}

WindowInference::Edge WindowInference::Follow(const Span& end, const Now& now) {
  if (!end_) {
    end_ = end;
    if (held_.kind != WindowKind::kFixed) return Edge::kFirst;
    // What was held before a restart.
    const absl::Time wall = WallOf(end.middle(), now);
    const Period period = PeriodOf(held_, wall);
    const absl::Duration off = std::min(wall - period.start, period.end - wall);
    return off <= kClockTolerance + (end.to - end.from) / 2 ? Edge::kSame : Edge::kMoved;
  }
  const double lengths = absl::FDivDuration(end.middle() - end_->middle(), held_.length);
  const Span before = end_->Shifted(held_.length * std::round(lengths));
  const bool same = end.from <= before.to + Jitter(held_.length) && before.from <= end.to + Jitter(held_.length);
  end_ = end;
  if (same && before.from <= end.to && end.from <= before.to) {
    end_ = Span{std::max(end.from, before.from), std::min(end.to, before.to)};
  }
  return same ? Edge::kSame : Edge::kMoved;
}

void WindowInference::WeighReset(const WindowReading& reading, const UseLog& own, const Now& now) {
  const absl::Duration length = held_.length;
  const absl::Duration rounding = WholeSeconds(reading.reset)
                                      ? absl::Seconds(1)
                                      : std::clamp(length / 200, absl::Milliseconds(20), absl::Milliseconds(250));
  const Span end{reading.at + reading.reset - rounding, reading.answered + reading.reset + rounding};
  if (end.to - end.from > std::min(length / 8, absl::Minutes(1))) return;  // says too little

  const Edge edge = Follow(end, now);
  const absl::Duration jitter = Jitter(length) / 4;
  const bool of_a_use = own.Touching(end.from - length - jitter, end.to - length + jitter) > 0;
  const bool counts = reading.used > 0 && reading.limit > 0;
  const absl::Duration flow = length / static_cast<double>(std::max<int64_t>(1, reading.limit));
  const absl::Duration tolerance = rounding + flow;
  const absl::Duration refill = flow * static_cast<double>(std::max<int64_t>(0, reading.used));
  const bool refills = counts && absl::AbsDuration(reading.reset - refill) <= tolerance;
  const bool refill_tells = counts && std::max(refill, reading.reset) >= 2 * tolerance && tolerance <= length / 10;

  if (edge == Edge::kMoved) {
    Contradict(WindowKind::kFixed);
    if (refills && refill_tells && !of_a_use) Agree(WindowKind::kBucket, 1, reading.at);
    if (of_a_use && !refills) Agree(WindowKind::kSliding, 1, reading.at);
  } else if (edge == Edge::kSame && !of_a_use && !refills) {
    CountWindow(end_->middle() - length);
    Agree(WindowKind::kFixed, 1, reading.at);
  }
  if (!refills && refill_tells) Contradict(WindowKind::kBucket);
}

std::optional<WindowInference::Span> WindowInference::StartBefore(MonoTime at, const Now& now) const {
  const absl::Duration length = held_.length;
  if (end_) {
    const double lengths = std::ceil(absl::FDivDuration(end_->from - at, length));
    return end_->Shifted(-length * lengths);
  }
  if (kDay % length != absl::ZeroDuration()) return std::nullopt;
  WindowSpec clock = held_;
  clock.kind = WindowKind::kFixed;
  const absl::Duration tolerance = std::min(kClockTolerance, length / 30);
  const MonoTime start = MonoOf(PeriodOf(clock, WallOf(at, now)).start, now);
  return Span{start - tolerance, start + tolerance};
}

void WindowInference::WeighCount(const WindowReading& reading, const UseLog& own, const Now& now) {
  const absl::Duration length = held_.length;
  const absl::Duration jitter = Jitter(length);
  const int64_t itself = reading.counted ? 1 : 0;
  const Bounds sliding{own.Within(reading.at - length + jitter, reading.at - jitter) + itself,
                       own.Touching(reading.at - length - jitter, reading.answered + jitter)};
  const std::optional<Span> start = StartBefore(reading.at, now);
  // Near an edge nobody can tell on which side of it the request came.
  if (!start || reading.at <= start->to + jitter || reading.answered + jitter >= start->from + length) return;
  const Bounds fixed{own.Within(start->to + jitter, reading.at - jitter) + itself,
                     own.Touching(start->from - jitter, reading.answered + jitter)};
  if (held_.kind == WindowKind::kFixed && reading.used < fixed.least) Contradict(WindowKind::kFixed);
  // Without resets the edges are a guess, and what more is counted may as well be ours from before them.
  if (!end_ && reading.used > fixed.most + 1) Doubt(WindowKind::kFixed, 2);
  const bool forgotten = reading.used + kCountMargin <= sliding.least;
  // Later on in a period it may as well be somebody else's use that makes up for what was forgotten.
  const bool remembered =
      reading.at - start->to < length / 6 && sliding.Holds(reading.used) && reading.used >= fixed.most + kCountMargin;
  if (!forgotten && !remembered) return;
  const Bounds bucket = BucketLevel(reading, length, own);
  if (remembered) {
    if (reading.used < bucket.most + kCountMargin) return;
    Contradict(WindowKind::kFixed);
    Contradict(WindowKind::kBucket);
    Agree(WindowKind::kSliding, 1, reading.at);
    return;
  }
  // A period that began with one of our own uses may be of the other sort.
  const bool of_a_use = end_ && own.Touching(start->from - jitter, start->to + jitter) > 0;
  if (of_a_use || !fixed.Holds(reading.used) || bucket.Holds(reading.used)) return;
  // All that is counted behind one edge says the same.
  if (CountWindow(start->middle())) Agree(WindowKind::kFixed, end_ ? 2 : 1, reading.at);
}

bool WindowInference::CountWindow(MonoTime start) {
  const bool is_new = start > last_start_ + held_.length / 2;
  windows_ += is_new ? 1 : 0;
  last_start_ = start;
  return is_new;
}

std::optional<WindowSpec> WindowInference::FixedWindow(const Now& now) const {
  if (ConfidenceOf(WindowKind::kFixed) < kSureConfidence) return std::nullopt;
  if (!end_) {
    // Told by counts alone, which were held against the clock's edges, or known from before a restart.
    if (held_.kind == WindowKind::kFixed) return held_;
    return windows_ < kWindowsOnTheClock ? std::nullopt
                                         : ClockWindowAt(absl::UnixEpoch(), held_.length, absl::ZeroDuration());
  }
  const absl::Time edge = WallOf(end_->middle(), now);
  const absl::Duration tolerance = kClockTolerance + (end_->to - end_->from) / 2;
  if (held_.kind == WindowKind::kFixed) {
    const Period period = PeriodOf(held_, edge);
    if (std::min(edge - period.start, period.end - edge) <= tolerance) return held_;
  }
  if (const auto clock = ClockWindowAt(edge, held_.length, tolerance)) {
    // No use begins at a midnight by chance; at a whole minute some do, every minute.
    if (windows_ >= kWindowsOnTheClock || held_.length >= kDay) return clock;
    return std::nullopt;
  }
  if (windows_ < kWindowsOffTheClock || kDay % held_.length != absl::ZeroDuration()) return std::nullopt;
  WindowSpec window = held_;
  window.kind = WindowKind::kFixed;
  window.zone = "UTC";
  window.anchor = absl::ZeroDuration();
  window.anchor = absl::Floor(edge - PeriodOf(window, edge).start, absl::Seconds(1));
  return window;
}

bool WindowInference::Hold(const Now& now) {
  WindowSpec window;
  window.length = held_.length;
  if (const auto fixed = FixedWindow(now)) {
    window = *fixed;
  } else if (ConfidenceOf(WindowKind::kBucket) >= kSureConfidence) {
    window.kind = WindowKind::kBucket;
  }
  if (window == held_) return false;
  held_ = std::move(window);
  return true;
}

bool WindowInference::Observe(const WindowReading& reading, absl::Duration length, const UseLog& own, const Now& now) {
  if (length <= absl::ZeroDuration()) return false;
  bool changed = false;
  if (length != held_.length) {
    changed = held_.kind != WindowKind::kSliding;
    *this = WindowInference();
    held_.length = length;
  }
  if (reading.at <= newest_) return changed;
  newest_ = reading.at;
  if (reading.reset > absl::ZeroDuration() && reading.reset <= length + absl::Seconds(1)) WeighReset(reading, own, now);
  if (reading.compares && reading.used >= 0 && reading.used <= reading.limit) WeighCount(reading, own, now);
  return Hold(now) || changed;
}

bool WindowInference::Refuse() {
  if (held_.kind == WindowKind::kSliding) return false;
  Contradict(held_.kind);
  WindowSpec sliding;
  sliding.length = held_.length;
  held_ = std::move(sliding);
  return true;
}

void WindowInference::Restore(const WindowSpec& held) {
  *this = WindowInference();
  held_ = held;
  if (held.kind == WindowKind::kSliding) return;
  Of(held.kind).agreed = 4;  // as much as makes sure
  windows_ = kWindowsOffTheClock;
}

}  // namespace chain429
