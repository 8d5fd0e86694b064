#pragma once

#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"

namespace chain429 {

class AcquireWaiter;

// Acquires that the control plane has not answered yet, and how long it is worth waiting: 4 × the smoothed round trip,
// 50 ms to 1 s. A timeout doubles the wait until an answer is measured again.
class PendingAcquires {
 public:
  static constexpr absl::Duration kShortest = absl::Milliseconds(50);
  static constexpr absl::Duration kLongest = absl::Seconds(1);
  // The control plane holds an acquire for a second; then its answer is under way.
  static constexpr absl::Duration kHeldAtMost = absl::Seconds(2);

  struct Ask {
    AcquireWaiter* waiter = nullptr;  // null: for spares alone
    TargetId first;  // the first candidate
    uint32_t spares = 0;  // wanted, beyond what the waiter needs
    int64_t tokens = 0;  // what the asking request guessed of itself, output included
    MonoTime asked_at;
    MonoTime deadline = {};
    bool held = false;  // heard of, and yet to be answered
  };

  void Add(AcquireId id, Ask ask, MonoTime now);
  // The control plane has it and will answer it later: it is waited for anew, for kHeldAtMost.
  void Hold(AcquireId id, MonoTime now);
  // The ask, if it is still waited for. An answer measures the round trip.
  std::optional<Ask> Answered(AcquireId id, MonoTime now);
  std::optional<Ask> Forget(AcquireId id);
  // The next one that has waited long enough.
  std::optional<std::pair<AcquireId, Ask>> TakeOverdue(MonoTime now);
  std::vector<AcquireId> Ids() const;
  // Max: nothing is waited for.
  MonoTime NextDeadline();

  // The link went or came: what was measured may no longer hold.
  void Restart();
  // Anything at all came from the control plane.
  void Heard() { timeouts_in_a_row_ = 0; }
  // When the first ask was made that has had no answer in time, with not a word since; absent: there is none.
  std::optional<MonoTime> silent_since() const {
    return timeouts_in_a_row_ > 0 ? std::optional(silent_since_) : std::nullopt;
  }
  // Several timeouts and not a word since: not worth another wait, but for a try now and then.
  bool Mute(MonoTime now) const { return timeouts_in_a_row_ >= kMuteAfter && now < last_ask_ + kMuteRetry; }

  absl::Duration timeout() const { return timeout_; }
  size_t size() const { return asks_.size(); }

 private:
  static constexpr int kMuteAfter = 3;
  static constexpr absl::Duration kMuteRetry = absl::Milliseconds(500);

  struct Deadline {
    MonoTime at;
    AcquireId id;
    friend bool operator>(const Deadline& a, const Deadline& b) { return a.at > b.at; }
  };

  void Measure(absl::Duration round_trip);

  absl::flat_hash_map<AcquireId, Ask> asks_;
  // Answered ones stay in here until their time comes: that is at most a second's worth.
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  std::optional<absl::Duration> round_trip_;
  absl::Duration timeout_ = kLongest;
  MonoTime last_ask_;
  MonoTime last_timeout_;
  MonoTime silent_since_;  // while there are timeouts in a row
  int timeouts_in_a_row_ = 0;
};

}  // namespace chain429
