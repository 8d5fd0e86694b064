#include "controlplane/ctl/up/plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/config/parse.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"
#include "controlplane/ctl/text_file.h"
#include "controlplane/ctl/up/demo.h"
#include "controlplane/ctl/up/ports.h"

namespace chain429 {
namespace {

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

absl::StatusOr<std::string> FindProgram(const std::string& folder, const std::string& name) {
  std::string path = absl::StrCat(folder, "/", name);
  if (access(path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat(name, " is not in ", folder, ": ", std::strerror(errno),
                                            ".\nBuild it with ./dev build, or install it beside 429ctl."));
  }
  return path;
}

absl::Status MakeFolders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0755);
  }
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("cannot make the folder ", path, ": ", std::strerror(errno)));
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

// What a client's key is called where the configuration does not name a variable of its own.
constexpr char kClientKey[] = "CHAIN429_API_KEY";

// A chain to call; without any, a model of a provider. It stands in quotes in the banner's examples.
std::string Callable(const Config& config) {
  if (!config.default_chain.name.empty()) return config.default_chain.name;
  if (!config.chains.empty()) return config.chains.front().name;
  const auto enabled = std::find_if(config.providers.begin(), config.providers.end(),
                                    [](const ProviderConfig& provider) { return provider.enabled; });
  if (enabled == config.providers.end()) return "";
  const bool named =
      !enabled->models.empty() && enabled->models.front().name.find_first_of("'\"\\") == std::string::npos;
  return absl::StrCat(enabled->name, "/", named ? enabled->models.front().name : "MODEL");
}

// Reads and checks the configuration, and takes from it what the banner's examples need.
absl::Status CheckConfig(UpPlan& plan) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(plan.config));
  ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::Builtin());
  ConfigProblems problems;
  const auto parsed = ParseConfig(text, plan.config, catalogue, LookUpZone, problems);
  if (parsed == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(plan.config, " is not valid:\n", FormatProblems(plan.config, problems.Sorted())));
  }
  const Config& config = parsed->config;
  plan.chain = Callable(config);
  if (!config.client_keys.empty()) plan.client_key_variable = kClientKey;
  for (const ClientKeyConfig& key : config.client_keys) {
    const bool may_call =
        key.chains.empty() ||
        std::any_of(key.chains.begin(), key.chains.end(), [&](const auto& chain) { return chain.name == plan.chain; });
    if (may_call && key.source.kind == SecretSource::Kind::kEnv) plan.client_key_variable = key.source.name;
  }
  return absl::OkStatus();
}

// A configuration for the keys found, written once and kept: from then on it is its owner's.
absl::Status UseKeys(const UpEnvironment& environment, UpPlan& plan) {
  plan.config = absl::StrCat(environment.state_folder, "/429chain.yaml");
  const std::vector<std::string> keys = KeysSet(environment.has_variable);
  if (!Exists(plan.config)) {
    RETURN_IF_ERROR(MakeFolders(environment.state_folder));
    RETURN_IF_ERROR(WriteTextFile(plan.config, *ConfigForKeys(environment.has_variable)));
    plan.note = absl::StrCat("wrote ", plan.config, " for ", absl::StrJoin(keys, ", "));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(plan.config));
  std::vector<std::string> unused;
  for (const std::string& key : keys) {
    if (text.find(key) == std::string::npos) unused.push_back(key);
  }
  plan.note = absl::StrCat("using ", plan.config, ", written before");
  if (!unused.empty())
    absl::StrAppend(&plan.note, "; it does not use ", absl::StrJoin(unused, ", "),
                    ": add it, or remove the file to have it written anew");
  return absl::OkStatus();
}

}  // namespace

UpEnvironment SystemUpEnvironment() {
  UpEnvironment environment;
  environment.has_variable = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value != nullptr && *value != '\0';
  };
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, size > 0 ? static_cast<size_t>(size) : 0);
  environment.program_folder = self.substr(0, self.rfind('/'));
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  environment.state_folder = state != nullptr && *state == '/'
                                 ? absl::StrCat(state, "/429chain")
                                 : absl::StrCat(home != nullptr ? home : "", "/.local/state/429chain");
  return environment;
}

absl::StatusOr<UpPlan> MakePlan(const UpOptions& options, const UpEnvironment& environment) {
  UpPlan plan;
  plan.demo = options.demo || (options.config.empty() && KeysSet(environment.has_variable).empty());
  if (options.demo && !options.config.empty())
    return absl::InvalidArgumentError("--demo brings its own configuration: use either --demo or --config");
  ASSIGN_OR_RETURN(plan.programs.control, FindProgram(environment.program_folder, "429chain-control"));
  ASSIGN_OR_RETURN(plan.programs.proxy, FindProgram(environment.program_folder, "429chain-proxy"));
  if (plan.demo) {
    ASSIGN_OR_RETURN(plan.programs.simulator, FindProgram(environment.program_folder, "429chain-sim"));
    plan.chain = kDemoChain;
  } else if (!options.config.empty()) {
    plan.config = options.config;
  } else {
    RETURN_IF_ERROR(UseKeys(environment, plan));
  }
  if (!plan.demo) RETURN_IF_ERROR(CheckConfig(plan));
  RETURN_IF_ERROR(ClaimPorts(options, plan));
  return plan;
}

}  // namespace chain429
