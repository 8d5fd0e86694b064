#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/charge.h"
#include "common/limits/use_log.h"
#include "common/limits/window_inference.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"

namespace chain429 {

// The limits that a provider's headers state for one pool, and which of them hold beside the declared ones.
//
// A header that does not name its window is placed by its reset: providers whose bucket refills state reset = used /
// limit of the window; the others never state more than the window. A limit that we have exceeded twofold without a
// refusal is not what it says: its window is taken to be shorter, and at last it is left out until the next refusal.
// And one that names no window holds nothing back before it has been seen to count what we send: some servers state the
// same numbers whatever comes.
class LearnedLimits {
 public:
  // `at`: when the request was written upstream; older readings do not override newer. True if Merge would give
  // something else. `cost`: what the request that brought the reading had cost when the provider wrote it (its output
  // is counted later).
  bool Observe(const Reading& reading, const Charge& cost, MonoTime at, MonoTime now);
  // How the window moves that the reading speaks of, which was observed before. True if Merge would give something
  // else.
  bool Watch(const Reading& reading, const WindowReading& timed, const UseLog& own, const Now& now);
  // As Watch for the limit that a refusal speaks of without naming it.
  bool WatchRefusal(Unit unit, const WindowReading& timed, absl::Duration length, const UseLog& own, const Now& now);
  // A refusal that only a sliding window explains, of a limit that was taken to move otherwise. True as above.
  bool RefuseWindow(Unit unit, absl::Duration length);
  // What was seen of how the window of a learnt limit moves; absent: no header speaks of such a one.
  const WindowInference* WindowOf(Unit unit, absl::Duration length) const;
  // Attempts that went well. True if Merge would give something else.
  bool Succeed(const Charge& charge, MonoTime now);
  // The provider refused: what was left out counts again. True if Merge would give something else.
  bool Refuse();
  // The limit that the reading speaks of is not of this pool. True if Merge would give something else.
  bool Forget(const Reading& reading);
  // As they were known before a restart.
  void Restore(const Limit& limit, MonoTime now);

  // A refusal stated that much was left, of a limit that our own use had used up.
  void DoubtCount(const Reading& reading);
  // Whether what the reading says was used is believed where it is less than our own use.
  bool TrustsCount(const Reading& reading) const;

  // The window that a reading speaks of; zero if its limit was never observed.
  absl::Duration LengthOf(const Reading& reading) const;

  // Headers state a limit of requests that is believed, over an hour or less.
  bool states_requests() const;

  // What Restore would need.
  std::vector<Limit> Known() const;

  // The declared limits with what is learnt. Configured ones override the learnt of the same unit and length, and every
  // learnt one of the same unit whose window no header names; the catalogue's follow what the provider states.
  std::vector<Limit> Merge(std::span<const Limit> declared) const;

 private:
  struct Fact {
    Unit unit = Unit::kRequests;
    bool project = false;
    absl::Duration named;  // 0: the header does not name its window
    absl::Duration length;  // as named or guessed
    int64_t amount = 0;
    MonoTime at;  // of the newest reading
    WindowInference window;
    // The guess.
    absl::Duration longest_reset;
    absl::Duration voted;  // what reset, used and limit of the last reading fit; 0: none
    int votes = 0;
    bool counts = false;  // named, or seen to count our requests
    // The proof.
    absl::Duration at_most = absl::InfiniteDuration();  // longer ones are disproved
    MonoTime proof_start;
    int64_t proven = 0;  // used without refusal since then
    bool left_out = false;
    bool doubtful = false;  // it was refused where it stated that much was left

    bool Is(Unit of, absl::Duration over) const { return unit == of && length == over && !project && !left_out; }
  };
  Fact* Find(const Reading& reading);
  bool Correct(const Fact& newest);
  static void Guess(Fact& fact, const Reading& reading);
  static Limit AsLimit(const Fact& fact);

  std::vector<Fact> facts_;
};

}  // namespace chain429
