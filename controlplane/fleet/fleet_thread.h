#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429 {

// How long messages waited for the end of the turn that answered them, in buckets whose upper bounds are in
// microseconds; a further one takes the rest.
struct TurnTimes {
  static constexpr std::array<uint64_t, 12> kBoundsMicros = {50,     100,    250,     500,     1'000,     2'500,
                                                             10'000, 50'000, 250'000, 500'000, 1'000'000, 5'000'000};
  std::array<uint64_t, kBoundsMicros.size() + 1> counts{};
  uint64_t sum_micros = 0;

  void Observe(absl::Duration waited) {
    const uint64_t micros = static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Microseconds(waited)));
    size_t bucket = 0;
    while (bucket < kBoundsMicros.size() && micros > kBoundsMicros[bucket]) ++bucket;
    ++counts[bucket];
    sum_micros += micros;
  }
};

// The one thread on which permits are granted. It takes everything that was posted since its last turn, in order, then
// ends the turn once: that is where answers to one proxy become one message. Sleeps until something is posted or the
// deadline that the turn's end gave.
class FleetThread {
 public:
  using Work = std::function<void(const Now&)>;
  // Returns when it wants to be called again though nothing is posted; Max: never.
  using EndOfTurn = std::function<MonoTime(const Now&)>;

  FleetThread(const Clock& clock, EndOfTurn end_of_turn);
  // Stops and joins; what has not begun is dropped. Not from the thread itself.
  ~FleetThread();
  FleetThread(const FleetThread&) = delete;
  FleetThread& operator=(const FleetThread&) = delete;

  void Start();
  // Any thread.
  void Post(Work work);
  // Runs `work` there and waits for its end; false when the thread has stopped. Not from the thread itself.
  bool Run(Work work);
  void Stop();
  // Of each turn, its oldest message. On the thread itself alone.
  const TurnTimes& turn_times() const { return turn_times_; }

 private:
  void Loop();

  const Clock& clock_;
  const EndOfTurn end_of_turn_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Work> posted_;
  MonoTime oldest_posted_;
  TurnTimes turn_times_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace chain429
