#pragma once

#include <optional>
#include <vector>

#include "dataplane/permits/desk.h"
#include "dataplane/permits/pending.h"
#include "dataplane/permits/permit_book.h"
#include "dataplane/permits/pool_table.h"

namespace chain429 {

// The inside of the desk. Included by its .cc files alone.
struct PermitDesk::State {
  // Good endings wait this long at most: a message of the link then carries many.
  static constexpr absl::Duration kFlushEvery = absl::Milliseconds(10);

  explicit State(uint8_t worker_number) : worker(worker_number) {}

  // A settlement that cannot be merged, with the time its attempt was written.
  struct LoneSettlement {
    Settlement settlement;
    MonoTime sent_at;
  };

  std::optional<GateView> FindClosure(const Snapshot& snapshot, const Target& target, MonoTime now) const;
  GateView Disconnected(const Snapshot& snapshot, const Target& target, MonoTime now) const;
  // Until when a leader may have granted permits to anybody, and what is heard of that.
  MonoTime GrantedUntil(MonoTime now) const;
  void HearOfGranting(bool grants, MonoTime now);

  // Acquiring.
  AcquireId Post(Acquire acquire, TargetRecord& target, AcquireWaiter* waiter, MonoTime now);
  uint32_t SparesMissing(const TargetRecord& target, MonoTime now) const;
  void RefillIfLow(TargetRecord& target, MonoTime now);
  void Unask(const PendingAcquires::Ask& ask, AcquireId id);
  void OnAnswer(const AcquireAnswer& answer, MonoTime now);
  void KeepPermit(const AcquireAnswer& answer, uint32_t given_out, uint32_t keep, int64_t guess, MonoTime now);
  void Detach(MonoTime now);
  void ForgetPermits();
  void ExpireSpares(MonoTime now);

  // Mail.
  void MarkDirty(uint32_t permit, MonoTime now);
  void MarkUrgent(uint32_t permit, MonoTime now);
  void MarkSent(uint32_t permit, MonoTime sent_at, MonoTime now);
  void SettleFree(const Target& target, Settlement settlement, bool plain, MonoTime sent_at, MonoTime now);
  void SettleAlone(const Grant& grant, const Target& target, Settlement settlement, MonoTime sent_at);
  void WritePermit(uint32_t permit, WorkerMail& mail, MonoTime now);
  void WriteFree(WorkerMail& mail, MonoTime now);
  void FlushDue(MonoTime now);

  const uint8_t worker;
  uint64_t last_acquire = 0;
  bool attached = false;
  bool granting = false;       // attached, to a leader that does not merely wait for what proxies report
  MonoTime last_granting;      // when that was last known
  PoolTable pools;
  PermitBook book;
  PendingAcquires pending;
  MonoTime next_expiry = MonoTime::Max();
  MonoTime next_sweep;

  // What waits for the mail.
  std::vector<Acquire> acquires;
  std::vector<AcquireId> cancels;
  std::vector<ObservedClosure> closures;
  std::vector<LoneSettlement> alone;
  std::vector<uint32_t> dirty;       // permits, each once (DeskPermit::dirty)
  std::vector<uint32_t> urgent;      // of these, those that cannot wait; may repeat
  std::vector<uint32_t> dirty_free;  // targets, each once (TargetRecord::dirty)
  bool urgent_free = false;
  MonoTime flush_at = MonoTime::Max();
};

// What a provider says in its numbers is not to be believed: negative ones and absurd ones would be refused by the
// control plane, and with them the whole message.
void MakeSane(Settlement& settlement);

}  // namespace chain429
