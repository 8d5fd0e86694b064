#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tests/dst/fleet.h"
#include "tests/dst/observer.h"
#include "tests/dst/world.h"

// The invariants, one object each. Each looks at what concerns it whenever it happens, and fails the world.
namespace chain429::dst {

// No provider refuses a request for its limits.
class NoOverrun final : public Observer {
 public:
  explicit NoOverrun(World& world) : world_(world) {}
  void OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) override;

 private:
  World& world_;
};

// Likewise where there is trouble: what has a permit alone never overruns a limit of requests, nor of what is open at
// once. What proxies send on their shares while the control plane does not answer may, and is told. Token limits may be
// overrun where outputs are guessed.
class PermitsOverrunNothing final : public Observer {
 public:
  explicit PermitsOverrunNothing(World& world) : world_(world) {}
  void OnTaken(const Upstream& upstream, const Call& call) override;
  void OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) override;
  void OnEnded(const Upstream& upstream, const Call& call) override;
  // Refusals that shares explain.
  int64_t explained() const { return explained_; }

 private:
  struct OfProvider {
    std::deque<MonoTime> shares;  // when calls without a permit were taken
    std::set<uint64_t> open;  // those that are being answered
  };
  World& world_;
  std::map<const Upstream*, OfProvider> of_;
  int64_t explained_ = 0;
};

// Each attempt of a permit is used once at most, and none that was not granted.
class PermitsUsedOnce final : public Observer {
 public:
  explicit PermitsUsedOnce(World& world) : world_(world) {}
  void OnGranted(const Proxy& proxy, const Permit& permit) override;
  void OnWritten(const Proxy& proxy, const Call& call) override;

 private:
  World& world_;
  absl::flat_hash_map<PermitId, uint32_t> granted_;  // how many attempts
  absl::flat_hash_set<std::pair<PermitId, uint32_t>> used_;
};

// Nothing that the control plane counts is ever negative, nor what it tells proxies.
class NothingNegative final : public Observer {
 public:
  explicit NothingNegative(World& world) : world_(world) {}
  void OnControlTurn(Control& control) override;

 private:
  World& world_;
};

// A boot of a proxy never goes back to an older snapshot or an older leader.
class SnapshotsRise final : public Observer {
 public:
  explicit SnapshotsRise(World& world) : world_(world) {}
  void OnLinkTurn(Proxy& proxy) override;

 private:
  struct Seen {
    Version version;
    Epoch epoch;
  };
  World& world_;
  absl::flat_hash_map<const Proxy*, Seen> seen_;
};

// When everything has come to rest, nothing is reserved and nothing open any more, at the control plane and at
// providers.
class NothingLeaks final : public Observer {
 public:
  NothingLeaks(World& world, const Fleet& fleet) : world_(world), fleet_(fleet) {}
  void OnRest(Control& control) override;

 private:
  World& world_;
  const Fleet& fleet_;
};

// What proxies settled, the control plane has counted: all of it, and once. For worlds in which no connection and no
// process ends.
class NoSettlementLost final : public Observer {
 public:
  explicit NoSettlementLost(World& world) : world_(world) {}
  void OnSettled(const Proxy& proxy, const Call& call) override;
  void OnRest(Control& control) override;

 private:
  World& world_;
  uint64_t settled_ = 0;
};

// The ledger never counts fewer requests than the provider has: not at any turn of the control plane. For worlds in
// which nothing breaks and all limits are configured.
class LedgerCovers final : public Observer {
 public:
  LedgerCovers(World& world, const Fleet& fleet);
  void OnTaken(const Upstream& upstream, const Call& call) override;
  void OnControlTurn(Control& control) override;

 private:
  static bool Same(const Limit& known, const ProviderLimit& limit);
  int64_t SharesWithin(const Upstream& upstream, absl::Duration length);

  World& world_;
  absl::flat_hash_map<PoolId, Upstream*> upstream_of_;
  std::map<const Upstream*, std::deque<MonoTime>> shares_;  // when calls without a permit were taken
};

}  // namespace chain429::dst
