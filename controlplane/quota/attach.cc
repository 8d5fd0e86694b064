// Proxies that come and go, and what they bring with them.
#include <algorithm>
#include <utility>

#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

// How long a share is kept for a proxy that is away: one window of the usual limits. Then it is taken for gone.
constexpr absl::Duration kKeepShare = absl::Minutes(1);
// As long as a permit that was granted just before a control plane's end may still be used.
constexpr absl::Duration kImportedTtl = absl::Seconds(6);
constexpr absl::Duration kSettledMemory = absl::Minutes(1);
constexpr absl::Duration kHeldAgain = absl::Seconds(2);
// Proxies pause for 3 s at most between two tries to attach.
constexpr absl::Duration kLearning = absl::Seconds(4);
// What a proxy sent without permits while it was away is told behind its hello. Until it has been, which its next
// acquire shows, or for so long, its share stays reserved.
constexpr absl::Duration kUseUnreported = absl::Seconds(2);
// Boots that are remembered after they were taken for gone, and for how long: no use is reported that is older.
constexpr size_t kMostDeparted = 4096;
constexpr absl::Duration kDepartedMemory = absl::Hours(25);

}  // namespace

HolderId Broker::Attach(const AttachReport& report, const Now& now) {
  HolderId id;
  for (auto& [known, holder] : holders_) {
    if (holder.boot_id == report.boot_id) id = known;
  }
  const bool known = static_cast<bool>(id);
  if (!known) id = HolderId(++last_holder_);
  Holder& holder = holders_[id];
  if (first_attached_ == MonoTime()) first_attached_ = now.mono;
  const bool had_another = report.epoch_seen && report.epoch_seen != epoch_;
  if (had_another && now.mono < first_attached_ + kLearning) learning_until_ = first_attached_ + kLearning;
  const MonoTime known_until = KnownUntil(report, holder, known);
  if (!holder.share.empty() && !holder.attached) {
    holder.share_until = now.mono + kUseUnreported;
    next_share_end_ = std::min(next_share_end_, holder.share_until);
  }
  holder.node = report.node;
  holder.boot_id = report.boot_id;
  holder.attached = true;
  holder.heard_at = now.mono;
  departed_.erase(report.boot_id);
  Inferred inferred;
  if (known) inferred = Reconcile(id, report, now);
  ImportHeld(id, report, now);
  for (const RecentUse& use : report.recent) {
    const MonoTime at = now.mono - std::max(use.age, absl::ZeroDuration());
    if (at <= known_until) continue;
    // What is left behind the reconciliation was sent without a permit.
    int64_t& known_of_permits = inferred[use.pool];
    const int64_t requests = std::max<int64_t>(0, use.requests - known_of_permits);
    known_of_permits -= use.requests - requests;
    if (requests == 0) continue;
    const int64_t tokens = use.tokens * requests / use.requests;
    PoolAccount& account = book_.FindOrMakeBare(use.pool, now);
    account.ledger().Recount(ReportedUse(account.pool(), requests, tokens), at, now);
    Touch(account, now);
  }
  ImportClosures(report, known_until, now);
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
  return id;
}

// Up to when this leader has counted what the proxy did: when it last heard of it. That its link is gone is noticed
// later, and what the proxy sent into a link that was gone already never came.
MonoTime Broker::KnownUntil(const AttachReport& report, const Holder& holder, bool known) const {
  if (known) return holder.heard_at;
  const bool same_leader = report.epoch_seen == epoch_;
  const auto departed = departed_.find(report.boot_id);
  return same_leader && departed != departed_.end() ? departed->second : MonoTime::FromNanos(INT64_MIN);
}

// What the proxy says of the permits that it was granted is true; what we know of them lacks the reports that were lost
// on their way.
Broker::Inferred Broker::Reconcile(HolderId holder, const AttachReport& report, const Now& now) {
  Inferred inferred;
  absl::flat_hash_map<PermitId, const AttachReport::Held*> named;
  for (const AttachReport::Held& held : report.held) named[held.permit] = &held;
  permits_.ForEach([&](PermitId id, PermitRecord& permit) {
    if (permit.holder != holder) return;
    const auto it = named.find(id);
    const uint32_t unused = it == named.end() ? 0 : it->second->unused;
    const uint32_t open = it == named.end() ? 0 : it->second->open;
    if (unused > permit.unused) HoldAgain(id, permit, unused - permit.unused, now);
    if (open > permit.open) MarkSent(permit, open - permit.open, now.mono, now);
    // What is neither unused nor open any more was used, be it that we had taken it back meanwhile.
    const uint32_t outstanding = permit.unused + permit.returned;
    if (outstanding > unused) {
      for (const PoolId pool : permit.pools) inferred[pool] += outstanding - unused;
      MarkSent(permit, outstanding - unused, now.mono, now);
    }
    if (permit.open > open) {
      const Charge done = permit.charge * (permit.open - open);
      ForPools(permit.pools, [&](PoolAccount& account) { account.ledger().Abandon(done); });
      permit.open = open;
    }
    // The record stays a while, so that a settlement that comes after all is not taken for a new use.
    if (permit.unused == 0 && permit.open == 0 && permit.returned == 0) {
      permit.kept = true;
      permits_.Revisit(id, now.mono + kSettledMemory);
    }
  });
  return inferred;
}

