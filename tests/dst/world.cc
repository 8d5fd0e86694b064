#include "tests/dst/world.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace chain429::dst {

void World::At(MonoTime at, Act act) {
  heap_.push_back({std::max(at, now_).nanos(), ++last_event_, std::move(act)});
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

void World::RunUntil(MonoTime end) {
  while (!failed() && !heap_.empty() && heap_.front().at <= end.nanos()) {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    const Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = MonoTime::FromNanos(event.at);
    event.act();
  }
  if (!failed()) now_ = std::max(now_, end);
}

void World::Fail(std::string what) {
  if (failed()) return;
  Trace("FAILED " + what);
  failure_ = absl::StrFormat("at %s: %s", Stamp(), what);
}

std::string World::Stamp() const {
  const int64_t micros = absl::ToInt64Microseconds(elapsed());
  const int64_t seconds = micros / 1'000'000;
  return absl::StrFormat("%d:%02d:%02d.%06d", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1'000'000);
}

void World::Trace(const std::string& line) const {
  if (tracing_) std::fprintf(stderr, "%s %s\n", Stamp().c_str(), line.c_str());
}

absl::Duration Gap(Random& random, absl::Duration mean) { return mean * -std::log1p(-random.Uniform()); }

}  // namespace chain429::dst
