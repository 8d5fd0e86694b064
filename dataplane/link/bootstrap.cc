#include "dataplane/link/bootstrap.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/wire/bootstrap.h"
#include "dataplane/link/credentials.h"

namespace chain429 {
namespace {

constexpr std::streamsize kLargestFile = std::streamsize{256} << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamsize size = file ? static_cast<std::streamsize>(file.tellg()) : -1;
  // A folder can be opened, but not measured or read.
  if (size < 0 || size > kLargestFile) return absl::NotFoundError("the file cannot be read");
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) return absl::NotFoundError("the file cannot be read");
  return text;
}

bool HasKey(const Snapshot& snapshot, const Target& target) {
  const Provider& provider = snapshot.providers[target.provider];
  return target.credentials.empty() || std::any_of(target.credentials.begin(), target.credentials.end(),
                                                   [&](uint32_t i) { return provider.credentials[i].usable; });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Snapshot>> LoadBootstrap(const std::string& path, Logger& log) {
  absl::StatusOr<std::string> text = ReadFile(path);
  absl::StatusOr<Snapshot> snapshot = text.ok() ? wire::ParseBootstrap(*text) : text.status();
  if (!snapshot.ok()) {
    return absl::Status(snapshot.status().code(),
                        absl::StrCat("--bootstrap ", path, ": ", snapshot.status().message(),
                                     "; `429ctl snapshot --out FILE` writes one while a control plane is there"));
  }
  ResolveProxyCredentials(*snapshot, log);
  for (const Chain& chain : snapshot->chains) {
    const bool usable = std::any_of(chain.targets.begin(), chain.targets.end(),
                                    [&](uint32_t target) { return HasKey(*snapshot, snapshot->targets[target]); });
    if (!usable) {
      log.Warning("no target of the chain has a key here: it cannot be served before the control plane sends one",
                  {{"chain", std::string_view(chain.name)}});
    }
  }
  if (snapshot->auth_required && snapshot->client_keys.empty())
    log.Warning(
        "the bootstrap asks for client keys and has none: every request is refused until the control plane is there");
  log.Info("bootstrap taken; the control plane's snapshot will replace it", {{"file", std::string_view(path)}});
  return std::make_shared<const Snapshot>(*std::move(snapshot));
}

std::vector<PoolState> BootstrapShares(const Snapshot& snapshot) {
  std::vector<PoolState> states;
  for (const Pool& pool : snapshot.pools) {
    if (pool.limits.empty()) continue;
    PoolState state;
    state.pool = pool.id;
    state.limited = true;
    for (const Limit& limit : pool.limits) {
      const bool concurrency = limit.unit == Unit::kConcurrency;
      SafeShare share;
      share.window = concurrency ? absl::Minutes(1) : limit.window.length;
      share.steady = limit.least() / UsualCost(pool, limit.unit);
      share.first = share.steady;
      state.shares.push_back(share);
    }
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace chain429
