#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/dst/checkers.h"
#include "tests/dst/fleet.h"
#include "tests/dst/observer.h"
#include "tests/dst/workload.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// What a provider took and refused, and how far into the run.
class Counts final : public Observer {
 public:
  struct OfProvider {
    int64_t taken = 0;
    int64_t refused = 0;
    int64_t tokens = 0;  // prompt and output of those taken
    std::vector<MonoTime> taken_at;
    std::vector<MonoTime> refused_at;
  };
  void OnTaken(const Upstream& upstream, const Call& call) override;
  void OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) override;
  const OfProvider& of(const std::string& provider) { return of_[provider]; }
  int64_t refused() const;
  int64_t taken() const;

 private:
  std::map<std::string, OfProvider> of_;
};

// One world from its beginning to its rest, with the invariants that hold in every world. Rows add their own.
class Stage {
 public:
  struct Options {
    uint64_t seed = 1;
    bool trace = false;
    absl::Time start = absl::FromUnixSeconds(1'800'000'030);
  };
  Stage(const Options& options, const FleetOptions& fleet);

  template <typename Checker, typename... Arguments>
  Checker& Add(Arguments&&... arguments) {
    auto checker = std::make_unique<Checker>(std::forward<Arguments>(arguments)...);
    Checker& added = *checker;
    observers_.push_back(checker.get());
    owned_.push_back(std::move(checker));
    return added;
  }

  World& world() { return world_; }
  Fleet& fleet() { return fleet_; }
  Counts& counts() { return counts_; }
  const FleetOptions& fleet_options() const { return fleet_options_; }
  absl::Time start() const { return start_; }

  // Everybody starts; clients come after a second. Their requests come until `length`.
  void Start() { fleet_.Start(); }
  // Goes on until `length` after the beginning.
  void Run(absl::Duration length) { world_.RunUntil(MonoTime() + length); }
  // Nobody asks for anything any more; gives all that is under way the time to end, and looks at what is left.
  void Rest(absl::Duration quiet);

 private:
  const absl::Time start_;
  World world_;
  const FleetOptions fleet_options_;
  Observers observers_;
  std::vector<std::unique_ptr<Observer>> owned_;
  Counts& counts_;
  Fleet fleet_;
};

}  // namespace chain429::dst
