#include "dataplane/permits/desk.h"

#include <algorithm>
#include <utility>

#include "common/model/limit_state.h"
#include "dataplane/permits/desk_state.h"

namespace chain429 {
namespace {

// While the control plane is away and a pool's share is used up, its return is what is waited for; it takes about this
// long.
constexpr absl::Duration kReturnGuess = absl::Seconds(5);

GateView ViewOf(Gate gate) { return {.gate = gate, .closure = Closure::kNone, .until = MonoTime()}; }

// Zero: not closed.
MonoTime ClosedUntil(const PoolTable::Entry* entry, MonoTime now) {
  return entry != nullptr && entry->closure != Closure::kNone && entry->closed_until > now ? entry->closed_until
                                                                                           : MonoTime();
}

}  // namespace

PermitDesk::PermitDesk(uint8_t worker) : state_(std::make_unique<State>(worker)) {}
PermitDesk::~PermitDesk() = default;

void PermitDesk::OnMail(const LinkMail& mail, MonoTime now) {
  State& s = *state_;
  s.pending.Heard();
  if (mail.forget_permits) s.ForgetPermits();
  if (mail.status == LinkMail::Status::kAttached) {
    s.HearOfGranting(false, now);
    s.attached = true;
    s.pending.Restart();
  }
  for (const PoolState& pool : mail.pools) {
    s.HearOfGranting(!pool.shares_kept, now);
    s.pools.OnState(pool, now);
  }
  for (const ObservedClosure& seen : mail.closures) s.pools.LearnClosure(seen.pool, seen.closure, seen.closed_for, now);
  for (const AcquireAnswer& answer : mail.answers) {
    s.HearOfGranting(!answer.alone, now);
    s.OnAnswer(answer, now);
  }
  if (mail.status == LinkMail::Status::kDetached) s.Detach(now);
}

GateView PermitDesk::Consult(const Snapshot& snapshot, const Target& target, int64_t tokens, bool alone,
                             MonoTime now) const {
  const State& s = *state_;
  if (const std::optional<GateView> closed = s.FindClosure(snapshot, target, now)) return *closed;
  bool limited = false;
  for (const PoolId pool : target.pools) limited = limited || s.pools.Limited(snapshot, target, pool);
  // A pool of which the control plane has said nothing yet may be called for the first time: it decides who tries.
  if (!limited && s.pools.Told(target.pools.front())) return {};
  const TargetRecord* record = s.book.FindTarget(target.id);
  if (record != nullptr && record->spares.Fits(tokens, now)) return ViewOf(Gate::kSpare);
  if (s.attached && !alone && !s.pending.Mute(now)) return ViewOf(Gate::kAsk);
  return s.Disconnected(snapshot, target, now);
}

std::optional<GateView> PermitDesk::State::FindClosure(const Snapshot& snapshot, const Target& target,
                                                       MonoTime now) const {
  GateView view = ViewOf(Gate::kClosed);
  const bool any_closed = pools.any_closed(now);
  if (any_closed) {
    for (const PoolId pool : target.pools) {
      const PoolTable::Entry* entry = pools.Find(pool);
      const MonoTime until = ClosedUntil(entry, now);
      if (until <= view.until) continue;
      view.until = until;
      view.closure = entry->closure;
    }
    if (view.until > now) return view;
  }
  if (target.credentials.empty()) return std::nullopt;
  view.closure = Closure::kAuth;
  view.until = MonoTime::Max();
  bool any_usable = false;
  const Provider& provider = snapshot.providers[target.provider];
  for (const uint32_t index : target.credentials) {
    const Credential& credential = provider.credentials[index];
    if (!credential.usable) continue;
    any_usable = true;
    if (!any_closed) return std::nullopt;
    const PoolTable::Entry* entry = pools.Find(credential.pool);
    const MonoTime until = ClosedUntil(entry, now);
    if (until == MonoTime()) return std::nullopt;
    if (until < view.until) {
      view.until = until;
      view.closure = entry->closure;
    }
  }
  // No key at all: no time will bring one.
  if (!any_usable) view.gate = Gate::kUnfit;
  return view;
}

MonoTime PermitDesk::State::GrantedUntil(MonoTime now) const {
  return granting ? pending.silent_since().value_or(now) : last_granting;
}

void PermitDesk::State::HearOfGranting(bool grants, MonoTime now) {
  if (granting) last_granting = now;
  granting = attached && grants;
}

GateView PermitDesk::State::Disconnected(const Snapshot& snapshot, const Target& target, MonoTime now) const {
  GateView view = ViewOf(Gate::kFree);
  const MonoTime granted_until = GrantedUntil(now);
  for (const PoolId pool : target.pools) {
    if (!pools.Limited(snapshot, target, pool)) continue;
    switch (DisconnectedPolicy(snapshot, target, pool)) {
      case WhenDisconnected::kOpen:
        break;
      case WhenDisconnected::kDeny:
        return {.gate = Gate::kExhausted, .closure = Closure::kNone, .until = now + kReturnGuess};
      case WhenDisconnected::kShare: {
        const PoolTable::Entry* entry = pools.Find(pool);
        MonoTime free_at = entry == nullptr || entry->shares.empty() ? MonoTime::Max() : now;
        if (entry != nullptr) {
          for (const ShareWindow& share : entry->shares) {
            free_at = std::max(free_at, share.FreeAt(now, granted_until));
          }
        }
        if (view.gate == Gate::kFree) view.gate = Gate::kShare;
        if (free_at > now) {
          view.gate = Gate::kExhausted;
          view.until = std::max(view.until, std::min(free_at, now + kReturnGuess));
        }
        break;
      }
    }
  }
  return view;
}

PoolState PermitDesk::Know(PoolId pool, MonoTime now) const {
  PoolState state;
  state.pool = pool;
  const PoolTable::Entry* entry = state_->pools.Find(pool);
  if (entry == nullptr) return state;
  state.limited = entry->limited;
  for (const LimitState& limit : entry->limits) state.limits.push_back(After(limit, now - entry->limits_told));
  if (ClosedUntil(entry, now) == MonoTime()) return state;
  state.closure = entry->closure;
  state.closed_for = entry->closed_until - now;
  return state;
}

PoolStanding PermitDesk::StandingOf(PoolId pool, MonoTime now) const {
  PoolStanding standing;
  const PoolTable::Entry* entry = state_->pools.Find(pool);
  if (entry == nullptr) return standing;
  standing.limits = entry->limits;
  standing.age = now - entry->limits_told;
  if (const MonoTime until = ClosedUntil(entry, now); until != MonoTime()) standing.closed_for = until - now;
  return standing;
}

TargetStanding PermitDesk::StandingOf(const Provider& provider, const Target& target, MonoTime now) const {
  const PoolTable& pools = state_->pools;
  const bool any_closed = pools.any_closed(now);
  const auto is_refused = [&](PoolId pool) {
    const PoolTable::Entry* entry = pools.Find(pool);
    return ClosedUntil(entry, now) != MonoTime() &&
           (entry->closure == Closure::kAuth || entry->closure == Closure::kModelUnavailable);
  };
  const auto is_at_hand = [&](uint32_t index) {
    const Credential& credential = provider.credentials[index];
    return credential.usable && !(any_closed && ClosedUntil(pools.Find(credential.pool), now) != MonoTime());
  };
  TargetStanding standing;
  standing.usable =
      target.credentials.empty() || std::any_of(target.credentials.begin(), target.credentials.end(), is_at_hand);
  if (any_closed && std::any_of(target.pools.begin(), target.pools.end(), is_refused)) standing.usable = false;
  if (const TargetRecord* record = state_->book.FindTarget(target.id)) standing.permits = record->spares.left();
  return standing;
}

int PermitDesk::PickCredential(const Snapshot& snapshot, const Target& target, MonoTime now) {
  if (target.credentials.empty()) return -1;
  const Provider& provider = snapshot.providers[target.provider];
  const size_t count = target.credentials.size();
  if (count == 1) return static_cast<int>(target.credentials.front());
  TargetRecord& record = state_->book.target(state_->book.TargetIndex(target.id));
  record.last_used = now;
  const size_t turn = record.credential_turn++;
  int fallback = static_cast<int>(target.credentials[turn % count]);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t index = target.credentials[(turn + i) % count];
    const Credential& credential = provider.credentials[index];
    if (!credential.usable) continue;
    if (ClosedUntil(state_->pools.Find(credential.pool), now) == MonoTime()) return static_cast<int>(index);
    fallback = static_cast<int>(index);
  }
  return fallback;
}

