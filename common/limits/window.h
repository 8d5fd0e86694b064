#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/calendar.h"
#include "common/limits/token_bucket.h"
#include "common/limits/use_log.h"
#include "common/model/pool.h"

namespace chain429 {

// How far the provider's date of a request may lie from ours (jitter of the network), at most: sliding windows and
// buckets hold a use that much longer. A tenth of the window for very short ones.
inline constexpr absl::Duration kSlidingGuard = absl::Milliseconds(200);
// How far the provider's clock may be from ours, at most: uses within this of a fixed window's edge count on both its
// sides. A twelfth of the window for short ones.
inline constexpr absl::Duration kEdgeGuard = absl::Seconds(5);

// A window's log has at most so many entries, and half of them where uses come about in order.
inline constexpr size_t kMostEntries = 7 * 1024;

// What was used within one limit's window: sliding, fixed or a bucket. Counts whole units; dates come from `Sent`.
class Window {
 public:
  Window(const WindowSpec& spec, int64_t amount);

  const WindowSpec& spec() const { return spec_; }
  // Only a bucket's flow depends on the limit's amount.
  void set_amount(int64_t amount, const Now& now);

  void Add(int64_t amount, MonoTime at, const Now& now);
  // `at` as it was added, give or take the network's jitter: another report says it.
  void Subtract(int64_t amount, MonoTime at, const Now& now);
  int64_t Used(const Now& now);
  // How long until `amount` of what is used now is free again, if nothing is added: 0 for amount <= 0, infinite if
  // there is not so much.
  absl::Duration UntilFreed(int64_t amount, const Now& now);

  // When what is used now is free again, if nothing is added: how much of it in all by when, both rising, the last all
  // of it. At most `most` (> 1) steps: where there is more to tell a later one stands for those before it, but not for
  // the first.
  struct Freed {
    absl::Duration in;
    int64_t amount = 0;
  };
  std::vector<Freed> Frees(size_t most, const Now& now);

  // Our own use as the provider may have counted it when a request written at `at` reached it: what it must have
  // counted, and the most that it can have. Absent: this window cannot tell (a bucket, or `at` is too old).
  struct Bounds {
    int64_t least = 0;
    int64_t most = 0;
  };
  std::optional<Bounds> CountedAt(MonoTime at, const Now& now);
  // A bucket takes in what the provider had counted when a request written at `at` reached it: `used`, of which that
  // request certainly is `charge`; up to `open` of our own it may not have counted yet. What it counts beyond our own
  // is somebody else's and flows back as ours does. `both_ways`: a lower count is believed, too.
  struct Level {
    MonoTime at;
    int64_t used = 0;
    int64_t charge = 0;
    int64_t open = 0;
  };
  void Reconcile(const Level& level, bool both_ways, const Now& now);
  // What a bucket holds beside our own use; 0 for other windows.
  int64_t Outside(const Now& now) const;
  // The provider has forgotten that much, oldest first, of what was used up to `at`.
  void DropOldest(int64_t amount, MonoTime at);
  // When all that counts now has left the window at the latest.
  absl::Duration FullLength(const Now& now);

  // Takes over what another window of the same unit, of whatever kind, knows.
  void CopyFrom(const Window& other, const Now& now);
  // Our own use, by date.
  const UseLog& log() const { return log_; }
  size_t entries() const { return log_.entries(); }

 private:
  absl::Duration Guard() const;
  void Turn(const Now& now);
  // The date at or before which uses do not count now.
  MonoTime Cut(const Now& now);
  MonoTime Barrier(MonoTime at, const Now& now);
  // The bucket as what was used up to `until`, by us and by others, has filled it.
  TokenBucket Refilled(MonoTime until, absl::Duration guard, const Now& now) const;

  WindowSpec spec_;
  UseLog log_;
  UseLog outside_;  // buckets: what others used, as far as a provider has told it
  std::optional<TokenBucket> bucket_;
  // Fixed windows: the present period, and where its and the one before's edges lie on the monotonic clock. Mapped once
  // a period, so that a step of the wall clock does not move what was used across an edge.
  Period period_;
  MonoTime start_;
  MonoTime previous_start_;
};

}  // namespace chain429
