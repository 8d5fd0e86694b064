#include "common/cli/flags.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// A name in a text, not as part of a longer one.
bool Names(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if (end == text.size() || (text[end] != '-' && std::isalnum(static_cast<unsigned char>(text[end])) == 0))
      return true;
  }
  return false;
}

bool OnCommandLine(const std::string& flag, int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == flag || word.starts_with(flag + "=")) return true;
  }
  return false;
}

// The variables that CLI11 has read values of flags from.
std::string VariableOf(const CLI::App& app, std::string_view message, int argc, const char* const* argv) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    if (variable.empty() || std::getenv(variable.c_str()) == nullptr) continue;
    if (Names(message, option->get_name()) && !OnCommandLine(option->get_name(), argc, argv)) return variable;
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (std::string found = VariableOf(*sub, message, argc, argv); !found.empty()) return found;
  }
  return "";
}

// The command line of the last parse, for FlagSource.
struct CommandLine {
  int argc = 0;
  const char* const* argv = nullptr;
};
CommandLine& LastParsed() {
  static CommandLine line;
  return line;
}

std::string List(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    absl::StrAppend(&text, i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  return text;
}

// All or none: which of the files are missing beside those that are given.
absl::Status AllOrNone(const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<std::string> given;
  std::vector<std::string> missing;
  for (const auto& [flag, value] : files) (value.empty() ? missing : given).push_back(flag);
  if (given.empty() || missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(List(given), " needs ", List(missing), " too"));
}

}  // namespace

std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  LastParsed() = {argc, argv};
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << app.get_name() << ": " << error.what();
    if (const std::string variable = VariableOf(app, error.what(), argc, argv); !variable.empty())
      std::cerr << " (from " << variable << ")";
    std::cerr << "\nRun with --help for more information.\n";
    return kExitUsage;
  }
}

std::string FlagSource(const CLI::App& app, const std::string& flag) {
  const CommandLine& line = LastParsed();
  const CLI::Option* option = app.get_option_no_throw(flag);
  if (option == nullptr || option->get_envname().empty() || OnCommandLine(flag, line.argc, line.argv)) return flag;
  if (std::getenv(option->get_envname().c_str()) == nullptr) return flag;
  return absl::StrCat(flag, " (from ", option->get_envname(), ")");
}

absl::Status FlagError(const CLI::App& app, const std::string& flag, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(FlagSource(app, flag), ": ", status.message()));
}

void GroupFlags(CLI::App& app, const std::string& heading, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) {
    if (CLI::Option* option = app.get_option_no_throw(flag); option != nullptr) option->group(heading);
  }
}

void AddTlsFlags(CLI::App& app, TlsFlags& flags, const std::string& what) {
  app.add_option("--tls-cert", flags.cert,
                 "PEM file: certificate and chain of " + what + "; a renewed one is taken within seconds")
      ->envname("CHAIN429_TLS_CERT")
      ->type_name("FILE");
  app.add_option("--tls-key", flags.key, "PEM file: its key")->envname("CHAIN429_TLS_KEY")->type_name("FILE");
}

absl::StatusOr<std::optional<PemPaths>> TlsPaths(const TlsFlags& flags) {
  const absl::Status complete = AllOrNone({{"--tls-cert", flags.cert}, {"--tls-key", flags.key}});
  if (!complete.ok()) return complete;
  if (flags.cert.empty()) return std::optional<PemPaths>();
  return std::optional<PemPaths>(PemPaths{flags.cert, flags.key, "", "tls"});
}

void AddControlTlsFlags(CLI::App& app, ControlTlsFlags& flags) {
  app.add_option("--control-ca", flags.ca, "PEM file: the authority of both planes' certificates, for mutual TLS")
      ->envname("CHAIN429_CONTROL_CA")
      ->type_name("FILE");
  app.add_option("--control-cert", flags.cert, "PEM file: this program's certificate between the planes")
      ->envname("CHAIN429_CONTROL_CERT")
      ->type_name("FILE");
  app.add_option("--control-key", flags.key, "PEM file: its key")->envname("CHAIN429_CONTROL_KEY")->type_name("FILE");
}

absl::StatusOr<std::optional<PemPaths>> ControlTlsPaths(const ControlTlsFlags& flags) {
  const absl::Status complete =
      AllOrNone({{"--control-ca", flags.ca}, {"--control-cert", flags.cert}, {"--control-key", flags.key}});
  if (!complete.ok()) return complete;
  if (flags.ca.empty()) return std::optional<PemPaths>();
  return std::optional<PemPaths>(PemPaths{flags.cert, flags.key, flags.ca, "control"});
}

size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return static_cast<size_t>(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before);
}

}  // namespace chain429
