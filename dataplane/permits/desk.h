#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"
#include "common/waterfall/capacity.h"
#include "common/waterfall/gate.h"
#include "dataplane/link/link.h"

namespace chain429 {

// One attempt's right. Given back by exactly one of Settle or Release.
struct Grant {
  PermitId permit;        // 0: none was needed
  TargetId target;
  uint32_t use = 0;       // index within the permit
  bool sent = false;
  bool watched = false;   // Begun is wanted
  // After this it is not to be sent any more, but given back: the leader takes it for unused. Counted from the asking,
  // for the answer may have waited for a process that stood still.
  MonoTime good_until = MonoTime::Max();
};

// Who waits for an answer; `answer` is null when none came in time: act as if the control plane were away.
class AcquireWaiter {
 public:
  virtual ~AcquireWaiter() = default;
  virtual void OnAcquireAnswer(const AcquireAnswer* answer) = 0;
};

// A worker's permits: spares at hand, acquires under way, pool states, and the mail that goes to the link. Belongs to
// one worker; no I/O, no clock: the worker passes the time in, takes the mail at the end of each loop turn, and calls
// OnTimer at NextDeadline.
class PermitDesk {
 public:
  explicit PermitDesk(uint8_t worker);
  ~PermitDesk();
  PermitDesk(const PermitDesk&) = delete;
  PermitDesk& operator=(const PermitDesk&) = delete;

  // From the link.
  void OnMail(const LinkMail& mail, MonoTime now);

  // `alone`: as if the control plane were away. Looks at the target's pools and at its credentials (all closed:
  // kClosed; none has a key: kUnfit).
  GateView Consult(const Snapshot& snapshot, const Target& target, int64_t tokens, bool alone, MonoTime now) const;
  // What this worker knows of a pool: open and without limits where it knows nothing.
  PoolState Know(PoolId pool, MonoTime now) const;
  // The same for sums over many pools; good until the next mail.
  PoolStanding StandingOf(PoolId pool, MonoTime now) const;
  TargetStanding StandingOf(const Provider& provider, const Target& target, MonoTime now) const;
  // The next usable credential of the target in turn, as an index into Provider::credentials; -1: the target sends no
  // key.
  int PickCredential(const Snapshot& snapshot, const Target& target, MonoTime now);

  // After kSpare, kFree or kShare: the right to call now. REQUIRES: Consult just said so.
  Grant Take(const Target& target, Gate gate, int64_t tokens, MonoTime now);

  // After kAsk. The waiter is called once, from OnMail or OnTimer, never from within Ask. It must live until then or
  // until Cancel. `acquire.id` and `spares_wanted` are set here.
  AcquireId Ask(Acquire acquire, AcquireWaiter* waiter, MonoTime now);
  void Cancel(AcquireId id);
  // A granted answer becomes the first attempt's right; its spares stay with the desk.
  Grant Accept(const AcquireAnswer& answer, MonoTime now);

  // Nobody will use the answer: what it grants goes back, but for the spares.
  void Decline(const AcquireAnswer& answer, MonoTime now);

  // Whether what was granted may still be sent: its time has not passed, nor has a pool of the target closed meanwhile.
  bool MaySend(const Grant& grant, const Target& target, MonoTime now) const;
  // The attempt's request has been written upstream.
  void Sent(Grant& grant, MonoTime now);
  // A watched attempt's answer has begun well: others wait to hear it.
  void Begun(const Grant& grant, const Target& target, std::vector<Reading> readings, MonoTime sent_at, MonoTime now);
  // The attempt ended. Plain good endings under one permit are merged until the next mail; failures and answers that
  // close a pool go out at once.
  void Settle(const Grant& grant, const Target& target, Settlement settlement, MonoTime sent_at, MonoTime now);
  // Nothing was written upstream.
  void Release(const Grant& grant, MonoTime now);
  // What this worker saw closes a pool for it at once, and for others through the mail.
  void Close(PoolId pool, Closure closure, absl::Duration closed_for, bool authoritative, MonoTime now);

  // Mail for the link; empty when nothing is due. `flush`: everything, due or not.
  WorkerMail TakeMail(MonoTime now, bool flush);
  // Acquires, closures or failures are waiting: the mail should go at the end of this turn.
  bool mail_urgent() const;
  MonoTime NextDeadline() const;
  void OnTimer(MonoTime now);

  bool attached() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chain429
