#include "dataplane/request/explain.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/model/limit_state.h"

namespace chain429 {
namespace {

void AppendString(std::string& out, std::string_view name, std::string_view value) {
  absl::StrAppend(&out, "\"", ToAbsl(name), "\":\"");
  AppendJsonEscaped(out, value);
  out.push_back('"');
}

std::string_view ResolvedBy(const Snapshot& snapshot, const ResolvedChain& chain, std::string_view model) {
  if (chain.is_chain) {
    if (model == chain.name) return "chain";
    return snapshot.chain_by_name.contains(ToAbsl(model)) ? "alias" : "default_chain";
  }
  const auto provider = snapshot.provider_by_name.find(ToAbsl(model.substr(0, model.find('/'))));
  const bool direct = model.find('/') != std::string_view::npos && provider != snapshot.provider_by_name.end() &&
                      snapshot.providers[provider->second].enabled;
  return direct ? "provider/model" : "canonical";
}

// Unknown, or never: no time to tell.
bool HasTime(MonoTime time) { return time != MonoTime() && time != MonoTime::Max(); }

int64_t SecondsUntil(MonoTime time, MonoTime now) { return std::max<int64_t>(0, CeilSeconds(time - now)); }

std::string ReasonOf(const GateView& view) {
  switch (view.gate) {
    case Gate::kFree:
      return "no limit is known";
    case Gate::kSpare:
      return "a permit is at hand";
    case Gate::kAsk:
      return "limited: the control plane will be asked for a permit";
    case Gate::kShare:
      return "the control plane is away, and its safe share allows a call";
    case Gate::kClosed:
      return absl::StrCat("closed: ", ToAbsl(ClosureName(view.closure)));
    case Gate::kExhausted:
      return "no quota left";
    case Gate::kUnfit:
      return view.closure == Closure::kAuth ? "no key for it is at hand" : "it cannot take this request";
  }
  return {};
}

void AppendLimits(std::string& out, const Pool& pool) {
  out.append(",\"limits\":[");
  for (size_t i = 0; i < pool.limits.size(); ++i) {
    const Limit& limit = pool.limits[i];
    absl::StrAppend(&out, i > 0 ? "," : "", "{\"unit\":\"", ToAbsl(UnitName(limit.unit)),
                    "\",\"amount\":", AmountText(limit.unit, limit.amount));
    if (limit.unit != Unit::kConcurrency)
      absl::StrAppend(&out, ",\"window_s\":", absl::ToInt64Seconds(limit.window.length));
    out.push_back('}');
  }
  out.push_back(']');
}

class Explainer {
 public:
  Explainer(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain, int64_t tokens, MonoTime now)
      : desk_(desk), snapshot_(snapshot), chain_(chain), tokens_(tokens), now_(now) {}

  Explanation Run(std::string_view model) {
    std::string targets;
    for (uint32_t i = 0; i < chain_.routes.size(); ++i) {
      if (i > 0) targets.push_back(',');
      AppendTarget(targets, i);
    }
    std::string& out = explanation_.json;
    out.assign(R"({"object":"429chain.explanation",)");
    AppendString(out, "chain", chain_.name);
    out.push_back(',');
    AppendString(out, "model", model);
    absl::StrAppend(&out, R"(,"resolved_by":")", ToAbsl(ResolvedBy(snapshot_, chain_, model)), R"(","max_attempts":)",
                    chain_.max_attempts, R"(,"estimated_tokens":)", tokens_, R"(,"targets":[)", targets,
                    R"(],"first":)");
    if (first_ < 0) {
      out.append("null");
    } else {
      out.push_back('"');
      AppendJsonEscaped(out, chain_.routes[static_cast<size_t>(first_)].target->name);
      out.push_back('"');
    }
    // With a target to call there is nothing to wait for.
    out.append(R"(,"retry_after_s":)");
    if (first_ >= 0 || !HasTime(soonest_)) {
      out.append("null}");
    } else {
      absl::StrAppend(&out, std::max<int64_t>(1, SecondsUntil(soonest_, now_)), "}");
    }
    return std::move(explanation_);
  }

 private:
  // An empty pool is not worth asking for: the answer would be no.
  bool KnownToBeEmpty(const Target& target) const {
    return std::any_of(target.pools.begin(), target.pools.end(), [&](PoolId pool) {
      const PoolState state = desk_.Know(pool, now_);
      return SmallestRemaining(state.limits, Unit::kRequests) == 0 ||
             SmallestRemaining(state.limits, Unit::kTokens) == 0;
    });
  }

