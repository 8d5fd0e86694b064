#include "controlplane/ctl/init/init.h"

#include <sys/stat.h>

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/init/starter_config.h"
#include "controlplane/ctl/text_file.h"

namespace chain429 {
namespace {

// Also where a symbolic link leads nowhere: it is somebody's, too.
bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

std::vector<LocalServer> Probe(const CommandContext& context, const Catalogue& catalogue) {
  std::vector<std::string> places;
  for (const CatalogueEntry* entry : LocalKinds(catalogue)) places.push_back(entry->base_url);
  *context.err << "looking for local servers at " << absl::StrJoin(places, ", ") << std::endl;
  return FindLocalServers(catalogue, kProbeTimeout);
}

// What to do next, as it can be pasted.
std::string NextSteps(const std::string& file) {
  return absl::StrCat("\nwrote ", file, "\n  429ctl validate ", file,
                      "       checks it after a change\n  429ctl up --config ", file,
                      "    starts both planes with it\n");
}

}  // namespace

int RunInit(const CommandContext& context, const InitOptions& options) {
  const bool print = options.print || options.file == "-";
  const bool json = context.output == OutputFormat::kJson;
  if (!print && !options.force && Exists(options.file)) {
    return ReportFailure(context,
                         absl::AlreadyExistsError(absl::StrCat(options.file,
                                                               " is there already. --force replaces it, --out FILE "
                                                               "names another, --print only shows the text.")));
  }
  absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  if (!catalogue.ok()) return ReportFailure(context, catalogue.status());
  Findings findings;
  findings.keys = FindKeys(*catalogue, SystemVariables());
  if (!options.no_probe) findings.servers = Probe(context, *catalogue);
  if (findings.empty()) {
    if (json) *context.out << FindingsJson(*catalogue, findings, "", "");
    *context.err << FindingsText(findings, false) << NothingFoundText(*catalogue, !options.no_probe, false);
    return kExitFailed;
  }
  const std::string text = StarterConfig(findings.keys.providers, findings.servers, "429ctl init", LookUpZone);
  if (!print) {
    if (const absl::Status written = WriteTextFile(options.file, text); !written.ok())
      return ReportFailure(context, written);
  }
  if (json) {
    *context.out << FindingsJson(*catalogue, findings, print ? "" : options.file, print ? text : "");
  } else if (print) {
    *context.err << FindingsText(findings, false);
    *context.out << text;
  } else {
    *context.out << FindingsText(findings, context.colour) << NextSteps(options.file);
  }
  return kExitOk;
}

}  // namespace chain429
