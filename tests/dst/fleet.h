#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "controlplane/store/memory_store.h"
#include "tests/dst/control.h"
#include "tests/dst/network.h"
#include "tests/dst/observer.h"
#include "tests/dst/proxy.h"
#include "tests/dst/surroundings.h"
#include "tests/dst/upstream.h"

namespace chain429::dst {

// A world's people: what the configuration says, who provides, how many proxies there are.
struct FleetOptions {
  std::string config;  // YAML; keys are taken from $KEY, which is set
  std::vector<Upstream::Options> upstreams;  // by the configuration's names of providers
  size_t proxies = 3;
  uint32_t workers = 1;
  Quality link;        // between proxies and control plane
  ClockError control_clock;
  std::vector<ClockError> clocks;  // of the proxies, in turn; empty: right
  double slow_connects = 0.01;
  double repeated_reports = 0;
};

// The control plane, the proxies and the providers, and what can be done to them. What is killed is kept, dead, until
// the end.
class Fleet final : public Surroundings {
 public:
  // `observers` outlive it.
  Fleet(World& world, FleetOptions options, const Observers& observers);

  // Everybody starts.
  void Start();
  size_t size() const { return present_.size(); }
  Proxy& proxy(size_t index) { return *present_[index]; }
  Control* control() { return control_; }
  bool AllAttached() const;

  // Trouble. A proxy that was killed is there again, as another boot, after `away`.
  void KillProxy(size_t index, absl::Duration away);
  void StopProxy(size_t index, absl::Duration length);
  void KillControl(absl::Duration away);
  void StopControl(absl::Duration length);
  void BreakLink(size_t index);
  void CutLink(size_t index, absl::Duration length);

  // Surroundings.
  void Open(const std::shared_ptr<Streams>& streams, World::Act opened) override;
  Upstream& UpstreamOf(const std::string& provider) override { return *upstreams_.at(provider); }
  const ProviderRules& RulesOf(const std::string& catalogue_entry) override;
  std::shared_ptr<Call> NewCall() override;
  const Observers& observers() const override { return observers_; }

  const Snapshot& snapshot() const { return *snapshot_; }
  const std::map<std::string, std::unique_ptr<Upstream>>& upstreams() const { return upstreams_; }
  World& world() { return world_; }

 private:
  void StartControl();
  void StartProxy(size_t index);

  World& world_;
  const FleetOptions options_;
  const Observers& observers_;
  std::shared_ptr<const Snapshot> snapshot_;
  MemoryStore store_;
  std::map<std::string, std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::unique_ptr<Road>> roads_;
  std::vector<std::unique_ptr<Control>> controls_;
  std::vector<std::unique_ptr<Proxy>> boots_;
  Control* control_ = nullptr;       // the one that is there; null: none
  std::vector<Proxy*> present_;      // the latest boot of each
  absl::flat_hash_map<std::string, std::unique_ptr<const ProviderRules>> rules_;
  uint64_t last_call_ = 0;
};

}  // namespace chain429::dst
