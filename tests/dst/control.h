#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/log.h"
#include "common/model/snapshot.h"
#include "controlplane/fleet/registry.h"
#include "controlplane/quota/broker.h"
#include "controlplane/store/store.h"
#include "tests/dst/node.h"
#include "tests/dst/observer.h"
#include "tests/dst/streams.h"

namespace chain429::dst {

// One process of the control plane: the production broker, registry and sessions, on a thread that takes what was
// posted since its last turn and then ends the turn, as controlplane/fleet/fleet_thread.h does.
class Control final : public Node {
 public:
  struct Options {
    ClockError error;
    // Share of the proxies' messages whose settlements come once more, up to ten seconds later.
    double repeated = 0;
  };
  // `store` and `observers` outlive it.
  Control(World& world, const Options& options, Store& store, const Observers& observers);

  void Serve(std::shared_ptr<const Snapshot> snapshot);
  // A proxy's connection has come.
  void Accept(const std::shared_ptr<Streams>& streams);
  // Its connections are reset.
  void Kill() override;

  Broker& broker() { return broker_; }
  Registry& registry() { return registry_; }
  // True until the proxies have had the time to report to it.
  bool learning() const { return broker_.learning(mono()); }

 private:
  class NodeClock;
  class Session;
  template <typename Message>
  class Port;
  using Work = std::function<void(const Now&)>;

  void Do(Work work);
  void Turn();
  void Remember(std::vector<PoolMemory> memories);

  const Options options_;
  Store& store_;
  const Observers& observers_;
  Random random_;
  std::unique_ptr<Clock> clock_;
  Logger log_;
  Broker broker_;
  Registry registry_;
  Alarm deadline_;
  std::vector<Work> posted_;
  std::vector<std::shared_ptr<Session>> sessions_;
};

}  // namespace chain429::dst
