#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/random.h"

namespace chain429::dst {

// Virtual time and everything that is to happen in it, from one seed. Whoever acts does so in an event; nothing happens
// between events. The same seed gives the same run.
class World {
 public:
  using Act = std::function<void()>;

  World(uint64_t seed, absl::Time start) : random_(seed), start_(start) {}

  // True time, which no node of the world sees: each has a clock of its own.
  MonoTime now() const { return now_; }
  absl::Time wall() const { return start_ + (now_ - MonoTime()); }
  absl::Duration elapsed() const { return now_ - MonoTime(); }

  void At(MonoTime at, Act act);
  void In(absl::Duration delay, Act act) { At(now_ + std::max(delay, absl::ZeroDuration()), std::move(act)); }
  // Runs events until `end`, or until somebody failed.
  void RunUntil(MonoTime end);
  uint64_t events() const { return last_event_; }

  Random& random() { return random_; }
  // A generator of its own for somebody, so that one who draws more often does not change another's luck.
  Random Fork() { return Random(random_.Next()); }

  // An invariant is broken: the run ends. The first one counts.
  void Fail(std::string what);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  // "1:02:03.456789": hours, minutes and seconds since the start.
  std::string Stamp() const;

  // What happens is told line by line, when asked for.
  void set_tracing(bool tracing) { tracing_ = tracing; }
  bool tracing() const { return tracing_; }
  void Trace(const std::string& line) const;

 private:
  struct Event {
    int64_t at = 0;
    uint64_t number = 0;
    Act act;
  };
  // The least comes first; equal times in the order in which they were asked for.
  static bool Later(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.number > b.number; }

  Random random_;
  const absl::Time start_;
  MonoTime now_;
  std::vector<Event> heap_;
  uint64_t last_event_ = 0;
  std::string failure_;
  bool tracing_ = false;
};

// Uniform in [least, most).
inline absl::Duration Between(Random& random, absl::Duration least, absl::Duration most) {
  return most > least ? least + (most - least) * random.Uniform() : least;
}
// True this often.
inline bool Chance(Random& random, double share) { return share > 0 && random.Uniform() < share; }
// Exponentially distributed: the gaps between events that know nothing of each other.
absl::Duration Gap(Random& random, absl::Duration mean);

}  // namespace chain429::dst
