#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/model/pool.h"

namespace chain429 {

// How one attempt, or one target that was passed over, ended: the words of the trail header.
enum class Outcome : uint8_t {
  kOk,
  kSkippedCooldown,
  kSkippedQuota,
  kSkippedUnfit,
  kSkippedHealth,
  kRateLimited,
  kQuotaExhausted,
  kAuth,
  kOverloaded,
  kError,
  kTimeout,
  kConnect,
  kBroken,
  kEmpty,
  kModelUnavailable,
};
std::string_view OutcomeName(Outcome outcome);

// What a provider's failure means and where it holds: the verdict of the error rules, or of the defaults.
enum class ErrorClass : uint8_t {
  kOk,
  kRateLimited,       // a short or rolling limit; the pool closes for the wait
  kQuotaExhausted,    // a day, month or credit limit
  kAuth,              // the credential is dead until changed
  kModelUnavailable,  // this model on this account
  kOverloaded,        // transient trouble of the provider; go on
  kBadRequest,        // the client's own mistake: hand back
  kRefusedHere,       // a bad request that only this provider refuses: go on
  kContextTooLong,    // go on to targets that take more, else hand back
};
enum class Scope : uint8_t { kRequest, kTarget, kPool, kCredential, kProvider };

struct Verdict {
  ErrorClass error_class = ErrorClass::kOk;
  Scope scope = Scope::kRequest;
  absl::Duration retry_after = absl::ZeroDuration();  // 0: the provider did not say
  bool authoritative = false;                         // retry_after comes from the provider
  std::string message;                                // the provider's, secrets not yet removed
};

// One observed rate-limit header (or a body's equivalent).
struct Reading {
  Unit unit = Unit::kRequests;
  absl::Duration window = absl::ZeroDuration();       // 0: the header does not name it
  bool project_scope = false;  // counts beside the pool's own limit of this unit (OpenAI project tokens)
  int64_t limit = -1;  // -1: not stated
  int64_t remaining = -1;  // -1: not stated
  absl::Duration reset_after = absl::InfiniteDuration();  // infinite: not stated
  friend bool operator==(const Reading&, const Reading&) = default;
};

// Token counts as the provider reported them.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  bool seen = false;  // false: the provider said nothing, the numbers are 0
};

// What attempts under one permit cost. Several uses of a permit with spares may be merged into one settlement, where
// all ended well: `count` > 1, usage summed, readings those of the youngest.
struct Settlement {
  PermitId permit;  // 0: sent without a permit (no limit known then, or control plane away)
  TargetId target;
  std::vector<PoolId> pools;  // the target's pools, wide to narrow
  uint32_t count = 1;  // attempts settled here
  uint32_t last_use = 0;  // index within the permit of the youngest one (0-based)
  bool charged = true;  // false: nothing was written upstream, the reservation goes back whole
  bool begun = false;  // a report from within a watched attempt: its answer has begun well. Nothing is settled by it
  absl::Duration sent_age;  // since the youngest was written upstream
  Usage usage;
  int64_t prompt_bytes = 0;  // summed; for the learnt bytes -> tokens ratio
  ErrorClass error_class = ErrorClass::kOk;
  Scope scope = Scope::kRequest;
  PoolId closes;  // the pool that `error_class` closes; 0: none
  absl::Duration retry_after = absl::ZeroDuration();
  bool authoritative = false;
  std::vector<Reading> readings;  // about the target's quota pool
  absl::Duration latency;  // attempt start to first content, of the youngest
};

}  // namespace chain429