Grant PermitDesk::Take(const Target& target, Gate gate, int64_t tokens, MonoTime now) {
  State& s = *state_;
  Grant grant;
  grant.target = target.id;
  if (gate == Gate::kShare) {
    for (const PoolId pool : target.pools) {
      PoolTable::Entry* entry = s.pools.Find(pool);
      if (entry == nullptr) continue;
      for (ShareWindow& share : entry->shares) share.Use(now);
    }
    return grant;
  }
  if (gate != Gate::kSpare) return grant;
  TargetRecord* record = s.book.FindTarget(target.id);
  if (record == nullptr || !record->spares.Fits(tokens, now)) return grant;
  const Spares::Taken taken = record->spares.Take(tokens, now);
  DeskPermit& permit = s.book.permit(taken.permit);
  --permit.unused;
  ++permit.open;
  record->demand.Add(now);
  record->last_used = now;
  s.RefillIfLow(*record, now);
  grant.permit = permit.id;
  grant.use = taken.use;
  grant.good_until = permit.good_until;
  return grant;
}

AcquireId PermitDesk::Ask(Acquire acquire, AcquireWaiter* waiter, MonoTime now) {
  State& s = *state_;
  const Candidate& first = acquire.candidates.front();
  TargetRecord& target = s.book.target(s.book.TargetIndex(first.target));
  target.pools = first.pools;
  target.demand.Add(now);
  target.last_used = now;
  target.prompt_tokens = acquire.prompt_tokens;
  target.prompt_bytes = acquire.prompt_bytes;
  target.max_output = acquire.max_output;
  // Models that no snapshot lists are asked for one by one: an acquire for spares could not name them.
  target.asked_before = first.dynamic.provider.empty();
  acquire.spares_wanted = s.SparesMissing(target, now);
  return s.Post(std::move(acquire), target, waiter, now);
}

