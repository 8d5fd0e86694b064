#include "dataplane/net/deadline.h"

#include <algorithm>

namespace chain429 {

void DeadlineQueue::Set(Deadline& deadline, MonoTime at) {
  deadline.at_ = at;
  if (!deadline.is_linked()) deadlines_.push_back(deadline);
  if (at < armed_at_) Arm(at);
}

void DeadlineQueue::Arm(MonoTime at) {
  armed_at_ = at;
  // The timer runs on the same clock as Now::mono: steady_clock is CLOCK_MONOTONIC.
  timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at.nanos())));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Fire();
  });
}

void DeadlineQueue::Fire() {
  const MonoTime now = clock_.Read().mono + kSlack;
  armed_at_ = MonoTime::Max();
  List due;
  MonoTime next = MonoTime::Max();
  for (auto it = deadlines_.begin(); it != deadlines_.end();) {
    Deadline& deadline = *it++;
    if (deadline.at_ <= now) {
      deadline.unlink();
      due.push_back(deadline);
    } else {
      next = std::min(next, deadline.at_);
    }
  }
  // A deadline that fires may remove others that are due (they unlink themselves from this list, too) or move them.
  while (!due.empty()) {
    Deadline& deadline = due.front();
    due.pop_front();
    if (deadline.at_ <= now) {
      deadline.OnDeadline();
    } else {
      deadlines_.push_back(deadline);
      next = std::min(next, deadline.at_);
    }
  }
  if (next < armed_at_) Arm(next);
}

}  // namespace chain429
