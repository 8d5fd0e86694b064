// Acquiring. The other parts of the broker: settle.cc, attach.cc, push.cc.
#include "controlplane/quota/broker.h"

#include <algorithm>
#include <utility>

namespace chain429 {
namespace {

constexpr absl::Duration kSingleTtl = absl::Seconds(5);
constexpr absl::Duration kSparesTtl = absl::Seconds(2);
// The proxy counts its time from when the answer came, and its report of a last-moment sending is under way for a
// while.
constexpr absl::Duration kReportGrace = absl::Seconds(1);
// Spares of pools that fit no more than this often into a window would strand much of it.
constexpr int64_t kTiny = 1000;
// A single answer gives no more of the remainder than one part in this many for each proxy.
constexpr int64_t kSpareParts = 8;
constexpr int64_t kMostSpares = 4096;
// How soon one that a pool on probation does not take may ask again.
constexpr absl::Duration kProbationWait = absl::Milliseconds(250);
// At first contact: then what was held goes all the same. A provider that takes longer to answer is not made slower.
constexpr absl::Duration kHeldAtMost = absl::Seconds(1);
constexpr size_t kMostHeld = 65536;

}  // namespace

void Broker::SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now) {
  shared_accounts_.SetCandidates(PerhapsOneAccount(*snapshot));
  for (const PoolId id : book_.SetSnapshot(std::move(snapshot), now)) {
    if (PoolAccount* account = book_.Find(id)) Opened(*account, now);
  }
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
}

std::vector<PoolAccount*> Broker::AccountsOf(const Candidate& candidate, const Now& now) {
  book_.Derive(candidate, now);
  return AccountsOf(candidate.pools);
}

std::vector<PoolAccount*> Broker::AccountsOf(const std::vector<PoolId>& pools) {
  std::vector<PoolAccount*> accounts;
  for (const PoolId id : pools) {
    if (PoolAccount* account = book_.Find(id)) accounts.push_back(account);
  }
  return accounts;
}

Broker::Fit Broker::FitOf(HolderId holder, const Candidate& candidate, const std::vector<PoolAccount*>& accounts,
                          const Charge& charge, bool priced, const Now& now) {
  Fit fit;
  fit.reason.target = candidate.target;
  for (PoolAccount* account : accounts) {
    const Limit* small = account->ledger().TooSmallFor(charge);
    const bool unpriced =
        !priced && account->ledger().HasLimit([](const Limit& l) { return l.unit == Unit::kCredits; });
    if (small != nullptr || unpriced) {
      // Whatever else stands before it: to wait for that would be in vain.
      fit.wait = absl::InfiniteDuration();
      fit.reason = {.target = candidate.target,
                    .pool = account->pool().id,
                    .retry_after = absl::InfiniteDuration(),
                    .never = true,
                    .unit = small != nullptr ? small->unit : Unit::kCredits,
                    .limit = small != nullptr ? small->at_once() : 0};
      return fit;
    }
    const Cooldown& cooldown = account->cooldown();
    const Cooldown::Gate gate = cooldown.At(now.mono);
    fit.limited |= account->limited(now.mono);
    fit.canary |= gate == Cooldown::Gate::kCanary;
    const absl::Duration closed_for = gate == Cooldown::Gate::kClosed ? cooldown.Wait(now.mono) : absl::ZeroDuration();
    absl::Duration wait = account->ledger().Wait(charge, now);
    // A closed pool may have been used up, too: it is waited for until both have passed.
    const bool closed = closed_for > absl::ZeroDuration() && closed_for >= wait;
    wait = std::max(wait, closed_for);
    if (wait <= fit.wait) continue;
    fit.wait = wait;
    fit.reason.pool = account->pool().id;
    fit.reason.cooldown = closed;
    fit.reason.closure = closed ? cooldown.closure(now.mono) : Closure::kNone;
    fit.reason.retry_after = wait;
  }
  if (fit.wait == absl::ZeroDuration() && !fit.canary) ProbationOf(holder, accounts, fit);
  return fit;
}

void Broker::ProbationOf(HolderId holder, const std::vector<PoolAccount*>& accounts, Fit& fit) {
  const bool known = std::any_of(accounts.begin(), accounts.end(),
                                 [](const PoolAccount* account) { return account->ledger().limited(); });
  for (PoolAccount* account : accounts) {
    const Probation& probation = account->probation();
    // Where some limit of the target is known there is nothing to be found out the hard way.
    if (!probation.active() || (known && probation.reason() == Probation::Reason::kFirstContact)) continue;
    fit.probe = true;
    if (fit.probation != Probation::Reason::kNone || probation.Allows(holder.value(), proxies())) continue;
    fit.probation = probation.reason();
    fit.reason.pool = account->pool().id;
    fit.reason.retry_after = kProbationWait;
  }
}