void PermitDesk::Cancel(AcquireId id) {
  State& s = *state_;
  const std::optional<PendingAcquires::Ask> ask = s.pending.Forget(id);
  if (!ask) return;
  s.Unask(*ask, id);
  const auto unsent =
      std::find_if(s.acquires.begin(), s.acquires.end(), [id](const Acquire& acquire) { return acquire.id == id; });
  if (unsent != s.acquires.end()) {
    s.acquires.erase(unsent);
  } else {
    s.cancels.push_back(id);
  }
}

Grant PermitDesk::Accept(const AcquireAnswer& answer, MonoTime now) {
  Grant grant;
  grant.permit = answer.permit.id;
  grant.target = answer.permit.target;
  grant.watched = answer.permit.watched;
  const uint32_t index = grant.permit ? state_->book.FindPermit(grant.permit) : PermitBook::kNone;
  if (index != PermitBook::kNone) grant.good_until = state_->book.permit(index).good_until;
  if (TargetRecord* target = state_->book.FindTarget(answer.permit.target)) target->last_used = now;
  return grant;
}

bool PermitDesk::MaySend(const Grant& grant, const Target& target, MonoTime now) const {
  if (now > grant.good_until) return false;
  // Who is watched goes to see whether a pool is open again.
  if (grant.watched || !state_->pools.any_closed(now)) return true;
  return std::none_of(target.pools.begin(), target.pools.end(),
                      [&](PoolId pool) { return ClosedUntil(state_->pools.Find(pool), now) != MonoTime(); });
}

