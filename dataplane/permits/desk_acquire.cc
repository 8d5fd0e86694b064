// Asking for permits, their answers, and the spares that come with them.
#include <algorithm>
#include <utility>

#include "dataplane/permits/desk_state.h"

namespace chain429 {
namespace {

// After a refusal of spares alone: asking again sooner would be one message per request.
constexpr absl::Duration kRefillPause = absl::Milliseconds(50);
// Whatever a confused leader says.
constexpr uint32_t kMostSpares = 1u << 24;
// Targets that nobody uses are forgotten after this long.
constexpr absl::Duration kIdle = absl::Minutes(2);

// The leader counts the time to live from its own sending. Using a permit in its last moments risks that it was taken
// back already.
absl::Duration UsableFor(absl::Duration ttl) {
  return ttl - std::clamp(ttl / 8, absl::Milliseconds(20), absl::Seconds(1));
}

}  // namespace

AcquireId PermitDesk::State::Post(Acquire acquire, TargetRecord& target, AcquireWaiter* waiter, MonoTime now) {
  const AcquireId id((uint64_t{worker} << 56) | ++last_acquire);
  acquire.id = id;
  target.spares_asked += acquire.spares_wanted;
  pending.Add(id,
              {.waiter = waiter,
               .first = target.id,
               .spares = acquire.spares_wanted,
               .tokens = acquire.prompt_tokens + acquire.max_output,
               .asked_at = now},
              now);
  acquires.push_back(std::move(acquire));
  return id;
}

uint32_t PermitDesk::State::SparesMissing(const TargetRecord& target, MonoTime now) const {
  const uint32_t worth = target.demand.SparesWorth(now);
  const uint32_t coming = target.spares.left() + target.spares_asked;
  return worth > coming ? worth - coming : 0;
}

void PermitDesk::State::RefillIfLow(TargetRecord& target, MonoTime now) {
  // Without a batch before, the pool gives single permits only, and asking ahead would strand them.
  if (!attached || target.refill || !target.asked_before || target.spares.batch() == 0) return;
  if (target.spares.left() >= (target.spares.batch() + 1) / 2 || now < target.refill_not_before) return;
  const uint32_t missing = SparesMissing(target, now);
  if (missing == 0) return;
  Acquire acquire;
  acquire.candidates.push_back({.target = target.id, .pools = target.pools, .dynamic = {}});
  acquire.prompt_tokens = target.prompt_tokens;
  acquire.prompt_bytes = target.prompt_bytes;
  acquire.max_output = target.max_output;
  acquire.spares_wanted = missing - 1;  // the permit itself is one
  target.refill = Post(std::move(acquire), target, nullptr, now);
}

void PermitDesk::State::Unask(const PendingAcquires::Ask& ask, AcquireId id) {
  TargetRecord* target = book.FindTarget(ask.first);
  if (target == nullptr) return;
  target->spares_asked -= std::min(target->spares_asked, ask.spares);
  if (target->refill == id) target->refill = AcquireId();
}

void PermitDesk::State::OnAnswer(const AcquireAnswer& answer, MonoTime now) {
  for (const DenialReason& denial : answer.denials) {
    if (denial.cooldown) pools.LearnClosure(denial.pool, denial.closure, denial.retry_after, now);
  }
  if (answer.held) {
    pending.Hold(answer.acquire, now);
    return;
  }
  const std::optional<PendingAcquires::Ask> ask = pending.Answered(answer.acquire, now);
  if (ask) Unask(*ask, answer.acquire);
  const bool wanted = ask && ask->waiter != nullptr;
  if (answer.granted && answer.permit.id) {
    const uint32_t keep = ask ? std::min(answer.permit.spares, kMostSpares) + (wanted ? 0 : 1) : UINT32_MAX;
    KeepPermit(answer, wanted ? 1 : 0, keep, ask ? ask->tokens : answer.permit.tokens, now);
    const uint32_t kept = book.FindPermit(answer.permit.id);
    if (kept != PermitBook::kNone) book.permit(kept).good_until = (ask ? ask->asked_at : now) + answer.permit.ttl;
  } else if (ask && !wanted) {
    if (TargetRecord* target = book.FindTarget(ask->first)) target->refill_not_before = now + kRefillPause;
  }
  if (wanted) ask->waiter->OnAcquireAnswer(answer.alone ? nullptr : &answer);
}

// `given_out` attempts go to a waiter, at most `keep` of the rest stay as spares (UINT32_MAX: as many as the demand is
// worth), what is left goes back. `guess`: the size of the request that the permit was asked for. The leader charges by
// a ratio that it learns, so that a spare fits what guesses no more than that, whatever its charge.
void PermitDesk::State::KeepPermit(const AcquireAnswer& answer, uint32_t given_out, uint32_t keep, int64_t guess,
                                   MonoTime now) {
  const Permit& granted = answer.permit;
  const uint32_t target_index = book.TargetIndex(granted.target);
  const uint32_t index = book.PermitIndex(granted.id, target_index);
  TargetRecord& target = book.target(target_index);
  DeskPermit& permit = book.permit(index);
  const uint32_t rest = std::min(granted.spares, kMostSpares) + 1 - given_out;
  if (keep == UINT32_MAX) keep = SparesMissing(target, now);
  const absl::Duration usable = UsableFor(granted.ttl);
  if (usable <= absl::ZeroDuration()) keep = 0;
  keep = std::min(keep, rest);
  permit.open += given_out;
  if (keep > 0) {
    const MonoTime expires = now + usable;
    permit.unused += keep;
    target.spares.Add({.permit = index,
                       .left = keep,
                       .next_use = given_out,
                       .tokens = granted.tokens == 0 ? 0 : guess,
                       .expires = expires});
    next_expiry = std::min(next_expiry, expires);
  }
  if (rest > keep) {
    permit.released += rest - keep;
    MarkDirty(index, now);
  }
}

void PermitDesk::State::Detach(MonoTime now) {
  HearOfGranting(false, now);
  attached = false;
  pending.Restart();
  acquires.clear();
  cancels.clear();
  for (const AcquireId id : pending.Ids()) {
    const std::optional<PendingAcquires::Ask> ask = pending.Forget(id);
    if (!ask) continue;  // cancelled by a waiter before it
    Unask(*ask, id);
    if (ask->waiter != nullptr) ask->waiter->OnAcquireAnswer(nullptr);
  }
}

void PermitDesk::State::ForgetPermits() {
  for (TargetRecord& target : book.targets()) target.spares.Clear();
  for (uint32_t i = 0; i < book.permits().size(); ++i) {
    book.permit(i).unused = 0;
    book.permit(i).released = 0;
    book.FreeIfDone(i);
  }
  next_expiry = MonoTime::Max();
}

void PermitDesk::State::ExpireSpares(MonoTime now) {
  next_expiry = MonoTime::Max();
  for (TargetRecord& target : book.targets()) {
    target.spares.Expire(now, [&](const Spares::Lot& lot) {
      DeskPermit& permit = book.permit(lot.permit);
      permit.unused -= lot.left;
      permit.released += lot.left;
      MarkDirty(lot.permit, now);
    });
    next_expiry = std::min(next_expiry, target.spares.FirstExpiry());
  }
}

void PermitDesk::OnTimer(MonoTime now) {
  State& s = *state_;
  while (const auto overdue = s.pending.TakeOverdue(now)) {
    const auto& [id, ask] = *overdue;
    s.Unask(ask, id);
    s.cancels.push_back(id);
    if (ask.waiter != nullptr) ask.waiter->OnAcquireAnswer(nullptr);
  }
  if (now >= s.next_expiry) s.ExpireSpares(now);
  if (now >= s.next_sweep) {
    s.next_sweep = now + kIdle;
    s.book.ForgetIdleTargets(now - kIdle);
  }
}

}  // namespace chain429
