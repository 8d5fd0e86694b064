#pragma once

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/model/pool.h"

namespace chain429 {

// Why and for how long a pool is to close.
struct CooldownCause {
  Closure closure = Closure::kRateLimited;
  absl::Duration retry_after;  // 0: not known
  bool authoritative = false;  // the provider said so
  MonoTime sent_at;            // when the refused request was written upstream
};

// Whether a pool takes requests. What the provider says holds; where it says nothing, a jittered ladder decides: 1 s, 2
// s, the next minute's edge (at least 15 s), 30 s, 1, 2, 5, 15 minutes for rate limits; 1, 5, 15, 60 minutes for
// used-up quotas. After a guessed wait one request of the whole fleet goes first (the canary), the rest when it went
// well. A longer wait is never shortened by a shorter one.
class Cooldown {
 public:
  enum class Gate {
    kOpen,
    kClosed,
    kCanary,  // one request may try; StartCanary when it goes
  };

  // True if the pool's state changed in a way that proxies must hear of.
  bool Close(const CooldownCause& cause, const Now& now, Random& random);
  // It has taken requests for a while since: the next trouble is a new one.
  void Forgive() { step_ = 0; }
  // By hand, or because the reason has gone.
  void Open();
  // As it was known before a restart.
  void Restore(Closure closure, absl::Duration closed_for, bool authoritative, MonoTime now);

  Gate At(MonoTime now) const;
  // While At is kClosed: until it may change. While a canary is out: a short wait.
  absl::Duration Wait(MonoTime now) const;
  Closure closure(MonoTime now) const { return At(now) == Gate::kOpen ? Closure::kNone : closure_; }
  bool authoritative() const { return authoritative_; }
  // Open, but only for permits: a guessed wait's canary has not come back yet.
  bool probing(MonoTime now) const { return At(now) != Gate::kOpen && !authoritative_; }
  MonoTime until() const { return until_; }

  // A request written at `sent_at` was under way when the pool closed, so that its refusal is not news, even if the
  // pool has opened since.
  bool IsSameTrouble(MonoTime sent_at) const { return sent_at < closed_at_; }

  void StartCanary(MonoTime now);
  // The canary was never sent.
  void ReturnCanary();
  // A request that was written at `sent_at` went well. True if the pool opened by it.
  bool Succeed(MonoTime sent_at, MonoTime now);

 private:
  absl::Duration Step(Closure closure, const Now& now, Random& random);

  Closure closure_ = Closure::kNone;
  MonoTime until_;
  bool authoritative_ = true;
  bool proven_ = true;  // no canary is needed
  MonoTime canary_until_;  // one is out until then at the latest
  int step_ = 0;  // of the ladder
  MonoTime closed_at_ = MonoTime::FromNanos(INT64_MIN);  // the last time the pool closed
};

}  // namespace chain429
