#include "tests/dst/trouble.h"

#include <algorithm>
#include <utility>

namespace chain429::dst {
namespace {

// Within this all proxies have found a new leader and told it what they know.
constexpr absl::Duration kReportTime = absl::Seconds(10);
// What a dead proxy sent within it may still count; longer windows are remembered by the store.
constexpr absl::Duration kLastWindow = absl::Seconds(70);

}  // namespace

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

// A leader that has just taken over counts on its proxies to tell it soon what they have used. One that cannot, because
// it stands still, is cut off or has died, is an exception of the guarantee; with it no invariant could be checked.
bool Trouble::LeaderIsNew() const { return fleet_.world().now() < leader_since_ + kReportTime; }
bool Trouble::AllCanReport() const {
  return fleet_.AllAttached() && fleet_.world().now() > proxy_died_at_ + kLastWindow &&
         fleet_.world().now() > links_whole_from_;
}

void Trouble::Start() {
  Every(options_.link_breaks, [this] {
    if (!LeaderIsNew()) fleet_.BreakLink(Somebody());
  });
  Every(options_.link_cut, [this] {
    if (LeaderIsNew()) return;
    const absl::Duration longest = random_.Below(3) == 0 ? absl::Minutes(1) : absl::Seconds(5);
    Disturb(longest);
    fleet_.CutLink(Somebody(), Between(random_, absl::Milliseconds(100), longest));
  });
  Every(options_.proxy_dies, [this] {
    if (LeaderIsNew()) return;
    proxy_died_at_ = fleet_.world().now();
    fleet_.KillProxy(Somebody(), Between(random_, absl::Milliseconds(200), absl::Seconds(5)));
  });
  Every(options_.proxy_stops, [this] {
    if (LeaderIsNew()) return;
    Disturb(absl::Seconds(30));
    fleet_.StopProxy(Somebody(), Between(random_, absl::Milliseconds(100), absl::Seconds(30)));
  });
  Every(options_.control_dies, [this] {
    if (!AllCanReport()) return;
    const absl::Duration away = Between(random_, absl::Milliseconds(200), absl::Seconds(10));
    leader_since_ = fleet_.world().now() + away;
    fleet_.KillControl(away);
  });
  Every(options_.control_stops,
        [this] { fleet_.StopControl(Between(random_, absl::Milliseconds(100), absl::Seconds(15))); });
}

void Trouble::Disturb(absl::Duration longest) {
  links_whole_from_ = std::max(links_whole_from_, fleet_.world().now() + longest + kReportTime);
}

}  // namespace chain429::dst
