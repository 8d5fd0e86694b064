#include "controlplane/api/admin_service.h"

#include "common/base/text.h"
#include "common/base/version.h"
#include "common/config/parse.h"
#include "common/wire/bootstrap.h"
#include "common/wire/model_wire.h"

namespace chain429 {
namespace {

constexpr size_t kLongestComment = 1000;

void AddProblems(const std::string& file, const std::vector<ConfigProblem>& problems,
                 google::protobuf::RepeatedPtrField<v1::ConfigProblem>* out) {
  for (const ConfigProblem& problem : problems) {
    v1::ConfigProblem* added = out->Add();
    added->set_file(file);
    added->set_line(static_cast<uint32_t>(problem.at.line));
    added->set_column(static_cast<uint32_t>(problem.at.column));
    added->set_path(problem.path);
    added->set_message(problem.message);
    added->set_suggestion(problem.suggestion);
    added->set_warning(problem.severity == Severity::kWarning);
  }
}

void AddPool(const PoolView& view, v1::PoolInfo* out) {
  out->set_id(view.id.value());
  out->set_key(view.key);
  out->set_closure(wire::EncodeClosure(view.closure));
  out->set_closed_for_ns(absl::ToInt64Nanoseconds(view.closed_for));
  out->set_authoritative(view.authoritative);
  out->set_open_attempts(static_cast<uint32_t>(view.open_attempts));
  out->set_shares_account_with(view.shares_account_with);
  out->set_shares_confidence(static_cast<uint32_t>(view.shares_confidence));
  out->set_models_apart(view.models_apart);
  for (size_t i = 0; i < view.limits.size(); ++i) {
    const LimitView& limit = view.limits[i];
    v1::LimitInfo* info = out->add_limits();
    wire::Encode(limit.limit, info->mutable_limit());
    info->set_used(limit.used);
    info->set_reserved(limit.reserved);
    info->set_recovers_in_ns(absl::ToInt64Nanoseconds(limit.recovers_in));
    info->set_outside(limit.outside);
    if (limit.limit.unit == Unit::kConcurrency) continue;
    const WindowEvidence& window = view.windows[i];
    info->set_window_provenance(wire::EncodeProvenance(window.provenance));
    info->set_window_confidence(static_cast<uint32_t>(window.confidence));
    if (window.seems == limit.limit.window.kind) continue;
    info->set_seems_kind(wire::EncodeWindowKind(window.seems));
    info->set_seems_confidence(static_cast<uint32_t>(window.seems_confidence));
  }
}

}  // namespace

v1::GetStatusResponse AdminService::GetStatus() {
  v1::GetStatusResponse status;
  status.set_software_version(kSoftwareVersion);
  status.set_uptime_ns(absl::ToInt64Nanoseconds(parts_.clock->Read().mono - started_));
  parts_.config_loop->Run([&] {
    const ConfigSource& config = *parts_.config;
    status.set_config_source(config.name());
    status.set_last_reload_error(config.last_error());
    for (const ConfigProblem& warning : config.warnings()) status.add_warnings(FormatProblem(config.name(), warning));
    if (config.config() == nullptr) return;
    const Snapshot& snapshot = *config.snapshot();
    status.set_snapshot_version(snapshot.version.value());
    for (const Chain& chain : snapshot.chains) {
      v1::ChainInfo* info = status.add_chains();
      info->set_name(chain.name);
      for (const std::string& alias : chain.aliases) info->add_aliases(alias);
      for (const uint32_t target : chain.targets) info->add_targets(snapshot.targets[target].name);
    }
  });
  parts_.fleet->Run([&](const Now&) {
    status.set_epoch(parts_.registry->broker().epoch().value());
    status.set_proxies(static_cast<uint32_t>(parts_.registry->attached()));
  });
  return status;
}

v1::ValidateConfigResponse AdminService::Validate(const v1::ValidateConfigRequest& request) {
  ConfigProblems problems;
  ParseConfig(request.text(), request.name(), *parts_.catalogue, LookUpZone, problems);
  v1::ValidateConfigResponse response;
  AddProblems(request.name(), problems.Sorted(), response.mutable_problems());
  return response;
}

v1::ApplyConfigResponse AdminService::Apply(const v1::ApplyConfigRequest& request) {
  v1::ApplyConfigResponse response;
  parts_.config_loop->Run([&] {
    const LoadReport report = parts_.config->Load(request.text(), request.name().empty() ? "api.yaml" : request.name(),
                                                  Truncate(request.comment(), kLongestComment));
    AddProblems(report.file, report.problems, response.mutable_problems());
    if (report.accepted) response.set_snapshot_version(report.version.value());
    parts_.on_load(report);
  });
  return response;
}

v1::GetConfigResponse AdminService::GetConfig() {
  v1::GetConfigResponse response;
  parts_.config_loop->Run([&] {
    response.set_name(parts_.config->name());
    response.set_text(parts_.config->accepted_text());
    response.set_snapshot_version(parts_.config->config() == nullptr ? 0 : parts_.config->snapshot()->version.value());
  });
  return response;
}

v1::GetSnapshotResponse AdminService::GetSnapshot() {
  v1::GetSnapshotResponse response;
  std::shared_ptr<const Snapshot> snapshot;
  parts_.config_loop->Run([&] {
    if (parts_.config->config() != nullptr) snapshot = parts_.config->snapshot();
  });
  if (snapshot == nullptr) return response;
  wire::BootstrapText text = wire::ToBootstrap(*snapshot);
  response.set_text(std::move(text.json));
  response.set_snapshot_version(snapshot->version.value());
  for (std::string& note : text.notes) response.add_notes(std::move(note));
  return response;
}

v1::ListPoolsResponse AdminService::ListPools(const std::string& prefix) {
  v1::ListPoolsResponse response;
  parts_.fleet->Run([&](const Now& now) {
    for (const PoolView& view : parts_.registry->broker().View(prefix, now)) AddPool(view, response.add_pools());
  });
  return response;
}

v1::ListProxiesResponse AdminService::ListProxies() {
  v1::ListProxiesResponse response;
  parts_.fleet->Run([&](const Now& now) {
    for (const ProxyView& view : parts_.registry->Proxies(now)) {
      v1::ProxyInfo* info = response.add_proxies();
      info->set_node(view.node);
      info->set_boot_id(view.boot_id);
      info->set_advertise(view.advertise);
      info->set_software_version(view.software_version);
      info->set_snapshot_version(view.acknowledged.value());
      info->set_nack(view.refusal);
      info->set_attached(view.attached);
      info->set_attached_for_ns(view.attached ? absl::ToInt64Nanoseconds(view.in_this_state) : 0);
    }
  });
  return response;
}

bool AdminService::ClearCooldown(const std::string& pool_key, v1::ClearCooldownResponse& response) {
  Broker::ClearResult result = Broker::ClearResult::kUnknown;
  parts_.fleet->Run([&](const Now& now) { result = parts_.registry->broker().ClearCooldown(pool_key, now); });
  response.set_was_closed(result == Broker::ClearResult::kOpened);
  return result != Broker::ClearResult::kUnknown;
}

}  // namespace chain429
