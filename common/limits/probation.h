#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace chain429 {

// A pool that is not trusted with everything at once: nobody has called it yet, or it has just opened after a guessed
// wait. Requests (probes) go out a few at a time, more of them with each that the provider takes. So a fleet that meets
// an unknown limit is refused once a proxy at most, and one that comes back does not run into the same wall together.
class Probation {
 public:
  enum class Reason : uint8_t {
    kNone,
    kFirstContact,  // who has to wait shall wait: nothing speaks against the pool
    kReopened,  // who has to wait shall go elsewhere
  };

  void BeginFirstContact() { Begin(Reason::kFirstContact); }
  // The canary, which was taken, is the first of its probes.
  void BeginReopened() { Begin(Reason::kReopened); }
  // All that wants may go.
  void End();

  Reason reason() const { return reason_; }
  bool active() const { return reason_ != Reason::kNone; }

  // Whether `holder` may send a probe now, as one of `holders` that share the pool.
  bool Allows(uint64_t holder, int64_t holders) const;
  void Start(uint64_t holder);
  // A probe of `holder` has come back: the provider took it, or it failed or was never sent. True if the probation has
  // ended by it.
  bool Finish(uint64_t holder, bool taken);

 private:
  void Begin(Reason reason);

  Reason reason_ = Reason::kNone;
  int64_t taken_ = 0;  // probes, since the beginning
  int64_t under_way_ = 0;
  absl::flat_hash_map<uint64_t, int64_t> by_holder_;  // of those under way
};

}  // namespace chain429
