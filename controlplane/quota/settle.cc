// Sending, settling, releasing, expiring.
#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "common/waterfall/closing.h"
#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

// How long an attempt that went back unused is remembered, for a report that it was sent after all.
constexpr absl::Duration kReturnedMemory = absl::Minutes(1);
// A proxy that says nothing of an attempt for this long has lost it.
constexpr absl::Duration kOpenAtMost = absl::Hours(1);
// Overslept by this much, the leader has stood still. What proxies have to say of that time is unread, or comes only
// with the hellos of new links: so long after it nothing is taken back.
constexpr absl::Duration kStoodStill = absl::Milliseconds(50);
constexpr absl::Duration kHelloTime = absl::Seconds(4);
// Until a proxy has a changed configuration it goes on with the old one.
constexpr absl::Duration kSnapshotTravel = absl::Milliseconds(500);
constexpr absl::Duration kForgetEvery = absl::Minutes(1);

// The provider took the request and did not choke on it: proof that its pool is open.
bool IsProofOfLife(ErrorClass error_class) {
  return error_class == ErrorClass::kOk || error_class == ErrorClass::kBadRequest ||
         error_class == ErrorClass::kContextTooLong;
}

// Reports date an attempt differently, as their ways took different times. It is trued up where it was counted.
MonoTime CountedAt(const PermitRecord& permit, MonoTime sent_at) {
  return permit.single && permit.open > 0 ? permit.counted_at : std::max(sent_at, permit.counted_at);
}

MonoTime SentAt(absl::Duration age, const Now& now) {
  return now.mono - std::clamp(age, absl::ZeroDuration(), absl::Hours(24));
}

// What `n` of `count` attempts cost that cost `whole` together.
Charge PartOf(const Charge& whole, uint32_t n, uint32_t count) {
  if (n == count) return whole;
  return {whole.requests * n / count, whole.input * n / count, whole.output * n / count, whole.credits * n / count};
}

}  // namespace

void Broker::MarkSent(PermitRecord& permit, uint32_t count, MonoTime at, const Now& now) {
  const uint32_t unused = std::min(count, permit.unused);
  // Sent in the last moment, and taken back before the report came: used, whatever the limits say now.
  const uint32_t returned = std::min(count - unused, permit.returned);
  ForPools(permit.pools, [&](PoolAccount& account) {
    if (unused > 0) account.ledger().Send(permit.charge * unused, at, now);
    if (returned > 0) account.ledger().SendUnreserved(permit.charge * returned, at, now);
    Touch(account, now);
  });
  permit.unused -= unused;
  permit.returned -= returned;
  permit.open += unused + returned;
  if (permit.single && unused + returned > 0) permit.counted_at = at;
}

void Broker::ReturnUnused(PermitRecord& permit, uint32_t count) {
  count = std::min(count, permit.unused);
  if (count == 0) return;
  permit.unused -= count;
  counters_.returned += count;
  EndProbe(permit, /*taken=*/false);
  ForPools(permit.pools, [&](PoolAccount& account) {
    account.ledger().Unreserve(permit.charge * count);
    if (permit.canary) account.cooldown().ReturnCanary();
  });
}

void Broker::OnSent(HolderId holder, const SentReport& sent, const Now& now) {
  Hear(holder, now);
  PermitRecord* permit = permits_.Find(sent.permit);
  if (permit != nullptr) MarkSent(*permit, sent.count, SentAt(sent.age, now), now);
}

void Broker::OnRelease(HolderId holder, const PermitRelease& release, const Now& now) {
  Hear(holder, now);
  PermitRecord* permit = permits_.Find(release.permit);
  if (permit == nullptr) return;
  const uint32_t unused = std::min(release.count, permit->unused);
  ReturnUnused(*permit, unused);
  // Of what had been taken back no report can come any more.
  permit->returned -= std::min(release.count - unused, permit->returned);
  ForPools(permit->pools, [&](PoolAccount& account) { Touch(account, now); });
  permits_.EraseIfDone(release.permit);
}

