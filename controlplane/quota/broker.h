#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"
#include "controlplane/quota/book.h"
#include "controlplane/quota/permit_table.h"
#include "controlplane/quota/shared_accounts.h"
#include "controlplane/quota/terms.h"

namespace chain429 {

// What a proxy says when it attaches.
struct AttachReport {
  struct Held {
    PermitId permit;
    TargetId target;
    std::vector<PoolId> pools;
    uint32_t unused = 0;
    uint32_t open = 0;
    int64_t tokens = 0;
  };
  struct Closed {
    PoolId pool;
    Closure closure = Closure::kNone;
    absl::Duration closed_for;
    bool authoritative = false;
  };
  std::string node;
  std::string boot_id;
  Epoch epoch_seen;
  std::vector<Held> held;
  std::vector<RecentUse> recent;
  std::vector<Closed> closures;
};

// Numbers for metrics; they only rise.
struct BrokerCounters {
  uint64_t granted = 0;        // attempts, spares included
  uint64_t granted_free = 0;   // answers that needed no permit
  uint64_t denied = 0;         // acquires of which no candidate fitted
  uint64_t settled = 0;        // attempts
  uint64_t refused = 0;        // 429s that providers sent
  uint64_t returned = 0;       // attempts that went back unused
  uint64_t closures = 0;
};

// The leader's decisions about permits: who may call what, now. Every message is one call with the time; what proxies
// must hear comes out of the Take functions. No I/O, no clock, no thread of its own: one thread calls it, hence every
// grant is atomic.
class Broker {
 public:
  Broker(Epoch epoch, uint64_t seed) : epoch_(epoch), random_(seed), permits_(epoch) {}

  Epoch epoch() const { return epoch_; }
  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now);

  // ---- Proxies ----
  // The same boot keeps its holder. What it reports is taken over as far as it is not known already.
  HolderId Attach(const AttachReport& report, const Now& now);
  // `gone`: it will not come back, so nothing is kept for it.
  void Detach(HolderId holder, bool gone, const Now& now);

  // ---- Permits ----
  AcquireAnswer OnAcquire(HolderId holder, const Acquire& acquire, const Now& now);
  // How the pools stand of which the answer was made: whoever asked must not wait for the routine to know what it has
  // just been given.
  std::vector<PoolState> NumbersFor(const AcquireAnswer& answer, const Now& now);
  void OnSent(HolderId holder, const SentReport& sent, const Now& now);
  void OnSettle(HolderId holder, const Settlement& settlement, const Now& now);
  void OnRelease(HolderId holder, const PermitRelease& release, const Now& now);
  // Nobody waits for the answer any more.
  void OnCancel(HolderId holder, AcquireId acquire);
  // Answers to acquires that were held, as of OnTimer.
  using LateAnswer = std::pair<HolderId, AcquireAnswer>;
  std::vector<LateAnswer> TakeLateAnswers() { return std::exchange(late_answers_, {}); }

  // A leader that has just taken over from another does not know what the fleet has used: until the proxies have had
  // the time to report it, it grants nothing and each goes on by the safe shares that the last leader gave it.
  bool learning(MonoTime now) const { return now < learning_until_; }

  // ---- Time ----
  void OnTimer(const Now& now);
  MonoTime NextDeadline() const;

  // ---- What proxies must hear ----
  // Closures, openings, and pools that became limited or free: at once.
  std::vector<PoolState> TakeUrgent(const Now& now);
  // Numbers that changed noticeably. `has_routine` says whether it is worth asking.
  std::vector<PoolState> TakeRoutine(const Now& now);
  bool has_routine() const { return !dirty_.empty(); }
  // Of these, some are about pools of which every request matters: they should not wait.
  bool has_prompt() const { return prompt_; }
  // Everything that differs from what a proxy assumes of a pool it has heard nothing of.
  std::vector<PoolState> AllStates(const Now& now);

  // ---- What must survive ----
  std::vector<PoolMemory> TakeMemories(const Now& now);
  bool has_memories() const { return !to_remember_.empty(); }
  void Recall(std::vector<PoolMemory> memories) { book_.Recall(std::move(memories)); }

  // ---- People ----
  std::vector<PoolView> View(const std::string& prefix, const Now& now);
  // Limits of which somebody else was seen to use much, each at most once an hour.
  struct OutsideNews {
    std::string pool;
    LimitView view;
  };
  std::vector<OutsideNews> TakeOutsideNews() { return std::exchange(outside_news_, {}); }
  enum class ClearResult { kUnknown, kWasOpen, kOpened };
  ClearResult ClearCooldown(const std::string& key, const Now& now);
  const BrokerCounters& counters() const { return counters_; }
  size_t open_permits() const { return permits_.size(); }
  // Empty: no configuration names it.
  std::string KeyOf(PoolId pool) {
    const PoolAccount* account = book_.Find(pool);
    return account == nullptr ? std::string() : account->pool().key;
  }

 private:
  struct Holder {
    std::string node;
    std::string boot_id;
    bool attached = false;
    MonoTime heard_at;  // when its last message came
    // What is kept for it while it is away, and until when; then it is taken for gone.
    std::vector<std::pair<PoolId, Charge>> share;
    MonoTime share_until = MonoTime::Max();
  };