uint32_t Broker::SparesFor(const Acquire& acquire, const std::vector<PoolAccount*>& accounts, const Charge& charge,
                           const Now& now) {
  if (acquire.spares_wanted == 0) return 0;
  int64_t room = INT64_MAX;
  for (PoolAccount* account : accounts) {
    const bool concurrency =
        account->ledger().HasLimit([](const Limit& limit) { return limit.unit == Unit::kConcurrency; });
    if (concurrency || account->ledger().Capacity(charge) <= kTiny) return 0;
    room = account->ledger().Room(charge, room, now);
  }
  const int64_t generous = room / (kSpareParts * std::max<int64_t>(1, proxies()));
  return static_cast<uint32_t>(std::min({generous, static_cast<int64_t>(acquire.spares_wanted), kMostSpares}));
}

Permit Broker::Grant(HolderId holder, const Acquire& acquire, const Candidate& candidate,
                     const std::vector<PoolAccount*>& accounts, const Charge& charge, const Fit& fit, const Now& now) {
  Permit permit;
  permit.acquire = acquire.id;
  permit.target = candidate.target;
  if (!fit.limited && !fit.probe) {
    ++counters_.granted_free;
    return permit;
  }
  permit.watched = fit.canary || fit.probe;
  permit.spares = permit.watched ? 0 : SparesFor(acquire, accounts, charge, now);
  permit.ttl = permit.spares > 0 ? kSparesTtl : kSingleTtl;
  const bool counts_tokens = std::any_of(accounts.begin(), accounts.end(), [](const PoolAccount* account) {
    return account->ledger().HasLimit(
        [](const Limit& limit) { return limit.unit != Unit::kRequests && limit.unit != Unit::kConcurrency; });
  });
  permit.tokens = counts_tokens ? charge.tokens() : 0;
  const uint32_t attempts = 1 + permit.spares;
  PermitRecord record;
  record.holder = holder;
  record.target = candidate.target;
  record.charge = charge;
  record.unused = attempts;
  record.single = attempts == 1;
  record.canary = fit.canary;
  record.probe = fit.probe;
  for (PoolAccount* account : accounts) {
    record.pools.push_back(account->pool().id);
    account->ledger().Reserve(charge * attempts);
    if (account->cooldown().At(now.mono) == Cooldown::Gate::kCanary) account->cooldown().StartCanary(now.mono);
    if (fit.probe) account->probation().Start(holder.value());
    account->last_used = now.mono;
    Touch(*account, now);
  }
  permit.id = permits_.Add(std::move(record), now.mono + permit.ttl + kReportGrace);
  counters_.granted += attempts;
  return permit;
}

AcquireAnswer Broker::OnAcquire(HolderId holder, const Acquire& acquire, const Now& now) {
  AcquireAnswer answer = Decide(holder, acquire, /*overdue=*/held_.size() >= kMostHeld, now);
  if (answer.held) held_.push_back({holder, acquire, now.mono + kHeldAtMost});
  return answer;
}

AcquireAnswer Broker::Decide(HolderId holder, const Acquire& acquire, bool overdue, const Now& now) {
  AcquireAnswer answer;
  answer.acquire = acquire.id;
  answer.permit.acquire = acquire.id;
  Hear(holder, now);
  answer.alone = learning(now.mono);
  if (answer.alone) return answer;
  if (next_share_end_ != MonoTime::Max()) ReleaseShareOfReturned(holder);
  const Demand demand{acquire.prompt_bytes, acquire.prompt_tokens, acquire.max_output};
  for (const Candidate& candidate : acquire.candidates) {
    const std::vector<PoolAccount*> accounts = AccountsOf(candidate, now);
    const Terms terms = TermsOf(accounts);
    const Charge charge = EstimateFor(book_.EstimatorOf(candidate.target), demand, terms, accounts);
    const Fit fit = FitOf(holder, candidate, accounts, charge, terms.rates.has_value(), now);
    answer.held = fit.probation == Probation::Reason::kFirstContact && !overdue;
    if (answer.held) return answer;
    if (fit.wait > absl::ZeroDuration() || fit.probation == Probation::Reason::kReopened) {
      answer.denials.push_back(fit.reason);
      continue;
    }
    answer.granted = true;
    answer.permit = Grant(holder, acquire, candidate, accounts, charge, fit, now);
    return answer;
  }
  ++counters_.denied;
  return answer;
}

void Broker::OnCancel(HolderId holder, AcquireId acquire) {
  std::erase_if(held_, [&](const Held& held) { return held.holder == holder && held.acquire.id == acquire; });
}

void Broker::DecideHeld(const Now& now) {
  if (held_.empty() || (!held_may_go_ && now.mono < held_.front().until)) return;
  held_may_go_ = false;
  std::deque<Held> left;
  for (Held& held : held_) {
    AcquireAnswer answer = Decide(held.holder, held.acquire, /*overdue=*/now.mono >= held.until, now);
    if (answer.held) {
      left.push_back(std::move(held));
    } else {
      late_answers_.emplace_back(held.holder, std::move(answer));
    }
  }
  held_ = std::move(left);
}

}  // namespace chain429
