#include "dataplane/request/route_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMaxDirect = 4096;     // clients choose these names
constexpr size_t kMaxModelBytes = 512;

std::string RequestHead(const Provider& provider, const UpstreamHost& host) {
  // A proxy that is asked for plain HTTP wants the whole URL; by TLS it only opens a tunnel and sees no request.
  const OutboundProxy* const proxy = provider.endpoint.tls ? nullptr : host.proxy();
  std::string head = absl::StrCat("POST ", proxy != nullptr ? "http://" + provider.endpoint.host_header : std::string(),
                                  provider.endpoint.path,
                                  "/chat/completions HTTP/1.1\r\nHost: ", provider.endpoint.host_header, "\r\n");
  if (proxy != nullptr && !proxy->authorization.empty())
    absl::StrAppend(&head, "Proxy-Authorization: ", proxy->authorization.Reveal(), "\r\n");
  for (const Header& header : provider.headers) absl::StrAppend(&head, header.name, ": ", header.value, "\r\n");
  return head;
}

Secret AuthField(const AuthStyle& style, const Secret& key) {
  if (key.empty()) return Secret();
  switch (style.kind) {
    case AuthStyle::Kind::kNone:
      return Secret();
    case AuthStyle::Kind::kBearer:
      return Secret(absl::StrCat("Authorization: Bearer ", key.Reveal(), "\r\n"));
    case AuthStyle::Kind::kHeader:
      return Secret(absl::StrCat(style.header, ": ", key.Reveal(), "\r\n"));
  }
  return Secret();
}

CapacityPlan PlanCapacity(const std::vector<Route>& routes) {
  std::vector<const Target*> targets;
  for (const Route& route : routes) targets.push_back(route.target);
  return CapacityPlan(targets);
}

}  // namespace

Candidate Route::ToCandidate() const {
  Candidate candidate;
  candidate.target = target->id;
  candidate.pools = target->pools;
  if (dynamic) candidate.dynamic = {provider->name, target->group, target->model};
  return candidate;
}

absl::StatusOr<std::unique_ptr<RouteTable>> RouteTable::Build(std::shared_ptr<const Snapshot> snapshot,
                                                              UpstreamPool& pool) {
  std::unique_ptr<RouteTable> table(new RouteTable(std::move(snapshot)));
  const Snapshot& s = *table->snapshot_;
  for (const Provider& provider : s.providers) {
    ProviderPlan plan;
    auto rules = ProviderRules::Compile(provider.catalogue_entry);
    if (!rules.ok()) {
      return absl::Status(rules.status().code(),
                          absl::StrCat("providers.", provider.name, ".catalogue_entry: ", rules.status().message()));
    }
    plan.rules = *std::move(rules);
    plan.host = pool.Intern(provider.endpoint);
    plan.head = RequestHead(provider, *plan.host);
    for (const Credential& credential : provider.credentials)
      plan.auth_fields.push_back(AuthField(plan.rules->auth(), credential.key));
    table->plans_.push_back(std::move(plan));
  }
  for (const Chain& chain : s.chains) {
    auto resolved = std::make_shared<ResolvedChain>();
    resolved->name = chain.name;
    resolved->is_chain = true;
    resolved->timeouts = chain.timeouts;
    resolved->max_attempts = chain.max_attempts;
    resolved->wait = chain.wait;
    for (const uint32_t target : chain.targets)
      resolved->routes.push_back(table->MakeRoute(s.targets[target], chain.timeouts, false));
    resolved->capacity = PlanCapacity(resolved->routes);
    table->chains_.push_back(std::move(resolved));
  }
  return table;
}

Route RouteTable::MakeRoute(const Target& target, const Timeouts& timeouts, bool dynamic) const {
  const ProviderPlan& plan = plans_[target.provider];
  Route route;
  route.target = &target;
  route.provider = &snapshot_->providers[target.provider];
  route.rules = plan.rules.get();
  route.host = plan.host;
  route.head = plan.head;
  route.auth_fields = &plan.auth_fields;
  route.first_token =
      timeouts.first_token_chosen ? timeouts.first_token : std::max(timeouts.first_token, route.provider->first_token);
  route.dynamic = dynamic;
  route.model_json = "\"";
  AppendJsonEscaped(route.model_json, target.model);
  route.model_json.push_back('"');
  return route;
}

std::shared_ptr<const ResolvedChain> RouteTable::MakeDirect(std::string_view model) {
  const size_t slash = model.find('/');
  if (slash == std::string_view::npos || slash + 1 == model.size() || model.size() > kMaxModelBytes) return nullptr;
  const auto provider = snapshot_->provider_by_name.find(ToAbsl(model.substr(0, slash)));
  if (provider == snapshot_->provider_by_name.end() || !snapshot_->providers[provider->second].enabled) return nullptr;
  auto resolved = std::make_shared<ResolvedChain>();
  resolved->name = std::string(model);
  for (TargetPlan& plan : PlanTargets(snapshot_->providers, provider->second, model.substr(slash + 1))) {
    const auto known = snapshot_->target_by_id.find(plan.target.id.value());
    if (known != snapshot_->target_by_id.end()) {
      resolved->routes.push_back(MakeRoute(snapshot_->targets[known->second], resolved->timeouts, false));
    } else {
      resolved->owned.push_back(std::move(plan.target));
      resolved->routes.push_back(MakeRoute(resolved->owned.back(), resolved->timeouts, true));
    }
  }
  resolved->capacity = PlanCapacity(resolved->routes);
  return resolved;
}

std::shared_ptr<const ResolvedChain> RouteTable::MakeCanonical(std::string_view model) {
  const auto known = snapshot_->targets_by_canonical.find(ToAbsl(model));
  if (known == snapshot_->targets_by_canonical.end()) return nullptr;
  auto resolved = std::make_shared<ResolvedChain>();
  resolved->name = std::string(model);
  for (const uint32_t target : known->second) {
    if (snapshot_->providers[snapshot_->targets[target].provider].enabled)
      resolved->routes.push_back(MakeRoute(snapshot_->targets[target], resolved->timeouts, false));
  }
  resolved->capacity = PlanCapacity(resolved->routes);
  return resolved->routes.empty() ? nullptr : resolved;
}

std::shared_ptr<const ResolvedChain> RouteTable::Resolve(std::string_view model) {
  if (const auto chain = snapshot_->chain_by_name.find(ToAbsl(model)); chain != snapshot_->chain_by_name.end())
    return chains_[chain->second];
  if (const auto known = direct_.find(ToAbsl(model)); known != direct_.end()) return known->second;
  std::shared_ptr<const ResolvedChain> resolved = MakeDirect(model);
  if (resolved == nullptr) resolved = MakeCanonical(model);
  if (resolved != nullptr) {
    if (direct_.size() >= kMaxDirect) direct_.clear();
    direct_.emplace(std::string(model), resolved);
    return resolved;
  }
  if (snapshot_->default_chain.empty()) return nullptr;
  return chains_[snapshot_->chain_by_name.find(snapshot_->default_chain)->second];
}

}  // namespace chain429
