#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "controlplane/ctl/context.h"

namespace chain429 {

// The file that remembers where the control plane is, for whoever names none: one address, `control: ADDR:PORT`.
class ContextFile {
 public:
  // XDG_CONFIG_HOME's, else that of the home folder; CHAIN429_CONTEXT names another.
  static std::string DefaultPath();

  explicit ContextFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  // Empty: there is no such file. The error names it and says what to do.
  absl::StatusOr<std::string> Control() const;
  // Makes the folders that are missing. ADDR:PORT or unix:PATH.
  absl::Status SetControl(const std::string& address) const;
  absl::Status Clear() const;

 private:
  const std::string path_;
};

// Where a command found the control plane's address.
enum class ControlOrigin { kDefault, kFile, kFlagOrVariable };

// 429ctl context set|show|clear. `origin`: of context.control.
int RunContextSet(const CommandContext& context, const ContextFile& file, const std::string& address);
int RunContextShow(const CommandContext& context, const ContextFile& file, ControlOrigin origin);
int RunContextClear(const CommandContext& context, const ContextFile& file);

}  // namespace chain429
