#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/model/charging.h"

namespace chain429 {

// What a limit counts. Amounts of credits are in millionths.
enum class Unit : uint8_t { kRequests, kTokens, kInputTokens, kOutputTokens, kConcurrency, kCredits };
inline constexpr Unit kLastUnit = Unit::kCredits;

enum class WindowKind : uint8_t { kSliding, kFixed, kBucket };

// The length of windows of a month. A fixed one is the calendar's month, of 28 to 31 days; others have 30.
inline constexpr absl::Duration kMonth = absl::Hours(24 * 30);

// Over which stretch of time a limit counts. Concurrency limits have none.
struct WindowSpec {
  WindowKind kind = WindowKind::kSliding;
  absl::Duration length = absl::Minutes(1);
  absl::Duration anchor;      // fixed: offset of one edge from local midnight; of months, on their first day
  std::string zone = "UTC";   // fixed: IANA name
  int64_t burst = 0;          // bucket: what may be used at once; 0: the limit's amount
  friend bool operator==(const WindowSpec&, const WindowSpec&) = default;
};

// Who says so. Configured beats stated beats inferred.
enum class Provenance : uint8_t { kConfigured, kCatalogue, kStated, kInferred };

struct Limit {
  Unit unit = Unit::kRequests;
  int64_t amount = 0;  // >= 0
  WindowSpec window;
  Provenance provenance = Provenance::kConfigured;

  // What may be used at once if nothing was before.
  int64_t at_once() const { return window.kind == WindowKind::kBucket && window.burst > 0 ? window.burst : amount; }
  // What may be used in any one window, the first after a pause included, and at once.
  int64_t least() const { return std::min(amount, at_once()); }
  friend bool operator==(const Limit&, const Limit&) = default;
};

// How output tokens are reserved where the provider charges on use.
enum class TokenPolicy : uint8_t { kP95, kStrict };
enum class WhenDisconnected : uint8_t { kShare, kDeny, kOpen };

// An account-level set of limits, or merely something that can be closed: a credential, a model on an account. An
// attempt draws on every pool of its target at once.
struct Pool {
  PoolId id;
  std::string key;  // "groq/main/openai/gpt-oss-120b"; id = StableId(key)
  std::vector<Limit> limits;
  TokenPolicy tokens = TokenPolicy::kP95;
  ChargeRule charging;
  // Of a model's own pool, the last of a target's, what the model costs; none: not known. Of the others the dearest of
  // the provider's models, for what must be guessed.
  std::optional<CreditRates> rates;
  WhenDisconnected when_disconnected = WhenDisconnected::kShare;
  bool learns = true;  // limits may be learnt from headers; false for pools that only close (credentials)
  friend bool operator==(const Pool&, const Pool&) = default;
};

// Why a pool takes no requests.
enum class Closure : uint8_t { kNone, kRateLimited, kQuotaExhausted, kAuth, kModelUnavailable, kOverloaded };

// What one proxy may send to a pool while the control plane is away, for one of the pool's windows. Until a window has
// passed since it was told, and since the control plane may last have granted to anybody, what was used before still
// counts; after that each stretch of a window has the steady share.
struct SafeShare {
  int64_t first = 0;   // requests
  int64_t steady = 0;  // requests
  absl::Duration window;
  friend bool operator==(const SafeShare&, const SafeShare&) = default;
};

// What is left of a limit from some time on, if nothing more is used.
struct Recovery {
  absl::Duration in;
  int64_t remaining = 0;
  friend bool operator==(const Recovery&, const Recovery&) = default;
};

// One limit of a pool as it stands now: its amount, and what of it is neither used, by us or others, nor reserved.
struct LimitState {
  Unit unit = Unit::kRequests;
  WindowKind kind = WindowKind::kSliding;
  absl::Duration window;  // its length; 0 for concurrency
  int64_t amount = 0;
  int64_t remaining = 0;  // >= 0
  // Rising in both; the last says when all of it is free again. At most kMostRecoveries: in between they tell too
  // little, never too much.
  std::vector<Recovery> recoveries;
  friend bool operator==(const LimitState&, const LimitState&) = default;
};
inline constexpr size_t kMostRecoveries = 10;

// What the control plane says of a pool now; all times relative to when it was sent.
struct PoolState {
  PoolId pool;
  bool limited = false;           // some limit is known: an attempt needs a permit
  Closure closure = Closure::kNone;
  absl::Duration closed_for;      // > 0 while closed
  std::vector<LimitState> limits;
  std::vector<SafeShare> shares;  // one for each of its limits; all of them hold
  bool shares_kept = false;       // the control plane has just started: the shares told before it did go on holding
  bool numbers_only = false;      // comes with an answer: says nothing of the shares
  uint64_t serial = 0;            // rises with every state that one leader makes: what is older is told by it
  friend bool operator==(const PoolState&, const PoolState&) = default;
};

// How much of `unit` a request of usual size takes of a pool: what turns a share of a limit into requests.
int64_t UsualCost(const Pool& pool, Unit unit);

std::string_view UnitName(Unit unit);          // "requests", …
std::string_view WindowKindName(WindowKind kind);  // "sliding", …
std::string AmountText(Unit unit, int64_t amount);  // "30"; of credits "0.05"
std::string_view ClosureName(Closure closure);  // "rate_limited", …

}  // namespace chain429
