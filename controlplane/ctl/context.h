#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "common/cli/flags.h"
#include "common/io/pem_files.h"

namespace chain429 {

enum class OutputFormat { kText, kJson };

// What every command of 429ctl is given: where the control plane is, how to answer, and where to.
struct CommandContext {
  std::string control = "127.0.0.1:4292";
  std::optional<PemPaths> tls;  // mutual TLS with it, as between the planes
  OutputFormat output = OutputFormat::kText;
  bool colour = false;      // of `out`
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
};

// What 429ctl ends with beside kExitOk, kExitFailed (refused, invalid, or a child program failed) and kExitUsage (also
// where a file cannot be read): no control plane answers.
inline constexpr int kExitUnreachable = 3;

}  // namespace chain429
