#include "dataplane/request/capacity.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/model/limit_state.h"

namespace chain429 {
namespace {

constexpr size_t kToldRecoveries = 20;

void AppendString(std::string& out, std::string_view name, std::string_view value) {
  absl::StrAppend(&out, "\"", ToAbsl(name), "\":\"");
  AppendJsonEscaped(out, value);
  out.push_back('"');
}

// To the millisecond, upwards; null: unknown, or never.
void AppendSeconds(std::string& out, std::string_view name, absl::Duration time) {
  absl::StrAppend(&out, "\"", ToAbsl(name), "\":");
  if (time == absl::InfiniteDuration()) {
    out.append("null");
  } else {
    absl::StrAppend(&out, absl::ToDoubleSeconds(absl::Ceil(time, absl::Milliseconds(1))));
  }
}

void AppendUnit(std::string& out, std::string_view name, const UnitCapacity& of) {
  absl::StrAppend(&out, "\"", ToAbsl(name), "\":");
  if (!of.known) {
    out.append("null,");
    return;
  }
  absl::StrAppend(&out, "{\"limit\":", of.limit, ",\"remaining\":", std::min(of.remaining, of.limit), ",");
  AppendSeconds(out, "reset_s", of.reset);
  out.append("},");
}

class Teller {
 public:
  Teller(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain, MonoTime now)
      : desk_(desk), snapshot_(snapshot), chain_(chain), now_(now) {}

  std::string Run() {
    std::string targets;
    for (const Route& route : chain_.routes) AppendTarget(targets, *route.target);
    std::string pools;
    for (const PoolId pool : pools_) AppendPool(pools, pool);
    std::stable_sort(recoveries_.begin(), recoveries_.end(), [](const Told& a, const Told& b) { return a.in < b.in; });
    if (recoveries_.size() > kToldRecoveries) recoveries_.resize(kToldRecoveries);
    std::string out = R"({"object":"chain.capacity",)";
    AppendString(out, "chain", chain_.name);
    absl::StrAppend(&out, ",\"connected\":", desk_.attached() ? "true" : "false", ",");
    const Capacity capacity = CapacityOf(desk_, chain_, now_);
    AppendUnit(out, "requests", capacity.requests);
    AppendUnit(out, "tokens", capacity.tokens);
    AppendSeconds(out, "opens_in_s", opens_in_);
    absl::StrAppend(&out, ",\"targets\":[", targets, "],\"pools\":[", pools, "],\"recoveries\":[");
    for (size_t i = 0; i < recoveries_.size(); ++i) absl::StrAppend(&out, i > 0 ? "," : "", recoveries_[i].json);
    return out.append("]}");
  }

 private:
  struct Told {
    absl::Duration in;
    std::string json;
  };

  std::string_view KeyOf(PoolId pool) const {
    const auto known = snapshot_.pool_by_id.find(pool.value());
    return known == snapshot_.pool_by_id.end() ? std::string_view() : snapshot_.pools[known->second].key;
  }

  // Until something is left in each of its pools.
  absl::Duration EmptyFor(const Target& target) const {
    absl::Duration empty;
    for (const PoolId pool : target.pools) {
      const PoolStanding standing = desk_.StandingOf(pool, now_);
      for (const LimitState& limit : standing.limits) {
        const LimitNow now = LookAt(limit, standing.age);
        // A call that ends is enough for another, and nobody knows when one does.
        if (limit.unit != Unit::kConcurrency || now.remaining == 0) empty = std::max(empty, now.frees_in);
      }
    }
    return empty;
  }

