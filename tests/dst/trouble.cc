#include "tests/dst/trouble.h"

#include <utility>

namespace chain429::dst {

bool TroubleOptions::none() const {
  const absl::Duration never = absl::InfiniteDuration();
  return link_breaks == never && link_cut == never && proxy_dies == never && proxy_stops == never &&
         control_dies == never && control_stops == never;
}

TroubleOptions MakeTrouble(Random& random) {
  TroubleOptions trouble;
  if (random.Below(2) == 0) return trouble;
  const auto perhaps = [&](absl::Duration& mean, absl::Duration least, absl::Duration most) {
    if (random.Below(3) == 0) mean = Between(random, least, most);
  };
  perhaps(trouble.link_breaks, absl::Seconds(30), absl::Minutes(10));
  perhaps(trouble.link_cut, absl::Minutes(1), absl::Minutes(15));
  perhaps(trouble.proxy_dies, absl::Minutes(2), absl::Minutes(20));
  perhaps(trouble.proxy_stops, absl::Minutes(2), absl::Minutes(20));
  perhaps(trouble.control_dies, absl::Minutes(4), absl::Minutes(20));
  perhaps(trouble.control_stops, absl::Minutes(4), absl::Minutes(20));
  return trouble;
}

Trouble::Trouble(Fleet& fleet, const TroubleOptions& options, MonoTime end)
    : fleet_(fleet), options_(options), end_(end), random_(fleet.world().Fork()) {}

void Trouble::Every(absl::Duration mean, std::function<void()> act) {
  if (mean == absl::InfiniteDuration()) return;
  fleet_.world().In(Between(random_, mean / 2, mean * 1.5), [this, mean, act = std::move(act)] {
    if (fleet_.world().now() >= end_) return;
    act();
    Every(mean, act);
  });
}

void Trouble::Start() {
  Every(options_.link_breaks, [this] { fleet_.BreakLink(Somebody()); });
  Every(options_.link_cut, [this] {
    const absl::Duration longest = random_.Below(3) == 0 ? absl::Minutes(1) : absl::Seconds(5);
    fleet_.CutLink(Somebody(), Between(random_, absl::Milliseconds(100), longest));
  });
  Every(options_.proxy_dies,
        [this] { fleet_.KillProxy(Somebody(), Between(random_, absl::Milliseconds(200), absl::Seconds(5))); });
  Every(options_.proxy_stops,
        [this] { fleet_.StopProxy(Somebody(), Between(random_, absl::Milliseconds(100), absl::Seconds(30))); });
  Every(options_.control_dies,
        [this] { fleet_.KillControl(Between(random_, absl::Milliseconds(200), absl::Seconds(10))); });
  Every(options_.control_stops,
        [this] { fleet_.StopControl(Between(random_, absl::Milliseconds(100), absl::Seconds(15))); });
}

}  // namespace chain429::dst
