#include "controlplane/ctl/up/plan.h"

#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/provider/catalogue.h"
#include "controlplane/ctl/init/init.h"
#include "controlplane/ctl/up/config_choice.h"
#include "controlplane/ctl/up/ports.h"

namespace chain429 {
namespace {

absl::StatusOr<std::string> FindProgram(const std::string& folder, const std::string& name) {
  std::string path = absl::StrCat(folder, "/", name);
  if (access(path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat(name, " is not in ", folder, ": ", std::strerror(errno),
                                            ".\nBuild it with ./dev build, or install it beside 429ctl."));
  }
  return path;
}

absl::Status ClaimPorts(const UpOptions& options, UpPlan& plan) {
  struct Wanted {
    const char* what;
    const char* flag;
    const std::string& text;
    SocketAddress& address;
  };
  const Wanted all[] = {{"the HTTP API", "--listen", options.listen, plan.listen},
                        {"the proxy's admin port", "--admin", options.admin, plan.admin},
                        {"the control plane's gRPC port", "--grpc-listen", options.grpc_listen, plan.grpc},
                        {"the control plane's HTTP port", "--http-listen", options.http_listen, plan.http}};
  for (const Wanted& wanted : all) {
    absl::StatusOr<SocketAddress> address = ParseListenAddress(wanted.text);
    if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat(wanted.flag, ": ", address.status().message()));
    wanted.address = *address;
    RETURN_IF_ERROR(ClaimPort(wanted.what, wanted.flag, wanted.address));
  }
  return absl::OkStatus();
}

}  // namespace

UpEnvironment SystemUpEnvironment() {
  UpEnvironment environment;
  environment.has_variable = SystemVariables();
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, size > 0 ? static_cast<size_t>(size) : 0);
  environment.program_folder = self.substr(0, self.rfind('/'));
  environment.state_folder = DefaultStateFolder();
  environment.find_servers = [](const Catalogue& catalogue) { return FindLocalServers(catalogue, kProbeTimeout); };
  return environment;
}

absl::StatusOr<UpPlan> MakePlan(const UpOptions& options, const UpEnvironment& environment) {
  UpPlan plan;
  ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::Builtin());
  ASSIGN_OR_RETURN(plan.programs.control, FindProgram(environment.program_folder, "429chain-control"));
  ASSIGN_OR_RETURN(plan.programs.proxy, FindProgram(environment.program_folder, "429chain-proxy"));
  RETURN_IF_ERROR(ChooseConfig(options, environment, catalogue, plan));
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue)) {
    if (entry->setup->plan != Plan::kPaid) plan.key_variables.push_back(entry->setup->keys.front());
  }
  if (plan.demo) {
    ASSIGN_OR_RETURN(plan.programs.simulator, FindProgram(environment.program_folder, "429chain-sim"));
  } else {
    RETURN_IF_ERROR(CheckConfig(catalogue, plan));
  }
  RETURN_IF_ERROR(ClaimPorts(options, plan));
  return plan;
}

}  // namespace chain429
