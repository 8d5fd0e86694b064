#include "tests/dst/checkers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/dst/describe.h"

namespace chain429::dst {
void NoOverrun::OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) {
  world_.Fail(absl::StrCat("no overrun: ", upstream.name(), " refused ", Describe(call), " for its ", limit));
}

void PermitsOverrunNothing::OnTaken(const Upstream& upstream, const Call& call) {
  if (call.permit) return;
  of_[&upstream].shares.push_back(world_.now());
  of_[&upstream].open.insert(call.id);
}

void PermitsOverrunNothing::OnEnded(const Upstream& upstream, const Call& call) { of_[&upstream].open.erase(call.id); }

void PermitsOverrunNothing::OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) {
  if (limit.starts_with("tokens")) return;
  OfProvider& of = of_[&upstream];
  bool explained = !call.permit;
  for (const ProviderLimit& known : upstream.limits()) {
    if (known.Name() != limit) continue;
    if (known.unit == ProviderLimit::Unit::kConcurrency) {
      explained = explained || !of.open.empty();
    } else {
      explained = explained || (!of.shares.empty() && world_.now() - of.shares.back() < known.length);
    }
  }
  if (explained) {
    ++explained_;
  } else {
    world_.Fail(absl::StrCat("no overrun: ", upstream.name(), " refused ", Describe(call), " for its ", limit));
  }
}

void PermitsUsedOnce::OnGranted(const Proxy& proxy, const Permit& permit) {
  const auto [it, fresh] = granted_.emplace(permit.id, permit.spares + 1);
  if (!fresh)
    world_.Fail(
        absl::StrCat("no permit used twice: permit ", permit.id.value(), " was granted again, to ", proxy.name()));
}

void PermitsUsedOnce::OnWritten(const Proxy& proxy, const Call& call) {
  if (!call.permit) return;
  const auto granted = granted_.find(call.permit);
  if (granted == granted_.end() || call.use >= granted->second) {
    world_.Fail(
        absl::StrCat("no permit used twice: ", proxy.name(), " wrote ", Describe(call), ", which it was not given"));
  } else if (!used_.emplace(call.permit, call.use).second) {
    world_.Fail(absl::StrCat("no permit used twice: ", proxy.name(), " wrote ", Describe(call), " again"));
  }
}

void NothingNegative::OnControlTurn(Control& control) {
  for (const PoolView& pool : control.broker().View({}, control.Read())) {
    if (pool.open_attempts < 0)
      world_.Fail(absl::StrCat("capacity never negative: ", pool.key, " has open attempts below 0"));
    for (const LimitView& view : pool.limits) {
      if (view.used < 0 || view.reserved < 0 || view.outside < 0 || view.limit.amount < 0 ||
          view.recovers_in < absl::ZeroDuration()) {
        world_.Fail(absl::StrCat("capacity never negative: ", Describe(pool, view)));
      }
    }
  }
}

void SnapshotsRise::OnLinkTurn(Proxy& proxy) {
  const LinkCore& core = proxy.link().core();
  Seen& seen = seen_[&proxy];
  const Version version = core.snapshot() == nullptr ? Version() : core.snapshot()->version;
  if (version < seen.version || core.epoch() < seen.epoch) {
    world_.Fail(absl::StrCat("snapshots monotone: ", proxy.boot_id(), " went back from version ", seen.version.value(),
                             " of epoch ", seen.epoch.value(), " to ", version.value(), " of ", core.epoch().value()));
  }
  seen = {version, core.epoch()};
}

void NothingLeaks::OnRest(Control& control) {
  for (const PoolView& pool : control.broker().View({}, control.Read())) {
    if (pool.open_attempts != 0)
      world_.Fail(
          absl::StrCat("no leaked reservation: ", pool.key, " has ", pool.open_attempts, " open attempts at rest"));
    for (const LimitView& view : pool.limits) {
      if (view.reserved != 0) world_.Fail(absl::StrCat("no leaked reservation: at rest ", Describe(pool, view)));
    }
  }
  for (const auto& [name, upstream] : fleet_.upstreams()) {
    if (upstream->open() != 0)
      world_.Fail(absl::StrCat("at rest ", name, " is still answering ", upstream->open(), " calls"));
  }
}

void NoSettlementLost::OnSettled(const Proxy&, const Call&) { ++settled_; }

void NoSettlementLost::OnRest(Control& control) {
  const uint64_t counted = control.broker().counters().settled;
  if (counted != settled_)
    world_.Fail(
        absl::StrCat("no lost settlement: proxies settled ", settled_, " attempts, the control plane ", counted));
}

LedgerCovers::LedgerCovers(World& world, const Fleet& fleet) : world_(world) {
  const Snapshot& snapshot = fleet.snapshot();
  for (const Chain& chain : snapshot.chains) {
    for (const uint32_t index : chain.targets) {
      const Target& target = snapshot.targets[index];
      for (const PoolId pool : target.pools) {
        upstream_of_[pool] = fleet.upstreams().at(snapshot.providers[target.provider].name).get();
      }
    }
  }
}

void LedgerCovers::OnTaken(const Upstream& upstream, const Call& call) {
  if (!call.permit) shares_[&upstream].push_back(world_.now());
}

void LedgerCovers::OnControlTurn(Control& control) {
  for (const PoolView& pool : control.broker().View({}, control.Read())) {
    const auto it = upstream_of_.find(pool.id);
    if (it == upstream_of_.end()) continue;
    Upstream& upstream = *it->second;
    for (const LimitView& view : pool.limits) {
      for (size_t i = 0; i < upstream.limits().size(); ++i) {
        const ProviderLimit& limit = upstream.limits()[i];
        if (!Same(view.limit, limit)) continue;
        const bool at_once = limit.unit == ProviderLimit::Unit::kConcurrency;
        const int64_t used = upstream.Used(i) - (at_once ? upstream.Hanging() : SharesWithin(upstream, limit.length));
        if (used > view.used) {
          world_.Fail(absl::StrCat("the ledger covers the provider: it has counted ", used, " ", limit.Name(), ", but ",
                                   Describe(pool, view)));
        }
      }
    }
  }
}

int64_t LedgerCovers::SharesWithin(const Upstream& upstream, absl::Duration length) {
  const std::deque<MonoTime>& shares = shares_[&upstream];
  return std::count_if(shares.begin(), shares.end(), [&](MonoTime at) { return world_.now() - at < length; });
}

// What a bucket has in it is a matter of rounding.
bool LedgerCovers::Same(const Limit& known, const ProviderLimit& limit) {
  if (known.unit == Unit::kConcurrency) return limit.unit == ProviderLimit::Unit::kConcurrency;
  return known.unit == Unit::kRequests && limit.unit == ProviderLimit::Unit::kRequests &&
         limit.kind != ProviderLimit::Kind::kBucket && known.window.length == limit.length &&
         known.amount == limit.amount;
}

}  // namespace chain429::dst
