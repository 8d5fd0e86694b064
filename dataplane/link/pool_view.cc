#include "dataplane/link/pool_view.h"

#include <algorithm>
#include <utility>

#include "common/model/limit_state.h"

namespace chain429 {
namespace {

constexpr size_t kMaxEntries = 65536;

}  // namespace

LinkPoolView::Entry& LinkPoolView::Make(PoolId pool, MonoTime now) {
  if (entries_.size() >= kMaxEntries) {
    absl::erase_if(entries_,
                   [now](const auto& item) { return !item.second.state.limited && item.second.closed_until <= now; });
  }
  ++changes_;
  Entry& entry = entries_[pool];
  entry.state.pool = pool;
  return entry;
}

// A share that is not told again is the one that was told.
void LinkPoolView::Take(const PoolState& state, MonoTime now, Entry& entry) {
  std::vector<SafeShare> shares = std::move(entry.state.shares);
  entry.state = state;
  if (state.shares_kept || state.numbers_only) entry.state.shares = std::move(shares);
  entry.told_at = now;
}

PoolState LinkPoolView::StateOf(const Entry& entry, MonoTime now) {
  PoolState state = entry.state;
  if (now > entry.told_at) {
    for (LimitState& limit : state.limits) limit = After(std::move(limit), now - entry.told_at);
  }
  if (entry.closed_until <= now) {
    state.closure = Closure::kNone;
    state.closed_for = absl::ZeroDuration();
  } else {
    state.closed_for = entry.closed_until == MonoTime::Max() ? absl::InfiniteDuration() : entry.closed_until - now;
  }
  return state;
}

PoolState LinkPoolView::OnState(const PoolState& state, MonoTime now) {
  Entry& entry = Make(state.pool, now);
  const MonoTime told_until = state.closure == Closure::kNone ? MonoTime() : now + state.closed_for;
  const Closure known = entry.state.closure;
  // What was sent before the control plane knew of a closure: if it opens all the same, it will after that time.
  const MonoTime doubted_until = std::min(entry.closed_until, std::max(entry.seen_closing, attached_at_) + kStatesLag);
  Take(state, now, entry);
  if (doubted_until > std::max(now, told_until)) {
    entry.state.closure = known;
    entry.closed_until = doubted_until;
  } else {
    entry.closed_until = told_until;
    if (told_until <= now) entry.authoritative = false;
  }
  return StateOf(entry, now);
}

PoolState LinkPoolView::OnNumbers(const PoolState& state, MonoTime now) {
  Entry& entry = Make(state.pool, now);
  if (state.serial < entry.state.serial) {
    entry.state.shares = state.shares;
    entry.state.shares_kept = state.shares_kept;
    entry.state.numbers_only = false;
    return StateOf(entry, now);
  }
  const Closure known = entry.state.closure;
  Take(state, now, entry);
  entry.state.closure = known;
  return StateOf(entry, now);
}

bool LinkPoolView::OnClosure(const ObservedClosure& closure, MonoTime now) {
  if (!closure.pool || closure.closure == Closure::kNone || closure.closed_for <= absl::ZeroDuration()) return false;
  Entry& entry = Make(closure.pool, now);
  entry.seen_closing = now;
  const MonoTime until = now + closure.closed_for;
  if (until <= entry.closed_until) return false;
  entry.state.closure = closure.closure;
  entry.closed_until = until;
  entry.authoritative = closure.authoritative;
  return true;
}

std::vector<wire::KnownClosure> LinkPoolView::Closures(MonoTime now) const {
  std::vector<wire::KnownClosure> closures;
  for (const auto& [id, entry] : entries_) {
    if (entry.closed_until <= now || entry.state.closure == Closure::kNone) continue;
    const PoolState state = StateOf(entry, now);
    closures.push_back({id, state.closure, state.closed_for, entry.authoritative});
  }
  return closures;
}

std::vector<PoolState> LinkPoolView::List(MonoTime now) const {
  std::vector<PoolState> list;
  list.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) list.push_back(StateOf(entry, now));
  return list;
}

int64_t ShareOfWorker(int64_t share, PoolId pool, uint32_t worker, uint32_t workers) {
  const int64_t count = workers;
  const int64_t turn = static_cast<int64_t>((worker + pool.value() % workers) % workers);
  return share / count + (turn < share % count ? 1 : 0);
}

}  // namespace chain429
