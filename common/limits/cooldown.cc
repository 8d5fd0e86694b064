#include "common/limits/cooldown.h"

#include <algorithm>
#include <array>

namespace chain429 {
namespace {

constexpr double kJitter = 0.2;
constexpr absl::Duration kMinuteEdgeAtLeast = absl::Seconds(15);
constexpr absl::Duration kRetest = absl::Minutes(10);
// A canary that nothing is heard of is given up after this.
constexpr absl::Duration kCanaryTimeout = absl::Seconds(60);
// How soon somebody turned away for a canary may ask again.
constexpr absl::Duration kCanaryWait = absl::Milliseconds(500);
// Quiet for this long: the next trouble is a new one.
constexpr absl::Duration kLadderReset = absl::Minutes(2);
// Nothing closes for longer than a month: a provider that says so is wrong, or the user will notice first.
constexpr absl::Duration kLongest = absl::Hours(24 * 31);

}  // namespace

absl::Duration Cooldown::Step(Closure closure, const Now& now, Random& random) {
  const int step = step_++;
  if (closure == Closure::kQuotaExhausted) {
    constexpr std::array<int, 4> minutes = {1, 5, 15, 60};
    return random.Jitter(absl::Minutes(minutes[static_cast<size_t>(std::min(step, 3))]), kJitter);
  }
  switch (step) {
    case 0:
      return random.Jitter(absl::Seconds(1), kJitter);
    case 1:
      return random.Jitter(absl::Seconds(2), kJitter);
    case 2: {
      // Many providers count by the clock's minute. The edge plus a little, as their clocks are not ours.
      const absl::Duration past = (now.wall - absl::UnixEpoch()) % absl::Minutes(1);
      absl::Duration wait = absl::Minutes(1) - past + random.Jitter(absl::Milliseconds(500), 0.9);
      if (wait < kMinuteEdgeAtLeast) wait += absl::Minutes(1);
      return wait;
    }
    case 3:
      return random.Jitter(absl::Seconds(30), kJitter);
    default: {
      // No limit of a minute lasts so long.
      constexpr std::array<int, 4> minutes = {1, 2, 5, 15};
      return random.Jitter(absl::Minutes(minutes[static_cast<size_t>(std::min(step - 4, 3))]), kJitter);
    }
  }
}

bool Cooldown::Close(const CooldownCause& cause, const Now& now, Random& random) {
  const Gate before = At(now.mono);
  // Several requests that were under way when the pool closed are refused for one and the same reason: one step of the
  // ladder.
  const bool guessed = cause.closure == Closure::kRateLimited || cause.closure == Closure::kQuotaExhausted ||
                       cause.closure == Closure::kOverloaded;
  if (!cause.authoritative && IsSameTrouble(cause.sent_at)) return false;
  if (now.mono - std::max(until_, closed_at_) > kLadderReset) step_ = 0;

  absl::Duration wait = cause.retry_after;
  if (!cause.authoritative) wait = guessed ? std::max(wait, Step(cause.closure, now, random)) : std::max(wait, kRetest);
  wait = std::min(wait, kLongest);
  const MonoTime until = now.mono + wait;
  const bool longer = before != Gate::kClosed || until > until_;
  if (longer) {
    until_ = until;
    closure_ = cause.closure;
    authoritative_ = cause.authoritative;
    // A credential is no pool of a target, so nobody could send the canary.
    proven_ = cause.authoritative || cause.closure == Closure::kAuth;
  }
  closed_at_ = now.mono;
  canary_until_ = MonoTime();
  return longer;
}

void Cooldown::Open() {
  closure_ = Closure::kNone;
  proven_ = true;
  authoritative_ = true;
  step_ = 0;
}

void Cooldown::Restore(Closure closure, absl::Duration closed_for, bool authoritative, MonoTime now) {
  const MonoTime until = now + std::min(closed_for, kLongest);
  if (closed_for <= absl::ZeroDuration() || closure == Closure::kNone) return;
  if (At(now) == Gate::kClosed && until <= until_) return;
  until_ = until;
  closure_ = closure;
  authoritative_ = authoritative;
  proven_ = authoritative || closure == Closure::kAuth;
  closed_at_ = now;
}

Cooldown::Gate Cooldown::At(MonoTime now) const {
  if (closure_ == Closure::kNone) return Gate::kOpen;
  if (now < until_) return Gate::kClosed;
  if (proven_) return Gate::kOpen;
  return now < canary_until_ ? Gate::kClosed : Gate::kCanary;
}

absl::Duration Cooldown::Wait(MonoTime now) const {
  if (At(now) != Gate::kClosed) return absl::ZeroDuration();
  return now < until_ ? until_ - now : kCanaryWait;
}

void Cooldown::StartCanary(MonoTime now) { canary_until_ = now + kCanaryTimeout; }

void Cooldown::ReturnCanary() { canary_until_ = MonoTime(); }

bool Cooldown::Succeed(MonoTime sent_at, MonoTime now) {
  if (closure_ == Closure::kNone || now < until_ || sent_at < until_) return false;
  closure_ = Closure::kNone;
  proven_ = true;
  return true;
}

}  // namespace chain429
