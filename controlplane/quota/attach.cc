// Proxies that come and go, and what they bring with them.
#include <algorithm>
#include <utility>

#include "controlplane/quota/broker.h"

namespace chain429 {
namespace {

// How long a share is kept for a proxy that is away: one window of the usual limits. Then it is taken for gone.
constexpr absl::Duration kKeepShare = absl::Minutes(1);
constexpr int64_t kTokensPerRequest = 1000;
// As long as a permit that was granted just before a control plane's end may still be used.
constexpr absl::Duration kImportedTtl = absl::Seconds(6);
constexpr absl::Duration kSettledMemory = absl::Minutes(1);
// Proxies pause for 3 s at most between two tries to attach.
constexpr absl::Duration kLearning = absl::Seconds(4);

}  // namespace

HolderId Broker::Attach(const AttachReport& report, const Now& now) {
  HolderId id;
  for (auto& [known, holder] : holders_) {
    if (holder.boot_id == report.boot_id) id = known;
  }
  const bool known = static_cast<bool>(id);
  if (!known) id = HolderId(++last_holder_);
  Holder& holder = holders_[id];
  const bool same_leader = known && report.epoch_seen == epoch_;
  if (first_attached_ == MonoTime()) first_attached_ = now.mono;
  const bool had_another = report.epoch_seen && report.epoch_seen != epoch_;
  if (had_another && now.mono < first_attached_ + kLearning) learning_until_ = first_attached_ + kLearning;
  const MonoTime known_until = same_leader ? (holder.attached ? now.mono : holder.detached_at) : MonoTime::FromNanos(INT64_MIN);
  holder.node = report.node;
  holder.boot_id = report.boot_id;
  holder.attached = true;
  ReleaseShare(holder);
  ImportHeld(id, report, same_leader, now);
  for (const RecentUse& use : report.recent) {
    const MonoTime at = now.mono - std::max(use.age, absl::ZeroDuration());
    if (at <= known_until) continue;
    const Charge charge{use.requests, use.tokens, 0};
    PoolAccount& account = book_.FindOrMakeBare(use.pool, now);
    account.ledger().SendUnreserved(charge, at, now);
    account.ledger().Abandon(charge);
    Touch(account, now);
  }
  for (const AttachReport::Closed& closed : report.closures) {
    PoolAccount& account = book_.FindOrMakeBare(closed.pool, now);
    const MonoTime before = account.cooldown().until();
    account.cooldown().Restore(closed.closure, closed.closed_for, closed.authoritative, now.mono);
    if (account.cooldown().until() != before) TouchUrgent(account);
  }
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
  return id;
}

void Broker::ImportHeld(HolderId holder, const AttachReport& report, bool same_leader, const Now& now) {
  absl::flat_hash_map<PermitId, const AttachReport::Held*> named;
  for (const AttachReport::Held& held : report.held) named[held.permit] = &held;
  if (same_leader) {
    permits_.ForEach([&](PermitId id, PermitRecord& permit) {
      if (permit.holder != holder) return;
      const auto it = named.find(id);
      const uint32_t unused = it == named.end() ? 0 : it->second->unused;
      const uint32_t open = it == named.end() ? 0 : it->second->open;
      // What is neither unused nor open any more was used, though its report was lost on the way.
      if (permit.unused > unused) MarkSent(permit, permit.unused - unused, now.mono, now);
      if (permit.open > open) {
        const Charge done = permit.charge * (permit.open - open);
        ForPools(permit.pools, [&](PoolAccount& account) { account.ledger().Abandon(done); });
        permit.open = open;
      }
      // The record stays a while, so that a settlement that comes after all is not taken for a new use.
      permit.returned = 0;
      if (permit.unused == 0 && permit.open == 0) {
        permit.doubted = true;
        permits_.Revisit(id, now.mono + kSettledMemory);
      }
    });
  }
  for (const AttachReport::Held& held : report.held) {
    if (permits_.Find(held.permit) != nullptr || held.unused + held.open == 0) continue;
    PermitRecord record;
    record.holder = holder;
    record.target = held.target;
    record.pools.assign(held.pools.begin(), held.pools.end());
    record.charge = {1, held.tokens, 0};
    record.unused = held.unused;
    record.open = held.open;
    ForPools(record.pools, [&](PoolAccount& account) {
      if (held.unused > 0) account.ledger().Reserve(record.charge * held.unused);
      if (held.open > 0) account.ledger().SendUnreserved(record.charge * held.open, now.mono, now);
    });
    permits_.Import(held.permit, std::move(record), now.mono + kImportedTtl);
  }
}

void Broker::Detach(HolderId id, bool gone, const Now& now) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return;
  Holder& holder = it->second;
  const bool was_attached = std::exchange(holder.attached, false);
  if (gone) {
    Forget(id, now);
  } else if (was_attached) {
    holder.detached_at = now.mono;
    KeepShare(holder, now);
    holder.share_until = now.mono + kKeepShare;
    next_share_end_ = std::min(next_share_end_, holder.share_until);
  }
  book_.ForEach([&](PoolAccount& account) { Touch(account, now); });
}

void Broker::Forget(HolderId id, const Now& now) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return;
  ReleaseShare(it->second);
  holders_.erase(it);
  std::vector<PermitId> done;
  permits_.ForEach([&](PermitId permit_id, PermitRecord& permit) {
    if (permit.holder != id) return;
    ReturnUnused(permit, permit.unused);
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
    const bool counts_requests = account.ledger().HasLimit([](const Limit& limit) { return limit.unit == Unit::kRequests; });
    const Charge kept{share, counts_requests ? 0 : share * kTokensPerRequest, 0};
    account.ledger().SetAside(kept);
    holder.share.emplace_back(account.pool().id, kept);
  });
}

void Broker::ReleaseShare(Holder& holder) {
  for (const auto& [id, kept] : holder.share) {
    if (PoolAccount* account = book_.Find(id)) account->ledger().SetAside(kept * -1);
  }
  holder.share.clear();
}

}  // namespace chain429
