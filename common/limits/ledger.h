#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/charge.h"
#include "common/limits/drift.h"
#include "common/limits/outside_forecast.h"
#include "common/limits/use_log.h"
#include "common/limits/window.h"
#include "common/model/pool.h"

namespace chain429 {

// What a limit looks like from outside.
struct LimitView {
  Limit limit;
  int64_t used = 0;          // reservations and outside use included
  int64_t reserved = 0;      // of it: not yet sent
  int64_t outside = 0;       // of it: not by us
  absl::Duration recovers_in;  // until something is free again; 0: something is free now
};

// One pool's limits and what was used of them. An attempt is reserved in all of them or in none, is held open until it
// is written upstream, dated then, and trued up when it is settled. A pool without limits fits everything and only
// remembers the last minute, so that limits learnt later begin with what was already sent. Memory is bounded whatever
// the rate: two windows more than there are limits, each with at most kMostEntries entries of its log.
class Ledger {
 public:
  Ledger();

  // Limits that stay (same unit and window) keep what they know; new ones begin with what another of the same unit
  // remembers.
  void SetLimits(std::span<const Limit> limits, const Now& now);
  bool limited() const { return !slots_.empty(); }

  // How long until `charge` fits into every limit: 0 now, infinite never (it is larger than a limit).
  absl::Duration Wait(const Charge& charge, const Now& now);
  // How many times `charge` fits now, at most `most`.
  int64_t Room(const Charge& charge, int64_t most, const Now& now);
  // How many times `charge` would fit into the tightest limit if nothing were used; INT64_MAX without limits.
  int64_t Capacity(const Charge& charge) const;
  template <typename Predicate>
  bool HasLimit(Predicate predicate) const {
    return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return predicate(slot.limit); });
  }
  // `charge` with no more output than leaves it smaller than every limit, for outputs that are only estimates. `least`:
  // its credits without any output.
  Charge Fitted(Charge charge, int64_t least = 0) const;
  // The first limit that `charge` never fits into, even if nothing was used; null: there is none. Valid until the
  // limits change.
  const Limit* TooSmallFor(const Charge& charge) const;

  void Reserve(const Charge& charge);
  void Unreserve(const Charge& charge);
  // Reserved before, written upstream at `at`.
  void Send(const Charge& charge, MonoTime at, const Now& now);
  // Written upstream without a reservation.
  void SendUnreserved(const Charge& charge, MonoTime at, const Now& now);
  // A sent attempt ended: what was charged becomes what it cost. Its concurrency is free.
  void Settle(const Charge& charged, const Charge& actual, MonoTime at, const Now& now);
  // As Settle for an attempt of whose cost nothing will ever be known: the charge stays.
  void Abandon(const Charge& charged);

  // Uses of somebody who may be sending unseen: they count until given back with a negative charge.
  void SetAside(const Charge& charge) { aside_ += charge; }

  // The provider's count of a limit that is known by unit, window length and amount.
  struct Count {
    Unit unit = Unit::kRequests;
    absl::Duration length;
    int64_t amount = 0;
    CountReading reading;
    bool lowers = true;  // a count below our own is believed, unless the limit is configured
  };
  void Observe(const Count& count, const Now& now);
  // The provider refused a request that fitted, and does not say by `says_otherwise` that the limit has more to give:
  // where it was used up but for a tenth, the rest is somebody else's.
  void Refused(absl::FunctionRef<bool(const Limit&)> says_otherwise, const Now& now);
  // Our own use that the limit of that unit and window length counts; absent: there is none.
  const UseLog* UsesOf(Unit unit, absl::Duration length) const;
  // Use within a window that an earlier run had counted up to `as_of`.
  void Assume(Unit unit, const WindowSpec& window, int64_t used, MonoTime as_of, const Now& now);
  // A use of the past that somebody reports only now: of what was assumed it explains its part.
  void Recount(const Charge& charge, MonoTime at, const Now& now);

  // What was used of `unit` in the last minute, by date, whatever the limits are.
  int64_t LastMinute(Unit unit, const Now& now);
  // Our requests of the last minute, by date.
  const UseLog& recent_requests() const { return requests_meter_.log(); }
  const Charge& open() const { return open_; }
  // Nobody holds or uses anything of it.
  bool idle() const { return held_ == Charge{} && open_ == Charge{} && aside_ == Charge{}; }
  std::vector<LimitView> View(const Now& now);
  // The same as proxies are told it.
  std::vector<LimitState> States(const Now& now);

 private:
  struct Slot {
    Limit limit;
    Window window;
    Drift drift;
    OutsideForecast forecast;
  };
  // How much of it somebody else will use, judged by the past.
  static int64_t Foretold(const Slot& slot, const Now& now);
  // Use beside our own: what is known, and what must be reckoned with.
  static int64_t Outside(Slot& slot, const Now& now);
  int64_t Used(Slot& slot, const Now& now);
  std::vector<Recovery> Recoveries(Slot& slot, int64_t used, const Now& now);
  absl::Duration Wait(Slot& slot, int64_t amount, const Now& now);
  Window& Meter(Unit unit) { return unit == Unit::kRequests ? requests_meter_ : tokens_meter_; }

  std::vector<Slot> slots_;
  Window requests_meter_;
  Window tokens_meter_;
  Charge held_;  // reserved, not sent
  Charge open_;  // sent, not settled
  Charge aside_;
};

}  // namespace chain429
