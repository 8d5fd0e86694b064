// What leaves the broker unasked: pool states for proxies, memories for the store, views for people.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

// A change of a number by less than this share is not worth a message, unless something is used up or free again.
constexpr int64_t kNoticeableShare = 20;
// Calls begin and end all the time: how many are open is told no more often than this.
constexpr absl::Duration kConcurrencyEvery = absl::Milliseconds(200);
constexpr int64_t kSmallAmount = 1000;

bool Noticeable(int64_t before, int64_t after) {
  if ((before <= 0) != (after <= 0)) return true;
  return std::abs(after - before) * kNoticeableShare > std::max<int64_t>({0, before, after});
}

bool Noticeable(const std::vector<SafeShare>& before, const std::vector<SafeShare>& after) {
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [](const SafeShare& a, const SafeShare& b) {
                       return a.steady == b.steady && a.window == b.window && !Noticeable(a.first, b.first);
                     });
}

bool Noticeable(const std::vector<LimitState>& before, const std::vector<LimitState>& after) {
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [](const LimitState& a, const LimitState& b) {
                       return a.unit == b.unit && a.kind == b.kind && a.window == b.window && a.amount == b.amount &&
                              (a.unit == Unit::kConcurrency || !Noticeable(a.remaining, b.remaining));
                     });
}

// REQUIRES: the same limits.
bool OpenCallsDiffer(const std::vector<LimitState>& before, const std::vector<LimitState>& after) {
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [](const LimitState& a, const LimitState& b) {
                       return a.unit != Unit::kConcurrency || !Noticeable(a.remaining, b.remaining);
                     });
}

bool Noticeable(const PoolState& before, const PoolState& after) {
  return before.limited != after.limited || before.closure != after.closure ||
         before.shares_kept != after.shares_kept || Noticeable(before.shares, after.shares) ||
         Noticeable(before.limits, after.limits);
}

// With every answer. Where the calls under way are limited each request asks, however many there are: then only small
// numbers are.
bool IsWorthTelling(const Ledger& ledger) {
  const bool asks_always = ledger.HasLimit([](const Limit& limit) { return limit.unit == Unit::kConcurrency; });
  return ledger.HasLimit([=](const Limit& limit) {
    return limit.unit != Unit::kConcurrency && (!asks_always || limit.amount <= kSmallAmount);
  });
}

}  // namespace

void Broker::Touch(PoolAccount& account, const Now& now) {
  // A pool that never was limited or closed has no numbers to tell.
  if (account.dirty || (!account.limited(now.mono) && !account.pushed.pool)) return;
  account.dirty = true;
  dirty_.push_back(account.pool().id);
  prompt_ = prompt_ || account.tiny();
}

PoolState Broker::StateOf(PoolAccount& account, const Now& now) {
  PoolState state = account.State(proxies(), now);
  state.shares_kept = learning(now.mono);
  if (state.shares_kept) state.shares.clear();
  state.serial = ++last_serial_;
  return state;
}

std::vector<PoolState> Broker::NumbersFor(const AcquireAnswer& answer, const Now& now) {
  std::vector<PoolState> states;
  const auto add = [&](PoolId id) {
    PoolAccount* account = book_.Find(id);
    if (account == nullptr || !IsWorthTelling(account->ledger())) return;
    states.push_back(account->Numbers(now));
    states.back().serial = ++last_serial_;
    account->told = states.back().limits;
  };
  for (const DenialReason& denial : answer.denials) add(denial.pool);
  const PermitRecord* permit = answer.granted && answer.permit.id ? permits_.Find(answer.permit.id) : nullptr;
  if (permit != nullptr) std::for_each(permit->pools.begin(), permit->pools.end(), add);
  return states;
}

void Broker::TouchUrgent(PoolAccount& account) {
  if (account.urgent) return;
  account.urgent = true;
  urgent_.push_back(account.pool().id);
}

void Broker::Opened(PoolAccount& account, const Now& now) {
  account.opened_at = now.mono;
  TouchUrgent(account);
  RememberSoon(account);
}