  // acquire
  struct Fit {
    absl::Duration wait;  // 0: it fits
    DenialReason reason;
    bool canary = false;
    bool limited = false;
    Probation::Reason probation = Probation::Reason::kNone;  // that does not allow it now
    bool probe = false;  // some pool is on probation
  };
  // An acquire that waits for the outcome of others at a pool that nobody knows yet.
  struct Held {
    HolderId holder;
    Acquire acquire;
    MonoTime until;
  };
  // `overdue`: it has been held for long enough.
  AcquireAnswer Decide(HolderId holder, const Acquire& acquire, bool overdue, const Now& now);
  void DecideHeld(const Now& now);
  Fit FitOf(HolderId holder, const Candidate& candidate, const std::vector<PoolAccount*>& accounts,
            const Charge& charge, bool priced, const Now& now);
  void ProbationOf(HolderId holder, const std::vector<PoolAccount*>& accounts, Fit& fit);
  uint32_t SparesFor(const Acquire& acquire, const std::vector<PoolAccount*>& accounts, const Charge& charge,
                     const Now& now);
  std::vector<PoolAccount*> AccountsOf(const Candidate& candidate, const Now& now);
  Permit Grant(HolderId holder, const Acquire& acquire, const Candidate& candidate,
               const std::vector<PoolAccount*>& accounts, const Charge& charge, const Fit& fit, const Now& now);

  void Hear(HolderId holder, const Now& now) {
    if (const auto it = holders_.find(holder); it != holders_.end()) it->second.heard_at = now.mono;
  }

  // settle
  template <typename Pools, typename Visit>
  void ForPools(const Pools& pools, Visit visit) {
    for (const PoolId id : pools) {
      if (PoolAccount* account = book_.Find(id)) visit(*account);
    }
  }
  std::vector<PoolAccount*> AccountsOf(const std::vector<PoolId>& pools);
  void MarkSent(PermitRecord& permit, uint32_t count, MonoTime at, const Now& now);
  void OnBegun(const Settlement& report, const Now& now);
  void EndProbe(PermitRecord& permit, bool taken);
  void ReadHeaders(const Settlement& settlement, const Charge& cost, const Terms& terms, MonoTime at, const Now& now);
  void NoteTaken(PoolAccount& account, MonoTime sent_at, const Now& now);
  void ReturnUnused(PermitRecord& permit, uint32_t count);
  void SettleKnown(PermitRecord& permit, const Settlement& settlement, const Charge& actual, const Now& now);
  void SettleFree(const Settlement& settlement, const Charge& actual, const Now& now);
  void Learn(const Settlement& settlement, const Charge& actual, const Terms& terms, const Now& now);
  void ReadInto(PoolAccount& account, const PoolAccount::Seen& seen, const Now& now);
  void CloseFor(const Settlement& settlement, const Now& now);
  void Expire(PermitId id, const Now& now);

  // attach
  MonoTime KnownUntil(const AttachReport& report, const Holder& holder, bool known) const;
  // Requests of each pool that must have been sent, though no report of it came.
  using Inferred = absl::flat_hash_map<PoolId, int64_t>;
  Inferred Reconcile(HolderId holder, const AttachReport& report, const Now& now);
  void HoldAgain(PermitId id, PermitRecord& permit, uint32_t count, const Now& now);
  void ImportHeld(HolderId holder, const AttachReport& report, const Now& now);
  void ImportClosures(const AttachReport& report, MonoTime known_until, const Now& now);
  void KeepShare(Holder& holder, const Now& now);
  void ReleaseShare(Holder& holder);
  void ReleaseShareOfReturned(HolderId id);
  // The proxy will not come back: its reservations go, what it has open counts as used.
  void Forget(HolderId holder, const Now& now);
  // Those attached, and those that may come back.
  int64_t proxies() const { return static_cast<int64_t>(holders_.size()); }

  // push
  PoolState StateOf(PoolAccount& account, const Now& now);
  static void MarkPushed(PoolAccount& account, const PoolState& state, const Now& now);
  void Touch(PoolAccount& account, const Now& now);
  void TouchUrgent(PoolAccount& account);
  void Opened(PoolAccount& account, const Now& now);
  void RememberSoon(PoolAccount& account);

  const Epoch epoch_;
  Random random_;
  PoolBook book_;
  PermitTable permits_;
  absl::flat_hash_map<HolderId, Holder> holders_;
  uint64_t last_holder_ = 0;
  MonoTime next_share_end_ = MonoTime::Max();
  MonoTime first_attached_;  // when the first proxy came; zero: none has
  MonoTime learning_until_;
  MonoTime unsure_until_;
  MonoTime next_forgetting_;
  // Boots that were taken for gone, and when they had left: what they did before that is counted.
  absl::flat_hash_map<std::string, MonoTime> departed_;
  std::deque<Held> held_;  // in the order in which they came
  bool held_may_go_ = false;  // something has changed since they were looked at
  std::vector<LateAnswer> late_answers_;
  uint64_t last_serial_ = 0;
  std::vector<PoolId> dirty_;
  bool prompt_ = false;
  std::vector<PoolId> urgent_;
  std::vector<PoolId> to_remember_;
  BrokerCounters counters_;
  std::vector<OutsideNews> outside_news_;
  SharedAccounts shared_accounts_;
};

}  // namespace chain429