  void AppendTarget(std::string& out, uint32_t candidate) {
    const Route& route = chain_.routes[candidate];
    const Target& target = *route.target;
    GateView view = desk_.Consult(snapshot_, target, tokens_, /*alone=*/false, now_);
    const bool asks = view.gate == Gate::kAsk;
    if (asks && KnownToBeEmpty(target)) view.gate = Gate::kExhausted;
    const bool skipped = view.gate == Gate::kClosed || view.gate == Gate::kExhausted || view.gate == Gate::kUnfit;
    const bool reached = skipped || attempts_ < chain_.max_attempts;
    if (skipped) {
      Hop hop;
      hop.candidate = candidate;
      hop.outcome = SkipOutcome(view);
      hop.opens = view.gate == Gate::kUnfit ? MonoTime::Max() : view.until;
      explanation_.passed.push_back(std::move(hop));
      if (SkipWaits(view) && HasTime(view.until)) soonest_ = std::min(soonest_, view.until);
    } else if (reached) {
      ++attempts_;
      if (first_ < 0) first_ = static_cast<int>(candidate);
    }
    out.push_back('{');
    AppendString(out, "target", target.name);
    out.push_back(',');
    AppendString(out, "provider", route.provider->name);
    out.push_back(',');
    AppendString(out, "upstream_model", target.model);
    out.push_back(',');
    AppendString(out, "would", skipped ? OutcomeName(SkipOutcome(view)) : reached ? "attempt" : "not_reached");
    out.push_back(',');
    AppendString(out, "reason", reached ? ReasonOf(view) : "max_attempts are used up before it");
    absl::StrAppend(&out, ",\"needs_permit\":", asks || view.gate == Gate::kSpare ? "true" : "false",
                    ",\"opens_in_s\":");
    if (skipped && HasTime(view.until)) {
      absl::StrAppend(&out, SecondsUntil(view.until, now_));
    } else {
      out.append("null");
    }
    out.append(",\"context_length\":");
    if (target.context > 0) {
      absl::StrAppend(&out, target.context);
    } else {
      out.append("null");
    }
    out.append(",\"pools\":[");
    for (size_t i = 0; i < target.pools.size(); ++i) {
      if (i > 0) out.push_back(',');
      AppendPool(out, target.pools[i]);
    }
    out.append("]}");
  }

  void AppendPool(std::string& out, PoolId id) const {
    const PoolState state = desk_.Know(id, now_);
    const auto known = snapshot_.pool_by_id.find(id.value());
    out.push_back('{');
    AppendString(out, "pool", known == snapshot_.pool_by_id.end() ? "" : snapshot_.pools[known->second].key);
    out.push_back(',');
    AppendString(out, "closure", ClosureName(state.closure));
    if (state.closure != Closure::kNone)
      absl::StrAppend(&out, ",\"closed_for_s\":", std::max<int64_t>(0, CeilSeconds(state.closed_for)));
    for (const auto& [unit, field] : {std::pair(Unit::kRequests, "requests"), std::pair(Unit::kTokens, "tokens")}) {
      if (const int64_t left = SmallestRemaining(state.limits, unit); left >= 0)
        absl::StrAppend(&out, ",\"remaining_", field, "\":", left);
    }
    if (known != snapshot_.pool_by_id.end()) AppendLimits(out, snapshot_.pools[known->second]);
    out.push_back('}');
  }

  const PermitDesk& desk_;
  const Snapshot& snapshot_;
  const ResolvedChain& chain_;
  const int64_t tokens_;
  const MonoTime now_;
  Explanation explanation_;
  int attempts_ = 0;
  int first_ = -1;
  MonoTime soonest_ = MonoTime::Max();
};

}  // namespace

bool WantsExplanation(std::string_view target) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return false;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    if (item == "explain=1" || item == "explain=true" || item == "explain") return true;
    query.remove_prefix(std::min(query.size(), item.size() + 1));
  }
  return false;
}

Explanation Explain(const PermitDesk& desk, const Snapshot& snapshot, const ResolvedChain& chain,
                    std::string_view model, int64_t tokens, MonoTime now) {
  return Explainer(desk, snapshot, chain, tokens, now).Run(model);
}

}  // namespace chain429