void Broker::OnSettle(HolderId holder, const Settlement& settlement, const Now& now) {
  Hear(holder, now);
  if (settlement.count == 0) return;
  if (settlement.begun) {
    OnBegun(settlement, now);
    return;
  }
  counters_.settled += settlement.count;
  PermitRecord* permit = settlement.permit ? permits_.Find(settlement.permit) : nullptr;
  const std::vector<PoolAccount*> accounts = AccountsOf(settlement.pools);
  const Terms terms = TermsOf(accounts);
  Charge charged;
  if (permit != nullptr) {
    charged = permit->charge * settlement.count;
  } else if (settlement.charged) {
    const Demand demand{settlement.prompt_bytes / settlement.count, 0, 0};
    charged = EstimateFor(book_.EstimatorOf(settlement.target), demand, terms, accounts) * settlement.count;
  }
  const Charge actual = ActualOf(settlement, charged, terms);
  if (permit != nullptr) {
    EndProbe(*permit, settlement.charged && IsProofOfLife(settlement.error_class));
    SettleKnown(*permit, settlement, actual, now);
    permits_.EraseIfDone(settlement.permit);
  } else if (!settlement.permit || permits_.IsOurs(settlement.permit)) {
    // Without a permit, or after its record was given up. An older leader's permits came with the proxy's report when
    // it attached.
    SettleFree(settlement, actual, now);
  }
  Learn(settlement, actual, terms, now);
  CloseFor(settlement, now);
}

// What of the pool is known by an answer's beginning; the attempt itself goes on.
void Broker::OnBegun(const Settlement& report, const Now& now) {
  const MonoTime at = SentAt(report.sent_age, now);
  PermitRecord* permit = report.permit ? permits_.Find(report.permit) : nullptr;
  Charge cost{1, 0, 0};
  if (permit != nullptr) {
    cost.input = permit->charge.input;
    EndProbe(*permit, /*taken=*/true);
  }
  ReadHeaders(report, cost, TermsOf(AccountsOf(report.pools)), at, now);
  ForPools(report.pools, [&](PoolAccount& account) { NoteTaken(account, at, now); });
}

// Others may go now, or must wait for longer.
void Broker::EndProbe(PermitRecord& permit, bool taken) {
  if (!std::exchange(permit.probe, false)) return;
  held_may_go_ = true;
  ForPools(permit.pools, [&](PoolAccount& account) {
    if (!account.probation().Finish(permit.holder.value(), taken)) return;
    account.cooldown().Forgive();
    TouchUrgent(account);
  });
}

void Broker::NoteTaken(PoolAccount& account, MonoTime sent_at, const Now& now) {
  if (account.TakesRequests(sent_at, now)) Opened(account, now);
}

void Broker::ReadHeaders(const Settlement& settlement, const Charge& cost, const Terms& terms, MonoTime at,
                         const Now& now) {
  if (settlement.pools.empty()) return;
  PoolAccount& quota = book_.FindOrMakeBare(settlement.pools.front(), now);
  PoolAccount::Seen seen{settlement.readings, at, cost,
                         IsRefusal(settlement.error_class) && !terms.rule.counts_refused};
  // The latency counts from before the writing, up to the first content.
  seen.answered = settlement.latency > absl::ZeroDuration() ? std::min(at + settlement.latency, now.mono) : now.mono;
  if (settlement.authoritative) seen.wait = settlement.retry_after;
  std::vector<Reading> shared;
  if (settlement.pools.size() > 1) {
    // Which of them are about the model alone, whose pool is the narrowest.
    const std::vector<Reading> own = quota.SplitOff(settlement.target, settlement.readings, at, now);
    if (!own.empty()) {
      std::copy_if(settlement.readings.begin(), settlement.readings.end(), std::back_inserter(shared),
                   [&](const Reading& one) { return std::find(own.begin(), own.end(), one) == own.end(); });
      PoolAccount& model = book_.FindOrMakeBare(settlement.pools.back(), now);
      model.LearnForModel();
      seen.readings = own;
      ReadInto(model, seen, now);
      seen.readings = shared;
    }
  }
  ReadInto(quota, seen, now);
}

