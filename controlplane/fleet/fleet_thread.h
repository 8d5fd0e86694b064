#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"

namespace chain429 {

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

 private:
  void Loop();

  const Clock& clock_;
  const EndOfTurn end_of_turn_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Work> posted_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace chain429
