#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/model/permit.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"

namespace chain429::v1 {
class Acquire;
class AcquireAnswer;
class HeldPermit;
class KnownClosure;
class PermitRelease;
class PermitsDown;
class PermitsHello;
class PermitsUp;
class PoolState;
class RecentUse;
class SentReport;
class Settlement;
}  // namespace chain429::v1

// The streams between the planes ↔ model. Decoding refuses bad input with its path, like model_wire.h. A duration of
// INT64_MAX nanoseconds stands for an infinite one.
namespace chain429::wire {

// A permit that a proxy still holds, as it re-reports it when it attaches. What is sent and settled is in RecentUse
// instead, so that nothing counts twice.
struct HeldPermit {
  PermitId permit;
  TargetId target;
  std::vector<PoolId> pools;  // wide to narrow
  uint32_t unused = 0;        // attempts not yet sent
  uint32_t open = 0;          // attempts sent and not settled
  int64_t tokens = 0;         // reserved per attempt
};

// A cooldown that a proxy knows of.
struct KnownClosure {
  PoolId pool;
  Closure closure = Closure::kNone;
  absl::Duration closed_for;
  bool authoritative = false;
};

struct PermitsHello {
  std::string node;
  std::string boot_id;
  Epoch epoch_seen;  // of the leader that granted `held`
  std::vector<HeldPermit> held;
  std::vector<RecentUse> recent;
  std::vector<KnownClosure> closures;
};

// One message of a proxy; parts are applied in this order.
struct PermitsUp {
  std::optional<PermitsHello> hello;
  std::vector<SentReport> sent;
  std::vector<Settlement> settlements;
  std::vector<PermitRelease> releases;
  std::vector<AcquireId> cancels;
  std::vector<Acquire> acquires;
};

// One message of the control plane.
struct PermitsDown {
  Epoch epoch;
  std::vector<AcquireAnswer> answers;
  std::string leader;
  std::vector<PoolState> pools;
};

void Encode(const Acquire& acquire, v1::Acquire* out);
absl::StatusOr<Acquire> Decode(const v1::Acquire& in);

// An answer's `permit.acquire` always equals its `acquire`.
void Encode(const AcquireAnswer& answer, v1::AcquireAnswer* out);
absl::StatusOr<AcquireAnswer> Decode(const v1::AcquireAnswer& in);

void Encode(const SentReport& sent, v1::SentReport* out);
absl::StatusOr<SentReport> Decode(const v1::SentReport& in);

void Encode(const Settlement& settlement, v1::Settlement* out);
absl::StatusOr<Settlement> Decode(const v1::Settlement& in);

void Encode(const PermitRelease& release, v1::PermitRelease* out);
absl::StatusOr<PermitRelease> Decode(const v1::PermitRelease& in);

void Encode(const RecentUse& use, v1::RecentUse* out);
absl::StatusOr<RecentUse> Decode(const v1::RecentUse& in);

void Encode(const PoolState& state, v1::PoolState* out);
absl::StatusOr<PoolState> Decode(const v1::PoolState& in);

void Encode(const HeldPermit& held, v1::HeldPermit* out);
absl::StatusOr<HeldPermit> Decode(const v1::HeldPermit& in);

void Encode(const KnownClosure& closure, v1::KnownClosure* out);
absl::StatusOr<KnownClosure> Decode(const v1::KnownClosure& in);

void Encode(const PermitsHello& hello, v1::PermitsHello* out);
absl::StatusOr<PermitsHello> Decode(const v1::PermitsHello& in);

// Whole messages: one bad part refuses all of it, by path ("settlements[3].error_class: …").
void Encode(const PermitsUp& up, v1::PermitsUp* out);
absl::StatusOr<PermitsUp> Decode(const v1::PermitsUp& in);
void Encode(const PermitsDown& down, v1::PermitsDown* out);
absl::StatusOr<PermitsDown> Decode(const v1::PermitsDown& in);

}  // namespace chain429::wire
