#include "dataplane/permits/pool_table.h"

#include <algorithm>

namespace chain429 {
namespace {

// Clients can name models freely, and each name is a pool: beyond this many, those about which there is nothing to
// remember go.
constexpr size_t kMaxEntries = 16384;

const Pool* FindPool(const Snapshot& snapshot, PoolId pool) {
  const auto it = snapshot.pool_by_id.find(pool.value());
  return it == snapshot.pool_by_id.end() ? nullptr : &snapshot.pools[it->second];
}

}  // namespace

void PoolTable::Extend(Entry& entry, Closure closure, MonoTime until) {
  if (until <= entry.closed_until && entry.closure != Closure::kNone) return;
  entry.closure = closure;
  entry.closed_until = until;
  last_closed_until_ = std::max(last_closed_until_, until);
}

void PoolTable::OnState(const PoolState& state, MonoTime now) {
  Entry& entry = Make(state.pool, now);
  entry.told = true;
  entry.limited = state.limited;
  entry.limits = state.limits;
  entry.limits_told = now;
  if (!state.shares_kept && !state.numbers_only) {
    entry.shares.resize(state.shares.size());
    for (size_t i = 0; i < state.shares.size(); ++i) entry.shares[i].Set(state.shares[i], now);
  }
  const bool closes = state.closure != Closure::kNone && state.closed_for > absl::ZeroDuration();
  const MonoTime doubted_until = std::min(entry.closed_until, entry.seen_closing + kStatesLag);
  if (doubted_until > now) {
    // If it opens all the same, it will after that time.
    entry.closed_until = doubted_until;
    if (closes) Extend(entry, state.closure, now + state.closed_for);
    return;
  }
  entry.closure = Closure::kNone;
  entry.closed_until = MonoTime();
  if (closes) Extend(entry, state.closure, now + state.closed_for);
}

void PoolTable::Close(PoolId pool, Closure closure, absl::Duration closed_for, MonoTime now) {
  Entry& entry = Make(pool, now);
  if (entry.closed_until <= now) entry.closure = Closure::kNone;
  Extend(entry, closure, now + closed_for);
  entry.seen_closing = now;
}

void PoolTable::LearnClosure(PoolId pool, Closure closure, absl::Duration closed_for, MonoTime now) {
  if (!pool || closure == Closure::kNone || closed_for <= absl::ZeroDuration()) return;
  Entry& entry = Make(pool, now);
  if (entry.closed_until <= now) entry.closure = Closure::kNone;
  Extend(entry, closure, now + closed_for);
}

bool PoolTable::Limited(const Snapshot& snapshot, const Target& target, PoolId pool) const {
  if (const Entry* entry = Find(pool); entry != nullptr && entry->limited) return true;
  if (const Pool* known = FindPool(snapshot, pool)) return !known->limits.empty();
  // A model that no snapshot lists: its pools are derived from the provider when the control plane is asked.
  if (const Entry* entry = Find(pool); (entry != nullptr && entry->told) || target.pools.front() != pool) return false;
  const Provider& provider = snapshot.providers[target.provider];
  return !provider.limits.empty() || !provider.catalogue_limits.empty();
}

PoolTable::Entry& PoolTable::Make(PoolId pool, MonoTime now) {
  if (entries_.size() >= kMaxEntries) {
    absl::erase_if(entries_,
                   [now](const auto& item) { return !item.second.limited && item.second.closed_until <= now; });
  }
  return entries_[pool];
}

WhenDisconnected DisconnectedPolicy(const Snapshot& snapshot, const Target& target, PoolId pool) {
  const Pool* known = FindPool(snapshot, pool);
  return known != nullptr ? known->when_disconnected : snapshot.providers[target.provider].when_disconnected;
}

}  // namespace chain429