void PermitDesk::Sent(Grant& grant, MonoTime now) {
  if (grant.sent) return;
  grant.sent = true;
  if (!grant.permit) return;
  const uint32_t index = state_->book.FindPermit(grant.permit);
  if (index != PermitBook::kNone) state_->MarkSent(index, now, now);
}

void PermitDesk::Begun(const Grant& grant, const Target& target, std::vector<Reading> readings, MonoTime sent_at,
                       MonoTime now) {
  if (!grant.watched || !grant.permit) return;
  State& s = *state_;
  Settlement report;
  report.begun = true;
  report.readings = std::move(readings);
  MakeSane(report);
  // That it was sent stands before it.
  if (const uint32_t index = s.book.FindPermit(grant.permit); index != PermitBook::kNone) s.MarkUrgent(index, now);
  s.SettleAlone(grant, target, std::move(report), sent_at);
}

void PermitDesk::Settle(const Grant& grant, const Target& target, Settlement settlement, MonoTime sent_at,
                        MonoTime now) {
  State& s = *state_;
  MakeSane(settlement);
  settlement.count = 1;
  const bool plain = IsPlain(settlement);
  if (!grant.permit) {
    s.SettleFree(target, std::move(settlement), plain, sent_at, now);
    return;
  }
  const uint32_t index = s.book.FindPermit(grant.permit);
  if (index == PermitBook::kNone) {
    // Granted by a leader that is gone, and its record too: the new one may know the permit from the hello.
    s.SettleAlone(grant, target, std::move(settlement), sent_at);
    return;
  }
  if (!grant.sent && settlement.charged) s.MarkSent(index, sent_at, now);
  DeskPermit& permit = s.book.permit(index);
  if (permit.open > 0) --permit.open;
  TargetRecord& record = s.book.target(permit.target);
  if (record.pools != target.pools) record.pools = target.pools;
  if (!plain) {
    s.SettleAlone(grant, target, std::move(settlement), sent_at);
    s.MarkUrgent(index, now);
    return;
  }
  const bool scarce = !settlement.readings.empty() && IsScarce(settlement);
  permit.tally.Add(std::move(settlement), grant.use, sent_at);
  if (scarce) {
    s.MarkUrgent(index, now);
  } else {
    s.MarkDirty(index, now);
  }
}

void PermitDesk::Release(const Grant& grant, MonoTime now) {
  if (!grant.permit) return;
  State& s = *state_;
  const uint32_t index = s.book.FindPermit(grant.permit);
  if (index == PermitBook::kNone) return;
  DeskPermit& permit = s.book.permit(index);
  if (permit.open > 0) --permit.open;
  ++permit.released;
  // Of a tight limit somebody may be waiting for just this one.
  s.MarkUrgent(index, now);
}

void PermitDesk::Decline(const AcquireAnswer& answer, MonoTime now) {
  if (answer.granted) Release(Accept(answer, now), now);
}

void PermitDesk::Close(PoolId pool, Closure closure, absl::Duration closed_for, bool authoritative, MonoTime now) {
  if (!pool || closure == Closure::kNone || closed_for <= absl::ZeroDuration()) return;
  state_->pools.Close(pool, closure, closed_for, now);
  state_->closures.push_back({pool, closure, closed_for, authoritative});
}

bool PermitDesk::mail_urgent() const {
  const State& s = *state_;
  return !s.acquires.empty() || !s.cancels.empty() || !s.closures.empty() || !s.alone.empty() || !s.urgent.empty() ||
         s.urgent_free;
}

MonoTime PermitDesk::NextDeadline() const {
  State& s = *state_;
  return std::min({s.pending.NextDeadline(), s.next_expiry, s.flush_at});
}

bool PermitDesk::attached() const { return state_->attached; }

}  // namespace chain429
