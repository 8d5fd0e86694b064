#include "tests/dst/checkers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/dst/describe.h"

namespace chain429::dst {
void NoOverrun::OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) {
  world_.Fail(absl::StrCat("no overrun: ", upstream.name(), " refused ", Describe(call), " for its ", limit));
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

void LedgerCovers::OnControlTurn(Control& control) {
  for (const PoolView& pool : control.broker().View({}, control.Read())) {
    const auto upstream = std::find_if(fleet_.upstreams().begin(), fleet_.upstreams().end(), [&](const auto& item) {
      return pool.key == item.first || pool.key.starts_with(item.first + "/");
    });
    if (upstream == fleet_.upstreams().end()) continue;
    for (const LimitView& view : pool.limits) {
      for (size_t i = 0; i < upstream->second->limits().size(); ++i) {
        const ProviderLimit& limit = upstream->second->limits()[i];
        const bool same = (view.limit.unit == Unit::kRequests && limit.unit == ProviderLimit::Unit::kRequests &&
                           view.limit.window.length == limit.length) ||
                          (view.limit.unit == Unit::kConcurrency && limit.unit == ProviderLimit::Unit::kConcurrency);
        if (!same || view.limit.amount != limit.amount) continue;
        const int64_t used = upstream->second->Used(i);
        if (used > view.used)
          world_.Fail(
              absl::StrCat("the ledger covers the provider: it has counted ", used, ", but ", Describe(pool, view)));
      }
    }
  }
}

}  // namespace chain429::dst
