// 429ctl status, chains, proxies, version, and how failures are told.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "controlplane/api/message_json.h"
#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {
namespace {

std::string Ago(int64_t nanos) { return HumanDuration(absl::Nanoseconds(nanos)); }

void ShowStatus(const CommandContext& context, const v1::GetStatusResponse& status) {
  const auto line = [&](std::string_view name, const std::string& value) {
    *context.out << Paint(name, Colour::kBold, context.colour)
                 << std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') << value << "\n";
  };
  line("control plane",
       absl::StrCat(status.software_version(), " at ", context.control, ", up ", Ago(status.uptime_ns())));
  if (status.snapshot_version() == 0) {
    line("configuration", "none yet; apply one with: 429ctl apply -f FILE");
  } else {
    line("configuration",
         absl::StrCat("version ", status.snapshot_version(), " from ", Printable(status.config_source())));
  }
  line("proxies", absl::StrCat(status.proxies(), " attached"));
  line("chains", absl::StrCat(status.chains_size()));
  if (!status.last_reload_error().empty()) {
    line("last reload", Paint(absl::StrCat("refused, the configuration before it serves:\n",
                                           ToAbsl(TrimSpace(status.last_reload_error()))),
                              Colour::kRed, context.colour));
  }
  for (const std::string& warning : status.warnings())
    line("warning", Paint(Printable(warning), Colour::kYellow, context.colour));
}

std::string ProxyState(const v1::ProxyInfo& proxy) {
  return proxy.attached() ? absl::StrCat("attached ", Ago(proxy.attached_for_ns())) : "away";
}

}  // namespace

int RunStatus(const CommandContext& context) {
  AdminClient client(context.control, context.tls);
  const auto status = client.GetStatus();
  if (!status.ok()) return ReportFailure(context, status.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*status);
  } else {
    ShowStatus(context, *status);
  }
  return kExitOk;
}

int RunChains(const CommandContext& context) {
  AdminClient client(context.control, context.tls);
  const auto status = client.GetStatus();
  if (!status.ok()) return ReportFailure(context, status.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << "[\n";
    for (int i = 0; i < status->chains_size(); ++i)
      *context.out << (i == 0 ? "" : ",\n") << MessageJson(status->chains(i));
    *context.out << "]\n";
    return kExitOk;
  }
  Table table({"CHAIN", "ALIASES", "TARGETS, IN ORDER"});
  for (const v1::ChainInfo& chain : status->chains()) {
    table.Add({chain.name(), absl::StrJoin(chain.aliases(), ", "), absl::StrJoin(chain.targets(), " > ")});
  }
  *context.out << table.Render(context.colour);
  return kExitOk;
}

int RunProxies(const CommandContext& context) {
  AdminClient client(context.control, context.tls);
  const auto response = client.ListProxies();
  if (!response.ok()) return ReportFailure(context, response.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
    return kExitOk;
  }
  Table table({"NODE", "STATE", "CONFIGURATION", "VERSION", "ADDRESS"});
  for (const v1::ProxyInfo& proxy : response->proxies()) {
    const std::string configuration = proxy.nack().empty() ? absl::StrCat("version ", proxy.snapshot_version())
                                                           : absl::StrCat("version ", proxy.snapshot_version(),
                                                                          ", refused the newest: ", proxy.nack());
    table.Add({proxy.node(), ProxyState(proxy), configuration, proxy.software_version(), proxy.advertise()},
              !proxy.nack().empty() ? Colour::kRed
              : proxy.attached()    ? Colour::kNone
                                    : Colour::kDim);
  }
  *context.out << table.Render(context.colour);
  return kExitOk;
}

int RunVersion(const CommandContext& context) {
  if (context.output == OutputFormat::kJson) {
    *context.out << "{\"version\":\"" CHAIN429_VERSION "\"}\n";
  } else {
    *context.out << "429ctl " CHAIN429_VERSION "\n";
  }
  return kExitOk;
}

int ReportFailure(const CommandContext& context, const absl::Status& status) {
  *context.err << Paint("error:", Colour::kRed, context.colour) << " " << status.message() << "\n";
  if (absl::IsUnavailable(status)) return kExitUnreachable;
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

}  // namespace chain429