  void AppendTarget(std::string& out, const Target& target) {
    const GateView view = desk_.Consult(snapshot_, target, 0, /*alone=*/false, now_);
    std::string_view state = "open";
    absl::Duration opens;
    if (view.gate == Gate::kUnfit) {
      state = "unfit";
      opens = absl::InfiniteDuration();
    } else if (view.gate == Gate::kClosed) {
      state = "closed";
      opens = view.until == MonoTime::Max() ? absl::InfiniteDuration() : view.until - now_;
    } else if (view.gate == Gate::kExhausted) {
      state = "exhausted";
      opens = view.until - now_;
    } else if (view.gate == Gate::kAsk && (opens = EmptyFor(target)) > absl::ZeroDuration()) {
      state = "exhausted";
    }
    opens_in_ = std::min(opens_in_, opens);
    out.append(out.empty() ? "{" : ",{");
    AppendString(out, "target", target.name);
    out.push_back(',');
    AppendString(out, "state", state);
    if (view.gate == Gate::kClosed) {
      out.push_back(',');
      AppendString(out, "closure", ClosureName(view.closure));
    }
    out.push_back(',');
    AppendSeconds(out, "opens_in_s", opens);
    out.append(",\"pools\":[");
    bool first = true;
    for (const PoolId pool : target.pools) {
      const PoolStanding standing = desk_.StandingOf(pool, now_);
      if (standing.limits.empty() && standing.closed_for <= absl::ZeroDuration()) continue;
      out.append(first ? "\"" : ",\"");
      first = false;
      AppendJsonEscaped(out, KeyOf(pool));
      out.push_back('"');
      if (std::find(pools_.begin(), pools_.end(), pool) == pools_.end()) pools_.push_back(pool);
    }
    out.append("]}");
  }

  void AppendPool(std::string& out, PoolId pool) {
    const PoolStanding standing = desk_.StandingOf(pool, now_);
    out.append(out.empty() ? "{" : ",{");
    AppendString(out, "pool", KeyOf(pool));
    if (standing.closed_for > absl::ZeroDuration()) {
      out.push_back(',');
      AppendSeconds(out, "closed_for_s", standing.closed_for);
      std::string told = "{";
      AppendSeconds(told, "in_s", standing.closed_for);
      told.push_back(',');
      AppendString(told, "pool", KeyOf(pool));
      recoveries_.push_back({standing.closed_for, std::move(told.append(",\"opens\":true}"))});
    }
    if (!standing.limits.empty()) {
      out.push_back(',');
      AppendSeconds(out, "as_of_s", standing.age);
    }
    out.append(",\"limits\":[");
    for (size_t i = 0; i < standing.limits.size(); ++i) {
      if (i > 0) out.push_back(',');
      AppendLimit(out, pool, standing.limits[i], standing.age);
    }
    out.append("]}");
  }

  void AppendLimit(std::string& out, PoolId pool, const LimitState& limit, absl::Duration age) {
    const LimitNow now = LookAt(limit, age);
    std::string name = "{";
    AppendString(name, "unit", UnitName(limit.unit));
    if (limit.unit != Unit::kConcurrency) {
      name.push_back(',');
      AppendSeconds(name, "window_s", limit.window);
    }
    absl::StrAppend(&out, name, ",");
    if (limit.unit != Unit::kConcurrency) {
      AppendString(out, "kind", WindowKindName(limit.kind));
      out.push_back(',');
    }
    absl::StrAppend(&out, "\"amount\":", limit.amount, ",\"remaining\":", now.remaining);
    if (limit.unit != Unit::kConcurrency) {
      out.push_back(',');
      AppendSeconds(out, "frees_in_s", now.frees_in);
      out.push_back(',');
      AppendSeconds(out, "full_in_s", now.full_in);
    }
    out.push_back('}');
    const auto next = std::find_if(limit.recoveries.begin(), limit.recoveries.end(),
                                   [age](const Recovery& recovery) { return recovery.in > age; });
    if (next == limit.recoveries.end()) return;
    std::string told = "{";
    AppendSeconds(told, "in_s", next->in - age);
    told.push_back(',');
    AppendString(told, "pool", KeyOf(pool));
    absl::StrAppend(&told, ",", name.substr(1), ",\"remaining\":", next->remaining, "}");
    recoveries_.push_back({next->in - age, std::move(told)});
  }

  const PermitDesk& desk_;
  const Snapshot& snapshot_;
  const ResolvedChain& chain_;
  const MonoTime now_;
  std::vector<PoolId> pools_;  // each once, as targets name them
  std::vector<Told> recoveries_;  // of each limit that is not full the next, and of each closed pool its opening
  absl::Duration opens_in_ = absl::InfiniteDuration();  // of the first target that does
};

}  // namespace

Capacity CapacityOf(const PermitDesk& desk, const ResolvedChain& chain, MonoTime now) {
  return chain.capacity.Sum([&](PoolId pool) { return desk.StandingOf(pool, now); },
                            [&](size_t i) {
                              const Route& route = chain.routes[i];
                              return desk.StandingOf(*route.provider, *route.target, now);
                            });
}

std::string CapacityJson(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain, MonoTime now) {
  return Teller(desk, snapshot, chain, now).Run();
}

}  // namespace chain429
