#include "tests/dst/configuration.h"

#include <cstdio>

#include "common/base/log.h"
#include "common/config/parse.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"
#include "controlplane/revisions/credential_source.h"
#include "controlplane/revisions/snapshot_builder.h"

namespace chain429::dst {

std::shared_ptr<const Snapshot> BuildFrom(const std::string& config) {
  static const Catalogue* const catalogue = [] {
    absl::StatusOr<Catalogue> builtin = Catalogue::Builtin();
    CHAIN429_CHECK(builtin.ok());
    return new Catalogue(*std::move(builtin));
  }();
  Environment environment;
  environment.variable = [](const std::string& name) {
    return name == "KEY" ? std::optional<std::string>("sk-simulated") : std::nullopt;
  };
  environment.file = [](const std::string&, size_t) -> absl::StatusOr<std::string> {
    return absl::NotFoundError("there are no files");
  };
  ConfigProblems problems;
  std::shared_ptr<const Snapshot> snapshot;
  if (const auto parsed = ParseConfig(config, "world.yaml", *catalogue, LookUpZone, problems)) {
    const ResolvedSecrets secrets = ResolveSecrets(parsed->config, environment, problems);
    snapshot = BuildSnapshot(*parsed, *catalogue, secrets, Version(1), problems);
  }
  if (snapshot == nullptr) {
    std::fprintf(stderr, "%s\n%s", config.c_str(), FormatProblems("world.yaml", problems.Sorted()).c_str());
  }
  CHAIN429_CHECK(snapshot != nullptr);
  return snapshot;
}

}  // namespace chain429::dst
