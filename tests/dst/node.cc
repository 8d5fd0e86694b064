#include "tests/dst/node.h"

#include <cmath>
#include <utility>

namespace chain429::dst {
namespace {

// Hosts were switched on at different times; what their clocks show means nothing to others.
constexpr absl::Duration kLongestUp = absl::Hours(1000);
// A timer never fires early, and always a little late.
constexpr absl::Duration kTimerSlack = absl::Microseconds(60);

}  // namespace

Node::Node(World& world, const ClockError& error)
    : world_(world), error_(error), boot_mono_(MonoTime() + Between(world.random(), absl::Hours(1), kLongestUp)) {}

Now Node::Read() const {
  const int64_t elapsed = world_.now().nanos();
  const int64_t own = elapsed + static_cast<int64_t>(std::floor(static_cast<double>(elapsed) * error_.drift));
  return {MonoTime::FromNanos(boot_mono_.nanos() + own), world_.wall() + error_.wall_off};
}

void Node::PostIn(absl::Duration delay, World::Act act) {
  if (!alive_) return;
  world_.In(delay, [this, act = std::move(act)] { Run(act); });
}

void Node::PostAt(MonoTime at, World::Act act) {
  const absl::Duration wait = std::max(absl::ZeroDuration(), at - mono());
  PostIn(wait / (1 + error_.drift) + kTimerSlack, std::move(act));
}

void Node::Run(const World::Act& act) {
  if (!alive_) return;
  if (stopped_) {
    backlog_.push_back(act);
  } else {
    act();
  }
}

void Node::Stop() { stopped_ = true; }

void Node::Continue() {
  if (!stopped_) return;
  stopped_ = false;
  for (World::Act& act : std::exchange(backlog_, {})) Run(act);
}

void Node::Kill() {
  alive_ = false;
  backlog_.clear();
}

void Alarm::Set(MonoTime at, World::Act act) {
  const uint64_t number = ++*setting_;
  node_.PostAt(at, [setting = setting_, number, act = std::move(act)] {
    if (*setting == number) act();
  });
}

}  // namespace chain429::dst