// Taken back, or taken for sent while the proxy was away, and yet unused: the word of its sending or release comes
// behind the hello.
void Broker::HoldAgain(PermitId id, PermitRecord& permit, uint32_t count, const Now& now) {
  const uint32_t returned = std::min(count, permit.returned);
  const uint32_t guessed = std::min(count - returned, permit.open);
  ForPools(permit.pools, [&](PoolAccount& account) {
    if (guessed > 0) account.ledger().Settle(permit.charge * guessed, {}, permit.counted_at, now);
    account.ledger().Reserve(permit.charge * (returned + guessed));
  });
  permit.returned -= returned;
  permit.open -= guessed;
  permit.unused += returned + guessed;
  permits_.Revisit(id, now.mono + kHeldAgain);
}

void Broker::ImportHeld(HolderId holder, const AttachReport& report, const Now& now) {
  for (const AttachReport::Held& held : report.held) {
    if (permits_.Find(held.permit) != nullptr || held.unused + held.open == 0) continue;
    PermitRecord record;
    record.holder = holder;
    record.target = held.target;
    record.pools.assign(held.pools.begin(), held.pools.end());
    const PoolAccount* narrow = held.pools.empty() ? nullptr : book_.Find(held.pools.back());
    record.charge = narrow == nullptr ? Charge{1, held.tokens, 0} : ReportedUse(narrow->pool(), 1, held.tokens);
    record.unused = held.unused;
    record.open = held.open;
    record.single = held.unused + held.open == 1;
    record.counted_at = now.mono;
    ForPools(record.pools, [&](PoolAccount& account) {
      if (held.unused > 0) account.ledger().Reserve(record.charge * held.unused);
      if (held.open > 0) account.ledger().SendUnreserved(record.charge * held.open, now.mono, now);
    });
    permits_.Import(held.permit, std::move(record), now.mono + kImportedTtl);
  }
}

void Broker::ImportClosures(const AttachReport& report, MonoTime known_until, const Now& now) {
  for (const AttachReport::Closed& closed : report.closures) {
    PoolAccount& account = book_.FindOrMakeBare(closed.pool, now);
    // Opened while the proxy was away, which it cannot know; what closed the pool anew is told behind the hello.
    if (account.opened_at > known_until && report.epoch_seen == epoch_) continue;
    const MonoTime before = account.cooldown().until();
    account.cooldown().Restore(closed.closure, closed.closed_for, closed.authoritative, now.mono);
    if (account.cooldown().until() == before) continue;
    TouchUrgent(account);
    RememberSoon(account);
  }
}

void Broker::Detach(HolderId id, bool gone, const Now& now) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return;
  Holder& holder = it->second;
  const bool was_attached = std::exchange(holder.attached, false);
  std::erase_if(held_, [id](const Held& held) { return held.holder == id; });
  if (gone) {
    Forget(id, now);
  } else if (was_attached) {
    ReleaseShare(holder);
    KeepShare(holder, now);
    holder.share_until = now.mono + kKeepShare;
    next_share_end_ = std::min(next_share_end_, holder.share_until);
  }
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
}

void Broker::Forget(HolderId id, const Now& now) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return;
  if (departed_.size() >= kMostDeparted) {
    absl::erase_if(departed_, [&](const auto& boot) { return now.mono - boot.second > kDepartedMemory; });
  }
  if (departed_.size() < kMostDeparted) departed_[it->second.boot_id] = it->second.heard_at;
  ReleaseShare(it->second);
  holders_.erase(it);
  std::vector<PermitId> done;
  permits_.ForEach([&](PermitId permit_id, PermitRecord& permit) {
    if (permit.holder != id) return;
    ReturnUnused(permit, permit.unused);
    EndProbe(permit, /*taken=*/false);
    ForPools(permit.pools, [&](PoolAccount& account) {
      if (permit.open > 0) account.ledger().Abandon(permit.charge * permit.open);
      if (permit.canary) account.cooldown().ReturnCanary();
      Touch(account, now);
    });
    done.push_back(permit_id);
  });
  for (const PermitId permit : done) permits_.Erase(permit);
}

void Broker::KeepShare(Holder& holder, const Now& now) {
  book_.ForEach([&](PoolAccount& account) {
    if (!account.ledger().limited()) return;
    // What it was told last is what it goes by.
    int64_t share = INT64_MAX;
    for (const SafeShare& told : account.pushed.pool ? account.pushed.shares : account.Shares(proxies(), now)) {
      share = std::min(share, std::max(told.first, told.steady));
    }
    if (share == INT64_MAX) return;
    const bool counts_requests =
        account.ledger().HasLimit([](const Limit& limit) { return limit.unit == Unit::kRequests; });
    Charge kept{share, 0, 0};
    if (!counts_requests && share > 0) {
      kept.input = share * UsualCost(account.pool(), Unit::kTokens);
      if (account.pool().rates) kept.credits = share * UsualCost(account.pool(), Unit::kCredits);
    }
    account.ledger().SetAside(kept);
    holder.share.emplace_back(account.pool().id, kept);
  });
}

void Broker::ReleaseShareOfReturned(HolderId id) {
  const auto it = holders_.find(id);
  if (it != holders_.end() && it->second.attached) ReleaseShare(it->second);
}

void Broker::ReleaseShare(Holder& holder) {
  for (const auto& [id, kept] : holder.share) {
    if (PoolAccount* account = book_.Find(id)) account->ledger().SetAside(kept * -1);
  }
  holder.share.clear();
  holder.share_until = MonoTime::Max();
}

}  // namespace chain429
