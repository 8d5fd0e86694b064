#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// How wrong a host's clocks are.
struct ClockError {
  absl::Duration wall_off = absl::ZeroDuration();  // of the wall clock
  double drift = 0;                                // of the monotonic clock: 500e-6 is 500 ppm too fast
};

// One process on a host of its own: it has clocks, and it can be stopped, continued and killed. Everything that happens
// within it is posted to it: what is due while it is stopped happens, in order, when it goes on; what is due after its
// end does not happen. Kept until the world ends.
class Node {
 public:
  Node(World& world, const ClockError& error);
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // What its clocks show.
  Now Read() const;
  MonoTime mono() const { return Read().mono; }
  // The wall clock is set by somebody.
  void StepWall(absl::Duration by) { error_.wall_off += by; }

  void Post(World::Act act) { PostIn(absl::ZeroDuration(), std::move(act)); }
  void PostIn(absl::Duration delay, World::Act act);
  // When its monotonic clock shows `at`, or a moment after.
  void PostAt(MonoTime at, World::Act act);
  // Now, or when it goes on. For what comes from outside.
  void Run(const World::Act& act);

  bool alive() const { return alive_; }
  bool stopped() const { return stopped_; }
  void Stop();
  void Continue();
  virtual void Kill();

  World& world() const { return world_; }

 private:
  World& world_;
  ClockError error_;
  MonoTime boot_mono_;  // what its clock showed when the world began
  bool alive_ = true;
  bool stopped_ = false;
  std::vector<World::Act> backlog_;
};

// A timer of a node's that can be set anew. It must live as long as its node.
class Alarm {
 public:
  explicit Alarm(Node& node) : node_(node) {}
  // `act` at `at` of the node's monotonic clock; what was set before is off.
  void Set(MonoTime at, World::Act act);
  void Clear() { ++*setting_; }

 private:
  Node& node_;
  std::shared_ptr<uint64_t> setting_ = std::make_shared<uint64_t>(0);
};

}  // namespace chain429::dst
