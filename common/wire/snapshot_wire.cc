#include "chain429/v1/fleet.pb.h"
#include "common/wire/model_wire.h"
#include "common/wire/reader.h"

namespace chain429::wire {
namespace {

static_assert(v1::POOL_SCOPE_GROUP == static_cast<int>(PoolScope::kGroup) + 1 &&
              v1::POOL_SCOPE_FREE_MODELS == static_cast<int>(PoolScope::kFreeModels) + 1);
static_assert(v1::ROUTING_FASTEST == static_cast<int>(Routing::kFastest) &&
              v1::ROUTING_SPREAD == static_cast<int>(Routing::kSpread));

static_assert(v1::LOG_LEVEL_ERROR == static_cast<int>(LogLevel::kError) + 1 &&
              v1::LOG_FORMAT_JSON == static_cast<int>(LogFormat::kJson) + 1 &&
              v1::LOG_BODIES_ALL == static_cast<int>(LogBodies::kAll));

constexpr size_t kSha256Bytes = 32;
constexpr int64_t kMostRotateMb = 1'000'000;  // more would overflow as bytes before it would fit a disk

// What may stand in an HTTP field value; anything else could end the head early.
bool IsFieldValue(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool IsFieldName(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ':') return false;
  }
  return !text.empty();
}

const auto kDecodeLimit = [](const v1::Limit& limit) { return Decode(limit); };

void Encode(const Credential& credential, v1::Credential* out) {
  out->set_name(credential.name);
  out->set_group(credential.group);
  out->set_pool(credential.pool.value());
  out->set_key(credential.key.Reveal());
  out->set_proxy_env(credential.proxy_env);
  out->set_proxy_file(credential.proxy_file);
  out->set_usable(credential.usable);
  for (const Limit& limit : credential.limits) wire::Encode(limit, out->add_limits());
}

absl::StatusOr<Credential> DecodeCredential(const v1::Credential& in) {
  Reader reader;
  Credential credential;
  credential.name = in.name();
  credential.group = in.group();
  credential.pool = PoolId(in.pool());
  credential.proxy_env = in.proxy_env();
  credential.proxy_file = in.proxy_file();
  credential.usable = in.usable();
  // One key with a line break in it must not cost the fleet its whole configuration: that credential alone is out.
  if (IsFieldValue(in.key())) {
    credential.key = Secret(in.key());
  } else {
    credential.usable = false;
  }
  reader.Each(in.limits(), credential.limits, "limits", kDecodeLimit);
  return reader.Result(std::move(credential));
}

void Encode(const ModelLimits& model, v1::ModelLimits* out) {
  out->set_model(model.model);
  for (const Limit& limit : model.limits) wire::Encode(limit, out->add_limits());
  out->set_context(model.context);
  out->set_canonical(model.canonical);
  for (const std::string& alias : model.aliases) out->add_aliases(alias);
  if (model.rates) wire::Encode(*model.rates, out->mutable_rates());
}

absl::StatusOr<ModelLimits> DecodeModel(const v1::ModelLimits& in) {
  Reader reader;
  ModelLimits model;
  model.model = in.model();
  reader.Each(in.limits(), model.limits, "limits", kDecodeLimit);
  model.context = reader.Count(in.context(), "context");
  model.canonical = in.canonical();
  model.aliases.assign(in.aliases().begin(), in.aliases().end());
  if (in.has_rates()) model.rates = reader.Part(Decode(in.rates()), "rates");
  return reader.Result(std::move(model));
}

void Encode(const Provider& provider, v1::Provider* out) {
  out->set_name(provider.name);
  out->set_kind(provider.kind);
  out->set_base_url(BaseUrl(provider.endpoint));
  for (const Header& header : provider.headers) {
    v1::Header* field = out->add_headers();
    field->set_name(header.name);
    field->set_value(header.value);
  }
  out->set_catalogue_entry(provider.catalogue_entry);
  for (const Credential& credential : provider.credentials) Encode(credential, out->add_credentials());
  for (const Limit& limit : provider.limits) wire::Encode(limit, out->add_limits());
  out->set_pool_scope(static_cast<v1::PoolScope>(static_cast<int>(provider.pool_scope) + 1));
  for (const Limit& limit : provider.catalogue_limits) wire::Encode(limit, out->add_catalogue_limits());
  for (const ModelLimits& model : provider.models) Encode(model, out->add_models());
  out->set_tokens(static_cast<v1::TokenPolicy>(provider.tokens));
  out->set_when_disconnected(static_cast<v1::WhenDisconnected>(provider.when_disconnected));
  out->set_ask_usage(provider.ask_usage);
  out->set_enabled(provider.enabled);
  out->set_first_token_ns(ToWire(provider.first_token));
  wire::Encode(provider.charging, out->mutable_charging());
}

absl::StatusOr<Header> DecodeHeader(const v1::Header& in) {
  Reader reader;
  reader.Require(IsFieldName(in.name()), "name", "not a field name");
  reader.Require(IsFieldValue(in.value()), "value", "a control character");
  return reader.Result(Header{in.name(), in.value()});
}

absl::StatusOr<Provider> DecodeProvider(const v1::Provider& in) {
  Reader reader;
  Provider provider;
  reader.Require(!in.name().empty(), "name", "missing");
  provider.name = in.name();
  provider.kind = in.kind();
  absl::StatusOr<Endpoint> endpoint = ParseBaseUrl(in.base_url());
  if (!endpoint.ok()) return endpoint.status();
  provider.endpoint = *std::move(endpoint);
  reader.Each(in.headers(), provider.headers, "headers", DecodeHeader);
  provider.catalogue_entry = in.catalogue_entry();
  reader.Each(in.credentials(), provider.credentials, "credentials", DecodeCredential);
  reader.Each(in.limits(), provider.limits, "limits", kDecodeLimit);
  provider.pool_scope = reader.Enum(in.pool_scope(), 1, PoolScope::kFreeModels, "pool_scope");
  reader.Each(in.catalogue_limits(), provider.catalogue_limits, "catalogue_limits", kDecodeLimit);
  reader.Each(in.models(), provider.models, "models", DecodeModel);
  provider.tokens = reader.Enum(in.tokens(), 0, TokenPolicy::kStrict, "tokens");
  provider.when_disconnected = reader.Enum(in.when_disconnected(), 0, WhenDisconnected::kOpen, "when_disconnected");
  provider.ask_usage = in.ask_usage();
  provider.enabled = in.enabled();
  provider.first_token = reader.Duration(in.first_token_ns(), "first_token_ns");
  provider.charging = reader.Part(Decode(in.charging()), "charging");
  return reader.Result(std::move(provider));
}

void Encode(const Target& target, v1::Target* out) {
  out->set_id(target.id.value());
  out->set_name(target.name);
  out->set_provider(target.provider);
  out->set_group(target.group);
  out->set_model(target.model);
  for (const uint32_t credential : target.credentials) out->add_credentials(credential);
  for (const PoolId pool : target.pools) out->add_pools(pool.value());
  out->set_context(target.context);
}

absl::StatusOr<Target> DecodeTarget(const v1::Target& in) {
  Reader reader;
  Target target;
  target.id = reader.Required<TargetId>(in.id(), "id");
  target.name = in.name();
  target.provider = in.provider();
  target.group = in.group();
  target.model = in.model();
  target.credentials.assign(in.credentials().begin(), in.credentials().end());
  reader.Ids(in.pools(), target.pools, "pools");
  target.context = reader.Count(in.context(), "context");
  return reader.Result(std::move(target));
}

void Encode(const Chain& chain, v1::Chain* out) {
  out->set_name(chain.name);
  for (const std::string& alias : chain.aliases) out->add_aliases(alias);
  for (const uint32_t target : chain.targets) out->add_targets(target);
  out->set_routing(static_cast<v1::Routing>(chain.routing));
  out->set_max_attempts(chain.max_attempts);
  out->set_connect_timeout_ns(ToWire(chain.timeouts.connect));
  out->set_first_token_timeout_ns(ToWire(chain.timeouts.first_token));
  out->set_idle_timeout_ns(ToWire(chain.timeouts.idle));
  out->set_total_timeout_ns(ToWire(chain.timeouts.total));
  out->set_keepalive_ns(ToWire(chain.timeouts.keepalive));
  out->set_wait_ns(ToWire(chain.wait));
  out->set_first_token_chosen(chain.timeouts.first_token_chosen);
}

absl::StatusOr<Chain> DecodeChain(const v1::Chain& in) {
  Reader reader;
  Chain chain;
  reader.Require(!in.name().empty(), "name", "missing");
  chain.name = in.name();
  chain.aliases.assign(in.aliases().begin(), in.aliases().end());
  chain.targets.assign(in.targets().begin(), in.targets().end());
  chain.routing = reader.Enum(in.routing(), 0, Routing::kSpread, "routing");
  reader.Require(in.max_attempts() >= 1, "max_attempts", "less than 1");
  chain.max_attempts = in.max_attempts();
  chain.timeouts.connect = reader.Duration(in.connect_timeout_ns(), "connect_timeout_ns");
  chain.timeouts.first_token = reader.Duration(in.first_token_timeout_ns(), "first_token_timeout_ns");
  chain.timeouts.idle = reader.Duration(in.idle_timeout_ns(), "idle_timeout_ns");
  chain.timeouts.total = reader.Duration(in.total_timeout_ns(), "total_timeout_ns");
  chain.timeouts.keepalive = reader.Duration(in.keepalive_ns(), "keepalive_ns");
  chain.wait = reader.Duration(in.wait_ns(), "wait_ns");
  chain.timeouts.first_token_chosen = in.first_token_chosen();
  return reader.Result(std::move(chain));
}

void Encode(const ClientKey& key, v1::ClientKey* out) {
  out->set_name(key.name);
  out->set_sha256(key.sha256);
  for (const std::string& chain : key.chains) out->add_chains(chain);
}

absl::StatusOr<ClientKey> DecodeClientKey(const v1::ClientKey& in) {
  Reader reader;
  reader.Require(in.sha256().size() == kSha256Bytes, "sha256", "not 32 bytes");
  ClientKey key;
  key.name = in.name();
  key.sha256 = in.sha256();
  key.chains.assign(in.chains().begin(), in.chains().end());
  return reader.Result(std::move(key));
}

void Encode(const LogSettings& log, v1::LogSettings* out) {
  if (log.level) out->set_level(static_cast<v1::LogLevel>(static_cast<int>(*log.level) + 1));
  if (log.format) out->set_format(static_cast<v1::LogFormat>(static_cast<int>(*log.format) + 1));
  out->set_file(log.file);
  out->set_rotate_mb(log.rotate_mb);
  out->set_keep(log.keep);
  out->set_bodies(static_cast<v1::LogBodies>(log.bodies));
}

absl::StatusOr<LogSettings> DecodeLog(const v1::LogSettings& in) {
  Reader reader;
  LogSettings log;
  if (in.level() != v1::LOG_LEVEL_UNSPECIFIED) log.level = reader.Enum(in.level(), 1, LogLevel::kError, "level");
  if (in.format() != v1::LOG_FORMAT_UNSPECIFIED) log.format = reader.Enum(in.format(), 1, LogFormat::kJson, "format");
  log.file = in.file();
  reader.Require(in.rotate_mb() >= 1 && in.rotate_mb() <= kMostRotateMb, "rotate_mb", "out of range");
  log.rotate_mb = in.rotate_mb();
  log.keep = reader.Count(in.keep(), "keep");
  log.bodies = reader.Enum(in.bodies(), 0, LogBodies::kAll, "bodies");
  return reader.Result(std::move(log));
}

}  // namespace