void Broker::SettleKnown(PermitRecord& permit, const Settlement& settlement, const Charge& actual, const Now& now) {
  const MonoTime sent_at = SentAt(settlement.sent_age, now);
  if (!settlement.charged) {
    const MonoTime at = CountedAt(permit, sent_at);
    const uint32_t unused = std::min(settlement.count, permit.unused);
    const uint32_t open = std::min(settlement.count - unused, permit.open);
    ReturnUnused(permit, unused);
    ForPools(permit.pools, [&](PoolAccount& account) {
      if (open > 0) account.ledger().Settle(permit.charge * open, {}, at, now);
      if (permit.canary) account.cooldown().ReturnCanary();
      Touch(account, now);
    });
    permit.open -= open;
    return;
  }
  if (settlement.count > permit.open) MarkSent(permit, settlement.count - permit.open, sent_at, now);
  const MonoTime at = CountedAt(permit, sent_at);
  // More attempts than the permit has left are those that were given up before: they keep their charge.
  const uint32_t settled = std::min(settlement.count, permit.open);
  const Charge cost = PartOf(actual, settled, settlement.count);
  ForPools(permit.pools, [&](PoolAccount& account) {
    account.ledger().Settle(permit.charge * settled, cost, at, now);
    account.GiveBack(permit.charge * settled, cost, now);
    if (permit.canary) account.cooldown().ReturnCanary();
    account.last_used = now.mono;
    Touch(account, now);
  });
  permit.open -= settled;
}

void Broker::SettleFree(const Settlement& settlement, const Charge& actual, const Now& now) {
  if (!settlement.charged) return;
  const MonoTime at = SentAt(settlement.sent_age, now);
  ForPools(settlement.pools, [&](PoolAccount& account) {
    account.ledger().SendUnreserved(actual, at, now);
    account.ledger().Abandon(actual);
    // Sent by a proxy that could not ask: it makes the pool no less known.
    bool familiar = false;
    for (uint32_t i = 0; i < settlement.count && IsProofOfLife(settlement.error_class) && !familiar; ++i)
      familiar = account.probation().Finish(0, /*taken=*/true);
    if (familiar) TouchUrgent(account);
    account.last_used = now.mono;
    Touch(account, now);
  });
}

void Broker::Learn(const Settlement& settlement, const Charge& actual, const Terms& terms, const Now& now) {
  if (!settlement.charged) return;
  const MonoTime at = SentAt(settlement.sent_age, now);
  if (settlement.error_class == ErrorClass::kOk) {
    book_.EstimatorOf(settlement.target).Learn(settlement.usage, settlement.prompt_bytes, settlement.count);
  }
  ReadHeaders(settlement, {actual.requests, actual.input, 0}, terms, at, now);
  if (!IsProofOfLife(settlement.error_class)) return;
  ForPools(settlement.pools, [&](PoolAccount& account) {
    NoteTaken(account, at, now);
    account.Succeed(actual, at, now);
  });
}

void Broker::ReadInto(PoolAccount& account, const PoolAccount::Seen& seen, const Now& now) {
  const bool was_limited = account.limited(now.mono);
  account.Read(seen, now);
  if (account.limited(now.mono) != was_limited) {
    held_may_go_ = true;
    TouchUrgent(account);
    RememberSoon(account);
  }
  if (seen.readings.empty()) return;
  for (const Reading& reading : seen.readings) {
    if (seen.refused) break;
    if (reading.unit != Unit::kRequests || reading.remaining < 0 || reading.remaining > reading.limit) continue;
    shared_accounts_.Observe(
        {account.pool().id, reading.window, reading.limit, reading.limit - reading.remaining, seen.sent_at},
        [this](PoolId id) -> const UseLog* {
          const PoolAccount* other = book_.Find(id);
          return other == nullptr ? nullptr : &other->ledger().recent_requests();
        });
    break;
  }
  if (const auto view = account.TakeOutsideNews(now)) outside_news_.push_back({account.pool().key, *view});
}

