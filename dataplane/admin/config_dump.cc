#include "dataplane/admin/config_dump.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/model/limit_state.h"
#include "common/wire/bootstrap.h"

namespace chain429 {
namespace {

using Json = nlohmann::ordered_json;

// Model names and messages come from outside: what is not UTF-8 is replaced rather than thrown at.
std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string Duration(absl::Duration duration) { return chain429::FormatDuration(duration); }

std::string_view ProvenanceName(Provenance provenance) {
  switch (provenance) {
    case Provenance::kConfigured:
      return "configured";
    case Provenance::kCatalogue:
      return "catalogue";
    case Provenance::kStated:
      return "stated";
    case Provenance::kInferred:
      return "inferred";
  }
  return "";
}

std::string_view RoutingName(Routing routing) {
  switch (routing) {
    case Routing::kOrdered:
      return "ordered";
    case Routing::kFastest:
      return "fastest";
    case Routing::kSpread:
      return "spread";
  }
  return "";
}

Json AmountJson(Unit unit, int64_t amount) {
  if (unit != Unit::kCredits) return amount;
  return static_cast<double>(amount) / static_cast<double>(kMicrosPerCredit);
}

Json LimitJson(const Limit& limit) {
  Json json = {{"unit", UnitName(limit.unit)}, {"amount", AmountJson(limit.unit, limit.amount)}};
  if (limit.unit != Unit::kConcurrency) {
    json["window"] = WindowKindName(limit.window.kind);
    json["length"] = Duration(limit.window.length);
    if (limit.window.kind == WindowKind::kFixed) {
      json["anchor"] = Duration(limit.window.anchor);
      json["zone"] = limit.window.zone;
    }
    if (limit.window.burst > 0) json["burst"] = AmountJson(limit.unit, limit.window.burst);
  }
  json["provenance"] = ProvenanceName(limit.provenance);
  return json;
}

Json LimitsJson(const std::vector<Limit>& limits) {
  Json json = Json::array();
  for (const Limit& limit : limits) json.push_back(LimitJson(limit));
  return json;
}

Json CredentialJson(const Credential& credential) {
  Json json = {{"name", credential.name}, {"group", credential.group}, {"usable", credential.usable}};
  if (!credential.key.empty()) json["key"] = credential.key.Masked();
  if (!credential.proxy_env.empty()) json["proxy_env"] = credential.proxy_env;
  if (!credential.proxy_file.empty()) json["proxy_file"] = credential.proxy_file;
  if (!credential.limits.empty()) json["limits"] = LimitsJson(credential.limits);
  return json;
}

std::string BaseUrl(const Endpoint& endpoint) {
  return absl::StrCat(endpoint.tls ? "https://" : "http://", endpoint.host_header, endpoint.path);
}

Json ProviderJson(const Provider& provider) {
  Json json = {{"name", provider.name},
               {"kind", provider.kind},
               {"base_url", BaseUrl(provider.endpoint)},
               {"enabled", provider.enabled}};
  // Some gateways take their key in a header of its own: every value is treated as a secret.
  Json headers = Json::object();
  for (const Header& header : provider.headers) headers[header.name] = Secret(header.value).Masked();
  json["headers"] = headers;
  json["credentials"] = Json::array();
  for (const Credential& credential : provider.credentials) json["credentials"].push_back(CredentialJson(credential));
  json["limits"] = LimitsJson(provider.limits);
  json["models"] = Json::array();
  for (const ModelLimits& model : provider.models) {
    json["models"].push_back({{"model", model.model},
                              {"limits", LimitsJson(model.limits)},
                              {"context", model.context},
                              {"canonical", model.canonical}});
  }
  return json;
}

Json TargetJson(const Snapshot& snapshot, const Target& target) {
  Json pools = Json::array();
  for (const PoolId id : target.pools) {
    const auto found = snapshot.pool_by_id.find(id.value());
    if (found != snapshot.pool_by_id.end()) pools.push_back(snapshot.pools[found->second].key);
  }
  Json credentials = Json::array();
  for (const uint32_t index : target.credentials)
    credentials.push_back(snapshot.providers[target.provider].credentials[index].name);
  return {{"name", target.name},   {"provider", snapshot.providers[target.provider].name},
          {"model", target.model}, {"credentials", credentials},
          {"pools", pools},        {"context", target.context}};
}

Json ChainJson(const Snapshot& snapshot, const Chain& chain) {
  Json targets = Json::array();
  for (const uint32_t index : chain.targets) targets.push_back(snapshot.targets[index].name);
  return {{"name", chain.name},
          {"aliases", chain.aliases},
          {"targets", targets},
          {"routing", RoutingName(chain.routing)},
          {"max_attempts", chain.max_attempts},
          {"timeouts",
           {{"connect", Duration(chain.timeouts.connect)},
            {"first_token", Duration(chain.timeouts.first_token)},
            {"idle", Duration(chain.timeouts.idle)},
            {"total", Duration(chain.timeouts.total)},
            {"keepalive", Duration(chain.timeouts.keepalive)}}},
          {"wait", Duration(chain.wait)}};
}

// What the configuration says; flags of this proxy may say otherwise, see /log.
Json LogJson(const LogSettings& log) {
  Json json = Json::object();
  if (log.level) json["level"] = LogLevelName(*log.level);
  if (log.format) json["format"] = LogFormatName(*log.format);
  json["file"] = log.file.empty() ? Json(nullptr) : Json(log.file);
  json["rotate_mb"] = log.rotate_mb;
  json["keep"] = log.keep;
  json["bodies"] = LogBodiesName(log.bodies);
  return json;
}

}  // namespace

std::string DumpConfig(const Snapshot& snapshot) {
  Json json = {{"version", snapshot.version.value()},
               {"auth_required", snapshot.auth_required},
               {"default_chain", snapshot.default_chain},
               {"log", LogJson(snapshot.log)}};
  json["client_keys"] = Json::array();
  for (const ClientKey& key : snapshot.client_keys)
    json["client_keys"].push_back({{"name", key.name}, {"chains", key.chains}});
  json["providers"] = Json::array();
  for (const Provider& provider : snapshot.providers) json["providers"].push_back(ProviderJson(provider));
  json["chains"] = Json::array();
  for (const Chain& chain : snapshot.chains) json["chains"].push_back(ChainJson(snapshot, chain));
  json["targets"] = Json::array();
  for (const Target& target : snapshot.targets) json["targets"].push_back(TargetJson(snapshot, target));
  json["pools"] = Json::array();
  for (const Pool& pool : snapshot.pools)
    json["pools"].push_back({{"key", pool.key}, {"limits", LimitsJson(pool.limits)}});
  // The same once more, as a proxy takes it with --bootstrap.
  json["bootstrap"] = Json::parse(wire::ToRedactedBootstrap(snapshot), nullptr, false);
  return Dump(json);
}

std::string DumpPools(const std::vector<PoolView>& pools) {
  Json list = Json::array();
  for (const PoolView& pool : pools) {
    Json json = {{"key", pool.key}, {"limited", pool.state.limited}, {"closure", ClosureName(pool.state.closure)}};
    if (pool.state.closure != Closure::kNone) json["closed_for_s"] = absl::ToDoubleSeconds(pool.state.closed_for);
    if (const int64_t left = SmallestRemaining(pool.state.limits, Unit::kRequests); left >= 0)
      json["remaining_requests"] = left;
    if (const int64_t left = SmallestRemaining(pool.state.limits, Unit::kTokens); left >= 0)
      json["remaining_tokens"] = left;
    json["safe_shares"] = Json::array();
    for (const SafeShare& share : pool.state.shares) {
      json["safe_shares"].push_back(
          {{"first", share.first}, {"steady", share.steady}, {"window", Duration(share.window)}});
    }
    list.push_back(std::move(json));
  }
  return Dump({{"pools", list}});
}

}  // namespace chain429
