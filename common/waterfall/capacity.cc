#include "common/waterfall/capacity.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/model/limit_state.h"

namespace chain429 {
namespace {

constexpr int64_t kUnlimited = INT64_MAX;

// Of one pool and unit: what is not taken yet by the targets before.
struct Rest {
  absl::Duration window = absl::InfiniteDuration();  // the shortest; infinite: there is no limit
  int64_t amount = kUnlimited;                       // of it
  int64_t remaining = kUnlimited;                    // over all windows
  absl::Duration full_in;                            // of the shortest
  absl::Duration empty_for;  // at least so long nothing is left, for it is closed or a window used up
};

void Look(const LimitState& limit, absl::Duration age, Rest& rest) {
  const LimitNow now = LookAt(limit, age);
  rest.remaining = std::min(rest.remaining, now.remaining);
  if (now.frees_in != absl::InfiniteDuration()) rest.empty_for = std::max(rest.empty_for, now.frees_in);
  if (limit.window > rest.window) return;
  const bool tighter = limit.window < rest.window || limit.amount < rest.amount;
  rest.full_in = limit.window < rest.window ? now.full_in : std::max(rest.full_in, now.full_in);
  rest.window = limit.window;
  if (tighter) rest.amount = limit.amount;
}

enum Kind : size_t { kRequests, kTokens, kKinds };
using Rests = std::array<Rest, kKinds>;

Rests RestsOf(const PoolStanding& standing) {
  Rests rests;
  for (const LimitState& limit : standing.limits) {
    if (limit.unit == Unit::kRequests) Look(limit, standing.age, rests[kRequests]);
    if (IsTokens(limit.unit)) Look(limit, standing.age, rests[kTokens]);
  }
  if (standing.closed_for > absl::ZeroDuration()) {
    for (Rest& rest : rests) {
      rest.remaining = 0;
      rest.empty_for = std::max(rest.empty_for, standing.closed_for);
    }
  }
  return rests;
}

// Lets one target take what it can of its pools; false: as much as one likes.
template <typename Pools>
bool Take(const Pools& pools, std::span<Rests> rests, Kind kind, UnitCapacity& sum) {
  absl::Duration window = absl::InfiniteDuration();
  int64_t remaining = kUnlimited;
  for (const uint32_t pool : pools) {
    window = std::min(window, rests[pool][kind].window);
    remaining = std::min(remaining, rests[pool][kind].remaining);
  }
  if (remaining == kUnlimited) return false;
  int64_t amount = kUnlimited;
  for (const uint32_t pool : pools) {
    const Rest& rest = rests[pool][kind];
    sum.reset = std::max(sum.reset, rest.empty_for);
    if (rest.window != window || rest.amount == kUnlimited) continue;
    amount = std::min(amount, rest.amount);
    sum.reset = std::max(sum.reset, rest.full_in);
  }
  for (const uint32_t pool : pools) {
    Rest& rest = rests[pool][kind];
    if (rest.remaining != kUnlimited) rest.remaining -= remaining;
    if (rest.window == window && amount != kUnlimited) rest.amount -= amount;
  }
  sum.remaining += remaining;
  // Closed without a known limit: it has nothing now, and what it has later nobody knows.
  if (amount == kUnlimited) return true;
  sum.known = true;
  sum.limit += amount;
  return true;
}

void AppendField(std::string& out, std::string_view name, std::string_view unit, int64_t value) {
  absl::StrAppend(&out, "x-ratelimit-", ToAbsl(name), "-", ToAbsl(unit), ": ", value, "\r\n");
}

}  // namespace

CapacityPlan::CapacityPlan(std::span<const Target* const> targets) {
  for (const Target* target : targets) {
    absl::InlinedVector<uint32_t, 4>& indexes = targets_.emplace_back();
    for (const PoolId pool : target->pools) {
      const auto known = std::find(pools_.begin(), pools_.end(), pool);
      indexes.push_back(static_cast<uint32_t>(known - pools_.begin()));
      if (known == pools_.end()) pools_.push_back(pool);
    }
  }
}

Capacity CapacityPlan::Sum(absl::FunctionRef<PoolStanding(PoolId)> pool,
                           absl::FunctionRef<TargetStanding(size_t)> target) const {
  Capacity capacity;
  absl::InlinedVector<Rests, 12> rests;
  rests.reserve(pools_.size());
  for (const PoolId id : pools_) rests.push_back(RestsOf(pool(id)));
  const std::span<Rests> all(rests.data(), rests.size());
  std::array<bool, kKinds> unbounded{};
  for (size_t i = 0; i < targets_.size(); ++i) {
    const TargetStanding standing = target(i);
    if (!standing.usable) continue;
    capacity.requests.remaining += standing.permits;
    unbounded[kRequests] |= !Take(targets_[i], all, kRequests, capacity.requests);
    unbounded[kTokens] |= !Take(targets_[i], all, kTokens, capacity.tokens);
  }
  if (unbounded[kRequests]) capacity.requests = {};
  if (unbounded[kTokens]) capacity.tokens = {};
  return capacity;
}

void AppendGoDuration(std::string& out, absl::Duration duration) {
  if (duration < absl::Seconds(1)) {
    const int64_t millis =
        absl::ToInt64Milliseconds(absl::Ceil(std::max(duration, absl::ZeroDuration()), absl::Milliseconds(1)));
    if (millis == 0) {
      out.append("0s");
    } else if (millis == 1000) {
      out.append("1s");
    } else {
      absl::StrAppend(&out, millis, "ms");
    }
    return;
  }
  const int64_t seconds = CeilSeconds(duration);
  if (seconds >= 3600) absl::StrAppend(&out, seconds / 3600, "h");
  if (seconds >= 60) absl::StrAppend(&out, seconds / 60 % 60, "m");
  absl::StrAppend(&out, seconds % 60, "s");
}

void AppendRateLimitFields(std::string& out, const Capacity& capacity) {
  const auto append = [&out](std::string_view unit, const UnitCapacity& of) {
    if (!of.known) return;
    AppendField(out, "limit", unit, of.limit);
    AppendField(out, "remaining", unit, std::min(of.remaining, of.limit));
    absl::StrAppend(&out, "x-ratelimit-reset-", ToAbsl(unit), ": ");
    AppendGoDuration(out, of.reset);
    out.append("\r\n");
  };
  append("requests", capacity.requests);
  append("tokens", capacity.tokens);
}

}  // namespace chain429
