#pragma once

#include <cstdint>
#include <map>
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
  LedgerCovers(World& world, const Fleet& fleet) : world_(world), fleet_(fleet) {}
  void OnControlTurn(Control& control) override;

 private:
  World& world_;
  const Fleet& fleet_;
};

}  // namespace chain429::dst