void Broker::RememberSoon(PoolAccount& account) {
  if (account.unremembered || account.pool().key.empty()) return;
  account.unremembered = true;
  to_remember_.push_back(account.pool().id);
}

std::vector<PoolState> Broker::TakeUrgent(const Now& now) {
  std::vector<PoolState> states;
  for (const PoolId id : std::exchange(urgent_, {})) {
    PoolAccount* account = book_.Find(id);
    if (account == nullptr) continue;
    account->urgent = false;
    MarkPushed(*account, StateOf(*account, now), now);
    states.push_back(account->pushed);
  }
  return states;
}

std::vector<PoolState> Broker::TakeRoutine(const Now& now) {
  std::vector<PoolState> states;
  std::vector<PoolId> later;
  prompt_ = false;
  for (const PoolId id : std::exchange(dirty_, {})) {
    PoolAccount* account = book_.Find(id);
    if (account == nullptr) continue;
    account->dirty = false;
    if (account->memorable(now.mono)) RememberSoon(*account);
    PoolState state = StateOf(*account, now);
    // Who asked since the last push was told more than the others, and is to hear of what changed since then.
    const std::vector<LimitState>& newest = account->told.empty() ? account->pushed.limits : account->told;
    if (!Noticeable(account->pushed, state) && !Noticeable(newest, state.limits)) {
      if (!OpenCallsDiffer(newest, state.limits)) continue;
      if (now.mono < account->pushed_at + kConcurrencyEvery) {
        account->dirty = true;
        later.push_back(id);
        continue;
      }
    }
    MarkPushed(*account, state, now);
    states.push_back(std::move(state));
  }
  dirty_ = std::move(later);
  return states;
}

void Broker::MarkPushed(PoolAccount& account, const PoolState& state, const Now& now) {
  account.pushed = state;
  account.pushed_at = now.mono;
  account.told.clear();
}

std::vector<PoolState> Broker::AllStates(const Now& now) {
  std::vector<PoolState> states;
  book_.ForEach([&](PoolAccount& account) {
    const bool closed = account.cooldown().At(now.mono) == Cooldown::Gate::kClosed;
    // One of which something was said before may be free now, and a proxy that was away has not heard of it.
    if (!account.limited(now.mono) && !closed && !account.pushed.pool) return;
    states.push_back(StateOf(account, now));
    if (!account.pushed.pool) account.pushed = states.back();
  });
  return states;
}

std::vector<PoolMemory> Broker::TakeMemories(const Now& now) {
  std::vector<PoolMemory> memories;
  for (const PoolId id : std::exchange(to_remember_, {})) {
    PoolAccount* account = book_.Find(id);
    if (account == nullptr) continue;
    account->unremembered = false;
    memories.push_back(account->Memory(now));
  }
  return memories;
}

std::vector<PoolView> Broker::View(const std::string& prefix, const Now& now) {
  std::vector<PoolView> views;
  book_.ForEach([&](PoolAccount& account) {
    if (!account.pool().key.starts_with(prefix)) return;
    views.push_back(account.View(now));
    const SharedAccounts::Suspicion suspicion = shared_accounts_.Of(account.pool().id);
    if (!suspicion.with) return;
    views.back().shares_account_with = KeyOf(suspicion.with);
    views.back().shares_confidence = suspicion.confidence;
  });
  std::sort(views.begin(), views.end(), [](const PoolView& a, const PoolView& b) { return a.key < b.key; });
  return views;
}

Broker::ClearResult Broker::ClearCooldown(const std::string& key, const Now& now) {
  PoolAccount* account = book_.FindByKey(key);
  if (account == nullptr) return ClearResult::kUnknown;
  if (account->cooldown().closure(now.mono) == Closure::kNone) return ClearResult::kWasOpen;
  account->cooldown().Open();
  Opened(*account, now);
  return ClearResult::kOpened;
}

}  // namespace chain429
