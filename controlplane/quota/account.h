#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/limits/cooldown.h"
#include "common/limits/inferred.h"
#include "common/limits/learned.h"
#include "common/limits/ledger.h"
#include "common/limits/model_split.h"
#include "common/limits/probation.h"
#include "common/limits/window_inference.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"
#include "controlplane/quota/pool_memory.h"

namespace chain429 {

// How it is known how a limit's window moves.
struct WindowEvidence {
  Provenance provenance = Provenance::kInferred;
  int confidence = 0;  // 0 to 100
  WindowKind seems = WindowKind::kSliding;  // what was seen speaks for this kind
  int seems_confidence = 0;
};

// What people see of a pool.
struct PoolView {
  PoolId id;
  std::string key;
  Closure closure = Closure::kNone;
  absl::Duration closed_for;
  bool authoritative = false;
  std::vector<LimitView> limits;
  std::vector<WindowEvidence> windows;  // of each of the limits
  std::string shares_account_with;      // the key of a pool that seems to be of the same account; empty: none
  int shares_confidence = 0;            // 0 to 100
  bool models_apart = false;            // some of its models have limits of their own
  int64_t open_attempts = 0;
};

// Everything the leader knows of one pool: what it was declared to have, what was learnt, what was used, whether it is
// closed.
class PoolAccount {
 public:
  explicit PoolAccount(Pool pool, const Now& now);

  const Pool& pool() const { return pool_; }
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }
  Cooldown& cooldown() { return cooldown_; }
  const Cooldown& cooldown() const { return cooldown_; }
  Probation& probation() { return probation_; }
  const Probation& probation() const { return probation_; }

  // The declaration changed; what was used and learnt stays.
  void Declare(const Pool& pool, const Now& now);

  // One settlement's readings. REQUIRES: they are about this pool.
  struct Seen {
    std::span<const Reading> readings;
    MonoTime sent_at;
    Charge cost;           // of the request, without its output
    bool refused = false;  // a 429, which the provider did not count
    MonoTime answered = {};  // when the answer had begun to come, at the latest
    absl::Duration wait = {};  // a 429's, as the provider stated it; 0: it did not
  };
  void Read(const Seen& seen, const Now& now);
  // An attempt that was charged so came to this. To be told before its readings.
  void GiveBack(const Charge& charged, const Charge& cost, const Now& now);
  // A request that was written at `sent_at` was taken. True if the pool opened by it.
  bool TakesRequests(MonoTime sent_at, const Now& now);
  // `charge` went well.
  void Succeed(const Charge& charge, MonoTime sent_at, const Now& now);
  // The provider refused a request for its limits. To be told before the cooldown.
  void Refuse(const Seen& seen, absl::Duration retry_after, const Now& now);

  // Those of the readings that are about limits of that target's model alone, which this pool only seemed to have.
  std::vector<Reading> SplitOff(TargetId target, std::span<const Reading> readings, MonoTime at, const Now& now);
  // Its model was found to have limits of its own: readings are about this pool.
  void LearnForModel() { for_model_ = true; }
  // A limit much of which somebody else uses; absent: there is none, or it was told in the last hour.
  std::optional<LimitView> TakeOutsideNews(const Now& now);

  // Whether every attempt needs a permit. Who has not heard of the pool yet asks anyway, which is all that a first
  // contact needs.
  bool limited(MonoTime now) const {
    return ledger_.limited() || cooldown_.probing(now) || probation_.reason() == Probation::Reason::kReopened;
  }
  // Its numbers, without the shares.
  PoolState Numbers(const Now& now);
  // `proxies` share it.
  PoolState State(int64_t proxies, const Now& now);
  // What each of `proxies` may use unseen.
  std::vector<SafeShare> Shares(int64_t proxies, const Now& now);
  // So few requests fit into one of its windows that every one of them matters to every proxy.
  bool tiny() const { return tiny_; }
  PoolView View(const Now& now);
  PoolMemory Memory(const Now& now);
  void Remember(const PoolMemory& memory, const Now& now);
  // A closure, a learnt limit or a long window: there is something worth remembering.
  bool memorable(MonoTime now) const;

  // Bookkeeping of the broker.
  bool dirty = false;      // its numbers changed since they were last pushed
  bool urgent = false;     // in a way that proxies must hear of at once
  PoolState pushed;        // to every proxy
  MonoTime pushed_at;
  std::vector<LimitState> told;  // since then, to one that asked; empty: to none
  bool declared = false;   // by the present snapshot; else derived from a request
  bool unremembered = false;  // its memory changed since it was last taken
  MonoTime last_used;
  MonoTime key_changed_at = MonoTime::FromNanos(INT64_MIN);  // of a credential's pool
  MonoTime opened_at = MonoTime::FromNanos(INT64_MIN);  // the last time a closure ended before its time

 private:
  void Relimit(const Now& now);
  bool learns() const { return pool_.learns || for_model_; }
  // Providers known to keep tokens in buckets charge answers before they are given: what they state meanwhile is not
  // somebody else's use.
  bool HasDeclaredBucket(Unit unit, absl::Duration length) const;
  WindowEvidence EvidenceOf(const Limit& limit) const;
  // Watches how the windows move of which the readings, or a refusal, speak.
  void Watch(const Seen& seen, const Now& now);
  bool WatchRefusal(WindowReading timed, const Seen& seen, const Now& now);

  bool tiny_ = false;
  Pool pool_;
  Ledger ledger_;
  Cooldown cooldown_;
  Probation probation_;
  LearnedLimits learned_;
  InferredLimit inferred_;
  // Tokens that were charged up front and were not used, by when they went back: a provider's count of an earlier
  // moment still holds them.
  UseLog given_back_{absl::Milliseconds(500), absl::ZeroDuration(), absl::ZeroDuration()};
  WindowInference inferred_window_;
  ModelSplit split_;
  bool for_model_ = false;
  MonoTime next_outside_look_;
};

}  // namespace chain429
