#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/io/pem_files.h"

namespace CLI {
class App;
}

namespace chain429 {

// What our programs end with.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;     // could not start, or not go on
inline constexpr int kExitUsage = 2;      // a flag or its variable is wrong
inline constexpr int kExitKilled = 130;   // asked to end a second time while ending
inline constexpr char kExitCodes[] =
    "Exit codes: 0 ended as asked; 1 could not start or go on (a refused configuration, a port in use, a bad "
    "certificate);\n"
    "2 a wrong flag or variable; 130 asked a second time to end while requests were still open.\n";

// Parses; an exit code means that the program ends with it: --help and --version, or a wrong flag, which is told on
// standard error. An error in a variable names the variable.
std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv);

// Where the value of a flag came from, as a message names it: "--listen", or "--listen (from CHAIN429_LISTEN)". After
// parsing.
std::string FlagSource(const CLI::App& app, const std::string& flag);

// The status with FlagSource before it.
absl::Status FlagError(const CLI::App& app, const std::string& flag, const absl::Status& status);

// Puts flags under a heading of --help; names that the program does not have are passed over.
void GroupFlags(CLI::App& app, const std::string& heading, std::initializer_list<const char*> flags);

// PEM files of a listener: --tls-cert and --tls-key.
struct TlsFlags {
  std::string cert;
  std::string key;
};
void AddTlsFlags(CLI::App& app, TlsFlags& flags, const std::string& what);
// nullopt: no TLS. An error: one without the other.
absl::StatusOr<std::optional<PemPaths>> TlsPaths(const TlsFlags& flags);

// PEM files for mutual TLS between the planes: --control-ca, --control-cert and --control-key.
struct ControlTlsFlags {
  std::string ca;
  std::string cert;
  std::string key;
};
void AddControlTlsFlags(CLI::App& app, ControlTlsFlags& flags);
// nullopt: none is given. An error: not all three.
absl::StatusOr<std::optional<PemPaths>> ControlTlsPaths(const ControlTlsFlags& flags);

// Lets this process open as many files as the system allows it, for each connection takes one and each open request
// two. Gives the limit that holds from now on.
size_t RaiseFileLimit();

}  // namespace chain429
