#include "controlplane/quota/account.h"

#include <algorithm>
#include <utility>

namespace chain429 {
namespace {

// A refusal for longer than this is not about the minute.
constexpr absl::Duration kMinuteRefusal = absl::Minutes(2);
// A limit used to this share explains a refusal.
constexpr int64_t kExplainingPercent = 90;
// Streams take no longer, and what was given back before a reading's request was sent is no part of it.
constexpr absl::Duration kLongestStream = absl::Minutes(10);
constexpr absl::Duration kLongWindow = absl::Hours(1);
constexpr int64_t kTinyCapacity = 1000;
// A proxy that is left alone with a pool of unknown limits that has just been closed tries it this often.
constexpr absl::Duration kCautiousEvery = absl::Seconds(5);

bool IsLearnt(const Limit& limit) {
  return limit.provenance == Provenance::kStated || limit.provenance == Provenance::kInferred;
}

}  // namespace

PoolAccount::PoolAccount(Pool pool, const Now& now) : last_used(now.mono), pool_(std::move(pool)) {
  // A pool without a name is one that somebody reported on: it has been called.
  if (pool_.learns && !pool_.key.empty()) probation_.BeginFirstContact();
  Relimit(now);
}

void PoolAccount::Declare(const Pool& pool, const Now& now) {
  if (pool == pool_) return;
  pool_ = pool;
  Relimit(now);
}

void PoolAccount::Relimit(const Now& now) {
  std::vector<Limit> limits = pool_.learns ? learned_.Merge(pool_.limits) : pool_.limits;
  if (inferred_.known()) {
    const Limit inferred = inferred_.AsLimit();
    const bool pointless = std::any_of(limits.begin(), limits.end(), [&](const Limit& limit) {
      return limit.unit == Unit::kRequests && limit.window.length <= inferred.window.length &&
             limit.amount <= inferred.amount;
    });
    if (!pointless) limits.push_back(inferred);
  }
  ledger_.SetLimits(limits, now);
  tiny_ = ledger_.limited() && ledger_.Capacity({1, 0, 0}) <= kTinyCapacity;
  if (ledger_.limited() && probation_.reason() == Probation::Reason::kFirstContact) probation_.End();
}

void PoolAccount::Read(const Seen& seen, const Now& now) {
  if (!pool_.learns) return;
  bool changed = false;
  for (const Reading& reading : seen.readings) changed |= learned_.Observe(reading, seen.cost, seen.sent_at, now.mono);
  if (changed) {
    // What was inferred without the provider's word, or from a limit that it had before, is worth nothing beside it.
    if (learned_.states_requests()) inferred_ = InferredLimit();
    Relimit(now);
  }
  for (const Reading& reading : seen.readings) {
    if (reading.limit <= 0 || reading.remaining < 0 || reading.remaining > reading.limit) continue;
    const bool requests = reading.unit == Unit::kRequests;
    Ledger::Count count;
    count.unit = reading.unit;
    count.length = learned_.LengthOf(reading);
    count.amount = reading.limit;
    count.reading.at = seen.sent_at;
    count.reading.used = reading.limit - reading.remaining;
    count.reading.charge = requests && !seen.refused ? 1 : 0;
    if (!requests && pool_.charging.tokens == TokenCharge::kOnUse) {
      count.reading.open = ledger_.open().Of(reading.unit);
    } else if (!requests) {
      given_back_.VisitAfter(seen.sent_at, [&](MonoTime, int64_t amount) { count.reading.given_back += amount; });
    }
    count.reading.reset = reading.reset_after;
    ledger_.Observe(count, now);
  }
}

void PoolAccount::GiveBack(const Charge& charged, const Charge& cost, const Now& now) {
  if (pool_.charging.tokens != TokenCharge::kUpFront) return;
  given_back_.After(now.mono - kLongestStream);
  given_back_.Add(now.mono, charged.tokens() - cost.tokens(), MonoTime::FromNanos(INT64_MIN));
}

void PoolAccount::Succeed(const Charge& charge, MonoTime sent_at, const Now& now) {
  TakesRequests(sent_at, now);
  bool changed = pool_.learns && learned_.Succeed(charge, now.mono);
  if (inferred_.known()) changed |= inferred_.Turn(ledger_.LastMinute(Unit::kRequests, now), now.mono);
  if (changed) Relimit(now);
}

bool PoolAccount::TakesRequests(MonoTime sent_at, const Now& now) {
  if (!cooldown_.Succeed(sent_at, now.mono)) return false;
  if (!cooldown_.authoritative()) probation_.BeginReopened();
  return true;
}

void PoolAccount::Refuse(const Seen& seen, absl::Duration retry_after, const Now& now) {
  const auto says_otherwise = [&seen](const Limit& limit) {
    return std::any_of(seen.readings.begin(), seen.readings.end(), [&limit](const Reading& reading) {
      return reading.unit == limit.unit && reading.limit == limit.amount && reading.remaining > 0;
    });
  };
  if (cooldown_.IsSameTrouble(seen.sent_at)) {
    if (retry_after <= kMinuteRefusal) ledger_.Refused(says_otherwise, now);
    if (inferred_.Correct(ledger_.LastMinute(Unit::kRequests, now))) Relimit(now);
    return;
  }
  // A canary's refusal tells nothing of how much went well before it.
  if (cooldown_.At(now.mono) != Cooldown::Gate::kOpen) return;
  bool changed = pool_.learns && learned_.Refuse();
  const std::vector<LimitView> views = ledger_.View(now);
  bool explained = retry_after > kMinuteRefusal;
  for (const LimitView& view : views) {
    explained |= view.limit.amount > 0 && view.used * 100 >= view.limit.at_once() * kExplainingPercent;
    for (const Reading& reading : seen.readings) {
      explained |= reading.unit == view.limit.unit && reading.limit == view.limit.amount && reading.remaining == 0;
    }
  }
  if (retry_after <= kMinuteRefusal) ledger_.Refused(says_otherwise, now);
  if (!explained) changed |= inferred_.Refuse(ledger_.LastMinute(Unit::kRequests, now), now.mono);
  if (changed) Relimit(now);
}

std::vector<SafeShare> PoolAccount::Shares(int64_t proxies, const Now& now) {
  proxies = std::max<int64_t>(1, proxies);
  std::vector<SafeShare> shares;
  if (!ledger_.limited() && limited(now.mono)) shares.push_back({1, 1, kCautiousEvery});
  for (const LimitView& view : ledger_.View(now)) {
    const Limit& limit = view.limit;
    const bool concurrency = limit.unit == Unit::kConcurrency;
    // A share is stated in requests, whatever the limit counts.
    const int64_t unit = UsualCost(pool_, limit.unit);
    const int64_t amount = limit.least() / unit;
    const int64_t left = std::max<int64_t>(0, limit.at_once() - view.used) / unit;
    SafeShare share;
    share.window = concurrency ? absl::Minutes(1) : limit.window.length;
    // Half of it, so that a proxy that stays cut off for long does not take what the others then share without it.
    share.steady = proxies == 1 ? amount : amount / (2 * proxies);
    if (share.steady == 0 && amount >= proxies) share.steady = 1;
    share.first = concurrency ? share.steady : left / proxies;
    shares.push_back(share);
  }
  return shares;
}

PoolState PoolAccount::Numbers(const Now& now) {
  PoolState state;
  state.pool = pool_.id;
  state.limited = limited(now.mono);
  if (cooldown_.At(now.mono) == Cooldown::Gate::kClosed) {
    state.closure = cooldown_.closure(now.mono);
    state.closed_for = cooldown_.Wait(now.mono);
  }
  state.limits = ledger_.States(now);
  state.numbers_only = true;
  return state;
}

PoolState PoolAccount::State(int64_t proxies, const Now& now) {
  PoolState state = Numbers(now);
  state.shares = Shares(proxies, now);
  state.numbers_only = false;
  return state;
}

PoolView PoolAccount::View(const Now& now) {
  PoolView view;
  view.id = pool_.id;
  view.key = pool_.key;
  view.closure = cooldown_.closure(now.mono);
  view.closed_for = cooldown_.Wait(now.mono);
  view.authoritative = view.closure != Closure::kNone && cooldown_.authoritative();
  view.limits = ledger_.View(now);
  view.open_attempts = ledger_.open().requests;
  return view;
}

bool PoolAccount::memorable(MonoTime now) const {
  if (cooldown_.At(now) != Cooldown::Gate::kOpen || inferred_.known()) return true;
  return ledger_.HasLimit([](const Limit& limit) { return IsLearnt(limit) || limit.window.length >= kLongWindow; });
}

PoolMemory PoolAccount::Memory(const Now& now) {
  PoolMemory memory;
  memory.key = pool_.key;
  memory.at = now.wall;
  memory.closure = cooldown_.closure(now.mono);
  memory.closed_until = now.wall + cooldown_.Wait(now.mono);
  memory.authoritative = cooldown_.authoritative();
  memory.learnt = learned_.Known();
  memory.inferred = inferred_.amount();
  for (const LimitView& view : ledger_.View(now)) {
    if (view.limit.unit == Unit::kConcurrency || view.limit.window.length < kLongWindow || view.used == 0) continue;
    memory.marks.push_back({view.limit.unit, view.limit.window, view.used});
  }
  return memory;
}

void PoolAccount::Remember(const PoolMemory& memory, const Now& now) {
  cooldown_.Restore(memory.closure, memory.closed_until - now.wall, memory.authoritative, now.mono);
  if (pool_.learns) {
    const std::vector<Limit> known = learned_.Known();
    for (const Limit& limit : memory.learnt) {
      const bool fresh = std::any_of(known.begin(), known.end(), [&](const Limit& newer) {
        return newer.unit == limit.unit && newer.window.length == limit.window.length;
      });
      if (!fresh) learned_.Restore(limit, now.mono);
    }
  }
  if (memory.inferred > 0 && !inferred_.known()) inferred_.Restore(memory.inferred, now.mono);
  Relimit(now);
  for (const PoolMemory::Mark& mark : memory.marks) {
    const bool over = mark.window.kind == WindowKind::kFixed ? PeriodOf(mark.window, memory.at).end <= now.wall
                                                             : memory.at + mark.window.length <= now.wall;
    if (!over) ledger_.Assume(mark.unit, mark.window, mark.used, now.mono - (now.wall - memory.at), now);
  }
}

}  // namespace chain429
