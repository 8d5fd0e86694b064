#pragma once

#include <iosfwd>
#include <string>

namespace chain429 {

enum class OutputFormat { kText, kJson };

// What every command of 429ctl is given: where the control plane is, how to answer, and where to.
struct CommandContext {
  std::string control = "127.0.0.1:4292";
  OutputFormat output = OutputFormat::kText;
  bool colour = false;      // of `out`
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
};

// What 429ctl ends with.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // refused, invalid, or a child program failed
inline constexpr int kExitUsage = 2;        // the command line is wrong, or a file cannot be read
inline constexpr int kExitUnreachable = 3;  // no control plane answers

}  // namespace chain429