void Encode(const Snapshot& snapshot, v1::Snapshot* out) {
  for (const Provider& provider : snapshot.providers) Encode(provider, out->add_providers());
  for (const Pool& pool : snapshot.pools) Encode(pool, out->add_pools());
  for (const Target& target : snapshot.targets) Encode(target, out->add_targets());
  for (const Chain& chain : snapshot.chains) Encode(chain, out->add_chains());
  for (const ClientKey& key : snapshot.client_keys) Encode(key, out->add_client_keys());
  out->set_default_chain(snapshot.default_chain);
  out->set_auth_required(snapshot.auth_required);
  Encode(snapshot.log, out->mutable_log());
}

absl::StatusOr<Snapshot> Decode(const v1::Snapshot& in) {
  Reader reader;
  Snapshot snapshot;
  reader.Each(in.providers(), snapshot.providers, "providers", DecodeProvider);
  reader.Each(in.pools(), snapshot.pools, "pools", [](const v1::Pool& pool) { return Decode(pool); });
  reader.Each(in.targets(), snapshot.targets, "targets", DecodeTarget);
  reader.Each(in.chains(), snapshot.chains, "chains", DecodeChain);
  reader.Each(in.client_keys(), snapshot.client_keys, "client_keys", DecodeClientKey);
  snapshot.default_chain = in.default_chain();
  snapshot.auth_required = in.auth_required();
  if (in.has_log()) snapshot.log = reader.Part(DecodeLog(in.log()), "log");
  return reader.Result(std::move(snapshot));
}

std::string SerializeSnapshot(const Snapshot& snapshot) {
  v1::Snapshot wire;
  Encode(snapshot, &wire);
  return wire.SerializeAsString();
}

absl::StatusOr<Snapshot> ParseSnapshot(std::string_view bytes, Version version) {
  v1::Snapshot wire;
  if (bytes.size() > INT32_MAX || !wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("snapshot: not a serialised Snapshot");
  }
  absl::StatusOr<Snapshot> snapshot = Decode(wire);
  if (!snapshot.ok()) return snapshot;
  snapshot->version = version;
  if (absl::Status status = snapshot->Index(); !status.ok()) return status;
  return snapshot;
}

}  // namespace chain429::wire