void Broker::CloseFor(const Settlement& settlement, const Now& now) {
  const bool refusal = IsRefusal(settlement.error_class) && settlement.charged;
  if (refusal) counters_.refused += settlement.count;
  const bool lasts = settlement.authoritative && settlement.retry_after > absl::ZeroDuration();
  const Closure closure = ClosureOf(settlement.error_class, lasts);
  if (!settlement.closes || closure == Closure::kNone) return;
  const MonoTime at = SentAt(settlement.sent_age, now);
  PoolAccount& account = book_.FindOrMakeBare(settlement.closes, now);
  if (closure == Closure::kAuth && at < account.key_changed_at + kSnapshotTravel) {
    // It was the old key that was refused; the proxy that met it has closed the credential for itself.
    Opened(account, now);
    return;
  }
  const bool was_limited = account.limited(now.mono);
  if (refusal && settlement.error_class == ErrorClass::kRateLimited) {
    const bool quota = !settlement.pools.empty() && settlement.pools.front() == settlement.closes;
    const PoolAccount::Seen seen{
        quota ? std::span<const Reading>(settlement.readings) : std::span<const Reading>(), at, {}, true};
    account.Refuse(seen, settlement.retry_after, now);
  }
  const CooldownCause cause{closure, settlement.retry_after, settlement.authoritative, at};
  const bool changed = account.cooldown().Close(cause, now, random_);
  held_may_go_ = true;
  if (changed || account.limited(now.mono) != was_limited) {
    ++counters_.closures;
    TouchUrgent(account);
    RememberSoon(account);
  }
}

void Broker::Expire(PermitId id, const Now& now) {
  PermitRecord& permit = *permits_.Find(id);
  const auto holder = holders_.find(permit.holder);
  const bool away = holder != holders_.end() && !holder->second.attached;
  if (permit.unused > 0 && away) {
    // Nobody can tell whether they were sent: they count as if.
    MarkSent(permit, permit.unused, now.mono, now);
    permit.counted_at = now.mono;
    permits_.Revisit(id, now.mono + kOpenAtMost);
    return;
  }
  if (permit.unused > 0 && now.mono < unsure_until_) {
    permits_.Revisit(id, unsure_until_);
    return;
  }
  if (permit.unused > 0) {
    permit.returned += permit.unused;
    ReturnUnused(permit, permit.unused);
    ForPools(permit.pools, [&](PoolAccount& account) { Touch(account, now); });
    permits_.Revisit(id, now.mono + kReturnedMemory);
    return;
  }
  permit.returned = 0;
  if (permit.open > 0 && !permit.doubted && holder != holders_.end()) {
    permits_.Revisit(id, now.mono + kOpenAtMost);
    permit.doubted = true;
    return;
  }
  if (permit.open > 0) {
    ForPools(permit.pools, [&](PoolAccount& account) { account.ledger().Abandon(permit.charge * permit.open); });
  }
  permits_.Erase(id);
}

void Broker::OnTimer(const Now& now) {
  if (now.mono - NextDeadline() > kStoodStill) unsure_until_ = now.mono + kHelloTime;
  while (const auto id = permits_.TakeExpired(now.mono)) Expire(*id, now);
  DecideHeld(now);
  if (learning_until_ != MonoTime() && !learning(now.mono)) {
    learning_until_ = MonoTime();
    book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
  }
  if (now.mono >= next_forgetting_) {
    next_forgetting_ = now.mono + kForgetEvery;
    book_.ForgetIdle(now);
  }
  if (now.mono < next_share_end_) return;
  next_share_end_ = MonoTime::Max();
  std::vector<HolderId> gone;
  for (auto& [id, holder] : holders_) {
    if (now.mono < holder.share_until) {
      next_share_end_ = std::min(next_share_end_, holder.share_until);
    } else if (holder.attached) {
      ReleaseShare(holder);
    } else {
      gone.push_back(id);
    }
  }
  for (const HolderId id : gone) Forget(id, now);
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
}

MonoTime Broker::NextDeadline() const {
  const MonoTime learnt = learning_until_ == MonoTime() ? MonoTime::Max() : learning_until_;
  const MonoTime held = held_.empty() ? MonoTime::Max() : held_.front().until;
  return std::min({permits_.NextExpiry(), next_share_end_, learnt, held});
}

}  // namespace chain429
