// What leaves the broker unasked: pool states for proxies, memories for the store, views for people.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

// A change of a number by less than this share is not worth a message, unless something is used up or free again.
constexpr int64_t kNoticeableShare = 20;

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

bool Noticeable(const PoolState& before, const PoolState& after) {
  return before.limited != after.limited || before.closure != after.closure ||
         before.shares_kept != after.shares_kept || Noticeable(before.shares, after.shares) ||
         Noticeable(before.remaining_requests, after.remaining_requests) ||
         Noticeable(before.remaining_tokens, after.remaining_tokens);
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
  return state;
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
    account->pushed = StateOf(*account, now);
    states.push_back(account->pushed);
  }
  return states;
}

std::vector<PoolState> Broker::TakeRoutine(const Now& now) {
  std::vector<PoolState> states;
  prompt_ = false;
  for (const PoolId id : std::exchange(dirty_, {})) {
    PoolAccount* account = book_.Find(id);
    if (account == nullptr) continue;
    account->dirty = false;
    if (account->memorable(now.mono)) RememberSoon(*account);
    PoolState state = StateOf(*account, now);
    if (!Noticeable(account->pushed, state)) continue;
    account->pushed = state;
    states.push_back(std::move(state));
  }
  return states;
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
