#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/clock.h"
#include "dataplane/link/held_permits.h"
#include "dataplane/link/link.h"
#include "dataplane/link/outbox.h"
#include "dataplane/link/pool_view.h"
#include "dataplane/link/recent_use.h"
#include "dataplane/link/snapshot_assembly.h"
#include "dataplane/link/usage_totals.h"

namespace chain429::v1 {
class PermitsDown;
class PermitsUp;
class SyncDown;
class SyncUp;
}  // namespace chain429::v1

namespace chain429 {

// All decisions of the link, without its sockets: messages and the time in, messages out. One thread. Who drives it
// calls, after anything went in: TakeDeliveries, and TakePermits and TakeSync whenever the stream can take a message.
class LinkCore {
 public:
  struct Options {
    std::string node;
    std::string boot_id;
    std::string advertise;
    std::string software_version;
    uint32_t workers = 1;
    // Fills in the credentials that the proxy resolves itself.
    std::function<void(Snapshot&)> resolve;
  };
  struct Delivery {
    uint32_t worker = 0;
    LinkMail mail;
  };

  explicit LinkCore(Options options);

  // Served until the control plane sends one.
  void Bootstrap(std::shared_ptr<const Snapshot> snapshot);
  // Holds until the control plane tells other states.
  void Assume(const std::vector<PoolState>& states, MonoTime now) { OnPools(states, now); }

  // A worker's mail: on its way up, and its closures to the other workers at once.
  void OnWorkerMail(uint32_t worker, WorkerMail mail, MonoTime now);

  // New streams: their first messages. What was queued follows behind the hello.
  void FillPermitsHello(v1::PermitsUp* out, MonoTime now);
  void FillSyncHello(v1::SyncUp* out);
  // The control plane can be asked, or not any more. Acquires under way get no answer then.
  void OnAttached(MonoTime now);
  void OnDetached();

  // A message of the control plane. An error is for the log: the message was ignored, whole.
  absl::Status OnPermits(const v1::PermitsDown& down, MonoTime now);
  absl::Status OnSync(const v1::SyncDown& down, MonoTime now);
  // Usage is due.
  void ReportUsage() { usage_due_ = true; }

  // The next message up; false: there is none. A link that is attached is never silent for longer than kBeatEvery: gRPC
  // 1.51 lets the threads that read for it sleep for a tenth of a second after one without anything to read, on both
  // sides, which is longer than anybody waits for a permit.
  static constexpr absl::Duration kBeatEvery = absl::Milliseconds(400);
  bool TakePermits(v1::PermitsUp* out, MonoTime now);
  bool TakeSync(v1::SyncUp* out);
  // When TakePermits has something to say even if nothing happens; Max: never.
  MonoTime next_beat() const { return attached_ ? next_beat_ : MonoTime::Max(); }
  std::vector<Delivery> TakeDeliveries();
  // Where the control plane said that its leader is; empty: nowhere else.
  std::string TakeRedirect() { return std::exchange(redirect_, {}); }

  bool attached() const { return attached_; }
  Epoch epoch() const { return epoch_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  uint64_t refusals() const { return refusals_; }
  const LinkPoolView& pools() const { return pools_; }

 private:
  struct Acknowledgement {
    uint64_t nonce = 0;
    Version version;
    std::string error;  // empty: applied
  };

  // Fences; false: the message is an earlier leader's.
  bool EnterEpoch(uint64_t epoch);
  void OnAnswer(AcquireAnswer answer);
  void OnPools(const std::vector<PoolState>& states, MonoTime now);
  absl::Status OnSnapshot(SnapshotAssembly::Whole whole);
  void Account(const wire::PermitsUp& up, MonoTime now);
  void AccountSettlement(const Settlement& settlement, absl::Duration age, MonoTime now);
  std::vector<PoolId> PoolsOf(TargetId target) const;
  // The mail under way to a worker; one that already says what must come after a change of status or leader is closed
  // first.
  LinkMail& MailTo(uint32_t worker) { return mail_[worker]; }
  void Seal(uint32_t worker);
  void TellStatus(LinkMail::Status status);
  void TellPool(const PoolState& state);

  const Options options_;
  bool attached_ = false;
  MonoTime next_beat_;
  Epoch epoch_;
  std::string redirect_;
  std::shared_ptr<const Snapshot> snapshot_;
  uint64_t refusals_ = 0;
  bool usage_due_ = false;

  SnapshotAssembly assembly_;
  std::vector<Acknowledgement> acknowledgements_;
  Outbox outbox_;
  HeldPermits held_;
  RecentUseLog recent_;
  LinkPoolView pools_;
  UsageTotals usage_;
  // Targets that no snapshot lists, as the workers asked for them.
  absl::flat_hash_map<TargetId, std::vector<PoolId>> dynamic_pools_;

  std::vector<LinkMail> mail_;  // per worker
  std::vector<Delivery> sealed_;
};

}  // namespace chain429
