#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/waterfall/gate.h"

namespace chain429 {

// One target of the walk, called or passed over: an item of the trail.
struct Hop {
  uint32_t candidate = 0;
  Outcome outcome = Outcome::kOk;
  int status = 0;                   // the provider's; 0: none came
  absl::Duration latency = absl::InfiniteDuration();  // infinite: not called
  bool waits = false;               // it only waits for a limit
  MonoTime opens;                   // with `waits`: when it may take requests again; zero: unknown
  bool called = false;
  std::string message;              // the provider's, secrets removed
};
using Hops = absl::InlinedVector<Hop, 4>;

// How one attempt ended.
struct AttemptEnd {
  Outcome outcome = Outcome::kOk;
  ErrorClass error_class = ErrorClass::kOk;
  int status = 0;
  absl::Duration latency;
  MonoTime opens;                   // a closed pool's recovery; zero: unknown
  std::string message;
  bool kept = false;                // the caller kept the provider's own answer: the walk may end with kHandBack
};

// The way of one request over its chain's targets. Every decision is here; the caller executes steps and feeds back
// what happened. Pure: time is passed in, and what stands before a target is asked through `gates`.
class Walk {
 public:
  struct Options {
    uint32_t candidates = 0;
    int max_attempts = 8;
    MonoTime deadline;                                 // of the whole request
    absl::Duration wait = absl::ZeroDuration();        // longest wait for the first recovery
  };
  enum class Do : uint8_t {
    kAttempt,   // call `candidate`; take the right that `gate` names
    kAsk,       // ask the control plane for one of `ask`, then OnAnswer
    kWait,      // until `until`, then Next again
    kHandBack,  // give the client `candidate`'s own answer
    kExhaust,   // answer chain_exhausted with `status` and `retry_after`
  };
  struct Step {
    Do action = Do::kExhaust;
    uint32_t candidate = 0;
    Gate gate = Gate::kFree;
    absl::InlinedVector<uint32_t, 8> ask;
    MonoTime until;
    int status = 0;
    absl::Duration retry_after;   // with status 429
    bool hopeless = false;        // with kExhaust: nothing that was passed over or failed recovers within a minute
  };
  // The gate before a candidate; `alone`: as if the control plane were away.
  using Gates = absl::FunctionRef<GateView(uint32_t candidate, bool alone)>;

  explicit Walk(const Options& options) : options_(options) {}

  Step Next(MonoTime now, Gates gates);
  // The answer to kAsk; null: none came in time. Returns true when the next step is the attempt at `granted`.
  bool OnAnswer(const AcquireAnswer* answer, const Step& asked, absl::FunctionRef<TargetId(uint32_t)> id_of,
                MonoTime now, uint32_t& granted);
  void OnAttempt(uint32_t candidate, AttemptEnd end);

  int attempts() const { return attempts_; }
  const Hops& hops() const { return hops_; }

 private:
  void Skip(uint32_t candidate, const GateView& view, std::string message = {});
  void Renew(uint32_t candidate) {
    std::erase_if(earlier_, [=](const Hop& hop) { return hop.candidate == candidate; });
  }
  Step Finish(MonoTime now);

  const Options options_;
  uint32_t at_ = 0;              // the next candidate to look at
  uint32_t alone_until_ = 0;     // candidates before this one are judged as if the control plane were away
  int looked_again_ = -1;  // after its credential was refused; if that was the last one, its hop says so already
  int attempts_ = 0;
  bool waited_ = false;
  MonoTime wait_until_;
  int hand_back_ = -1;  // candidate whose refusal fits if nobody takes the request
  bool refused_ = false;  // the client's own mistake: hand back at once
  Hops hops_;
  // Before a wait: what waited for a limit, until it is judged anew. A second pass that has no attempt left does not
  // come to all of it.
  std::vector<Hop> earlier_;
  // Those that were closed between candidates asked for: noted when the answer passes over them.
  absl::InlinedVector<std::pair<uint32_t, GateView>, 2> between_;
};

// How a target that `view` stands before is told in the trail: one of the skipped_ words.
Outcome SkipOutcome(const GateView& view);
// Whether it is only waiting for a limit.
bool SkipWaits(const GateView& view);

// Whether the class of a failure closes something that a limit will open again.
bool WaitsForLimit(Outcome outcome);
Outcome OutcomeOf(ErrorClass error_class);

}  // namespace chain429
