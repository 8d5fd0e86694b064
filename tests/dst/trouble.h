#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "tests/dst/fleet.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// How often what goes wrong, on average; infinite: never.
struct TroubleOptions {
  absl::Duration link_breaks = absl::InfiniteDuration();    // noticed by each side at its time
  absl::Duration link_cut = absl::InfiniteDuration();       // for seconds, or a minute
  absl::Duration proxy_dies = absl::InfiniteDuration();
  absl::Duration proxy_stops = absl::InfiniteDuration();    // stands still for up to half a minute
  absl::Duration control_dies = absl::InfiniteDuration();
  absl::Duration control_stops = absl::InfiniteDuration();  // for up to fifteen seconds
  bool none() const;
};

// Half of the worlds have none; the others some of each sort, with luck.
TroubleOptions MakeTrouble(Random& random);

// Makes it, until `end`.
class Trouble {
 public:
  Trouble(Fleet& fleet, const TroubleOptions& options, MonoTime end);
  void Start();

 private:
  void Every(absl::Duration mean, std::function<void()> act);
  bool LeaderIsNew() const;
  bool AllCanReport() const;
  // Somebody may be away for so long.
  void Disturb(absl::Duration longest);
  size_t Somebody() { return random_.Below(fleet_.size()); }

  Fleet& fleet_;
  const TroubleOptions options_;
  const MonoTime end_;
  Random random_;
  MonoTime leader_since_;
  MonoTime proxy_died_at_ = MonoTime::FromNanos(INT64_MIN / 2);
  MonoTime links_whole_from_;
};

}  // namespace chain429::dst
