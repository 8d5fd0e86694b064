#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429::dst {

// One limit as a provider keeps it. Written for the simulation alone: it shares nothing with common/limits, so that
// what it counts can be believed.
struct ProviderLimit {
  enum class Unit { kRequests, kTokens, kConcurrency };
  enum class Kind { kSliding, kFixed, kBucket };
  Unit unit = Unit::kRequests;
  int64_t amount = 0;
  Kind kind = Kind::kSliding;
  absl::Duration length = absl::Minutes(1);
  absl::Duration anchor = absl::ZeroDuration();  // fixed: of one edge, from local midnight
  std::string zone = "UTC";                     // fixed
  // "requests per 1m", "concurrency".
  std::string Name() const;
};

// The count behind a limit, exact to the nanosecond. `at` never falls.
class ProviderWindow {
 public:
  struct Moment {
    MonoTime at;      // true time
    absl::Time wall;  // of the provider's own clock
  };

  virtual ~ProviderWindow() = default;
  static std::unique_ptr<ProviderWindow> Make(const ProviderLimit& limit);

  virtual int64_t Used(const Moment& now) = 0;
  // Gives a number by which the entry can be changed.
  virtual uint64_t Add(int64_t amount, const Moment& now) = 0;
  // What was counted turns out to be another amount; nothing if it has left the window.
  virtual void Change(uint64_t entry, int64_t by, const Moment& now) = 0;
  // How long until `amount` of what is used now is free again, if nothing comes.
  virtual absl::Duration UntilFree(int64_t amount, const Moment& now) = 0;
  virtual void set_limit(int64_t amount, const Moment& now) = 0;
};

// Start and end of the stretch between two edges that holds `t`.
struct FixedPeriod {
  absl::Time start;
  absl::Time end;
};
FixedPeriod FixedPeriodOf(const ProviderLimit& limit, absl::Time t);

}  // namespace chain429::dst
