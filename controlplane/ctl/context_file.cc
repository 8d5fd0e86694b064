#include "controlplane/ctl/context_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/io/address.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/text_file.h"

namespace chain429 {
namespace {

constexpr absl::string_view kKey = "control:";

absl::Status CheckAddress(const std::string& address) {
  if (absl::StartsWith(address, "unix:") && address.size() > 5 && address.find('\n') == std::string::npos)
    return absl::OkStatus();
  return ParseSocketAddress(address).status();
}

void MakeFoldersAbove(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0755);
}

std::string_view OriginText(ControlOrigin origin) {
  switch (origin) {
    case ControlOrigin::kDefault:
      return "the usual address";
    case ControlOrigin::kFile:
      return "the context file";
    case ControlOrigin::kFlagOrVariable:
      return "--control or CHAIN429_CONTROL";
  }
  return "";
}

}  // namespace

std::string ContextFile::DefaultPath() {
  const char* own = std::getenv("CHAIN429_CONTEXT");
  if (own != nullptr && *own != '\0') return own;
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return absl::StrCat(config, "/429chain/context.yaml");
  const char* home = std::getenv("HOME");
  return absl::StrCat(home != nullptr ? home : "", "/.config/429chain/context.yaml");
}

absl::StatusOr<std::string> ContextFile::Control() const {
  if (access(path_.c_str(), F_OK) != 0) return std::string();
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path_));
  std::string address;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line(TrimSpace(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
    if (line.empty() || line.front() == '#') continue;
    if (!absl::StartsWith(line, kKey) || !address.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path_, " holds more than one line `control: ADDR:PORT`. Write it anew: 429ctl context set ADDR:PORT"));
    }
    address = std::string(TrimSpace(std::string_view(line).substr(kKey.size())));
    if (address.size() > 1 && address.front() == '"' && address.back() == '"')
      address = address.substr(1, address.size() - 2);
  }
  if (const absl::Status good = CheckAddress(address); !good.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": ", good.message(), ". Write it anew: 429ctl context set ADDR:PORT"));
  }
  return address;
}

absl::Status ContextFile::SetControl(const std::string& address) const {
  if (const absl::Status good = CheckAddress(address); !good.ok())
    return absl::InvalidArgumentError(absl::StrCat(good.message(), ". Write ADDR:PORT or unix:PATH"));
  MakeFoldersAbove(path_);
  return WriteTextFile(path_, absl::StrCat("# Where 429ctl finds the control plane, unless --control or ",
                                           "CHAIN429_CONTROL says otherwise.\n", kKey, " \"", address, "\"\n"));
}

absl::Status ContextFile::Clear() const {
  if (unlink(path_.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("cannot remove ", path_, ": ", std::strerror(errno)));
}

int RunContextSet(const CommandContext& context, const ContextFile& file, const std::string& address) {
  if (const absl::Status status = file.SetControl(address); !status.ok()) return ReportFailure(context, status);
  return RunContextShow(context, file, ControlOrigin::kFile);
}

int RunContextShow(const CommandContext& context, const ContextFile& file, ControlOrigin origin) {
  const absl::StatusOr<std::string> saved = file.Control();
  if (!saved.ok()) return ReportFailure(context, saved.status());
  const std::string used = origin == ControlOrigin::kFile ? *saved : context.control;
  if (context.output == OutputFormat::kJson) {
    nlohmann::ordered_json json = {{"control", used}, {"from", OriginText(origin)}, {"file", file.path()}};
    json["saved"] = nullptr;
    if (!saved->empty()) json["saved"] = *saved;
    *context.out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    *context.out << "control plane   " << Printable(used) << ", from " << OriginText(origin) << "\ncontext file    "
                 << Printable(file.path()) << (saved->empty() ? " (not there)" : "") << "\n";
  }
  return kExitOk;
}

int RunContextClear(const CommandContext& context, const ContextFile& file) {
  if (const absl::Status status = file.Clear(); !status.ok()) return ReportFailure(context, status);
  return RunContextShow(context, file, ControlOrigin::kDefault);
}

}  // namespace chain429
