#include "controlplane/ctl/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/context_file.h"
#include "controlplane/ctl/init/init.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/up/up.h"

namespace chain429 {
namespace {

// The arguments of every command, and what the chosen one runs.
struct Arguments {
  CommandContext context;
  UpOptions up;
  ControlTlsFlags control_tls;
  InitOptions init;
  const CLI::Option* control = nullptr;  // --control
  bool asks_control = true;              // the chosen command calls the control plane
  std::string address;
  std::string file;
  std::string comment;
  std::string out;
  std::string prefix;
  std::string pool;
  bool all = false;
  std::function<int()> run;
};

// A command with its examples, that runs `run` when it is the one named.
CLI::App* AddCommand(CLI::App& parent, Arguments& arguments, const std::string& name, const std::string& help,
                     const std::string& examples, std::function<int()> run) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->footer("Examples:\n" + examples);
  command->callback([&arguments, run = std::move(run)] { arguments.run = run; });
  return command;
}

// A command that calls no control plane.
CLI::App* AddLocalCommand(CLI::App& parent, Arguments& arguments, const std::string& name, const std::string& help,
                          const std::string& examples, std::function<int()> run) {
  CLI::App* command = AddCommand(parent, arguments, name, help, examples, {});
  command->callback([&arguments, run = std::move(run)] {
    arguments.asks_control = false;
    arguments.run = run;
  });
  return command;
}

void AddInit(CLI::App& app, Arguments& arguments) {
  InitOptions& init = arguments.init;
  CLI::App* command = AddLocalCommand(
      app, arguments, "init", "Write a first configuration from the API keys in the environment",
      "  429ctl init                                writes 429chain.yaml, says what each provider gives a day\n"
      "  429ctl init --print --no-probe | less      only shows it\n"
      "  429ctl init --out /etc/429chain.yaml --force\n"
      "  429ctl -o json init --print | jq .requests_per_day\n"
      "\n"
      "No key is ever written, only the names of the variables that hold them. Without any key: the list of the\n"
      "variables that are looked for, and where keys are to be had; exit code 1.",
      [&arguments] { return RunInit(arguments.context, arguments.init); });
  command->add_option("--out", init.file, "The file to write; - for standard output")
      ->envname("CHAIN429_OUT")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_flag("--force", init.force, "Replace the file if it is there")->envname("CHAIN429_FORCE");
  command->add_flag("--print", init.print, "Show the configuration and write nothing")->envname("CHAIN429_PRINT");
  command->add_flag("--no-probe", init.no_probe, "Do not look for local servers (Ollama, llama.cpp, vLLM)")
      ->envname("CHAIN429_NO_PROBE");
}

ControlOrigin OriginOf(const Arguments& arguments, const ContextFile& file) {
  if (arguments.control->count() > 0) return ControlOrigin::kFlagOrVariable;
  return file.Control().value_or("").empty() ? ControlOrigin::kDefault : ControlOrigin::kFile;
}

void AddContext(CLI::App& app, Arguments& arguments) {
  CLI::App* group = app.add_subcommand("context", "Remember where the control plane is");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n  429ctl context set control.example:4292\n  429ctl context show\n  429ctl context clear\n\n"
      "--control goes before CHAIN429_CONTROL, this before what is remembered, and that before 127.0.0.1:4292.\n"
      "The file is 429chain/context.yaml in XDG_CONFIG_HOME or ~/.config; CHAIN429_CONTEXT names another.");
  const ContextFile file(ContextFile::DefaultPath());
  CLI::App* set =
      AddLocalCommand(*group, arguments, "set", "Remember an address",
                      "  429ctl context set control.example:4292\n  429ctl context set unix:/run/429chain.sock",
                      [&arguments, file] { return RunContextSet(arguments.context, file, arguments.address); });
  set->add_option("address", arguments.address, "The control plane's gRPC address")->required()->type_name("ADDR:PORT");
  AddLocalCommand(*group, arguments, "show", "The address in use, and where it comes from",
                  "  429ctl context show\n  429ctl -o json context show | jq -r .control",
                  [&arguments, file] { return RunContextShow(arguments.context, file, OriginOf(arguments, file)); });
  AddLocalCommand(*group, arguments, "clear", "Forget the address", "  429ctl context clear",
                  [&arguments, file] { return RunContextClear(arguments.context, file); });
}

// What no flag and no variable says is taken from the context file.
absl::Status FindControl(Arguments& arguments) {
  if (!arguments.asks_control || arguments.control->count() > 0) return absl::OkStatus();
  absl::StatusOr<std::string> saved = ContextFile(ContextFile::DefaultPath()).Control();
  if (saved.ok() && !saved->empty()) arguments.context.control = *std::move(saved);
  return saved.status();
}

void AddUp(CLI::App& app, Arguments& arguments) {
  UpOptions& up = arguments.up;
  CLI::App* command = AddLocalCommand(
      app, arguments, "up", "Start both planes here, and simulated providers where there is no API key",
      "  429ctl up                                  the API keys in the environment, else simulated providers\n"
      "  429ctl up --demo --listen 127.0.0.1:8080\n"
      "  429ctl -o json up | jq -r .base_url        one line of JSON in place of the banner\n"
      "  GROQ_API_KEY=gsk_... 429ctl up             writes a configuration once, then uses it\n"
      "  429ctl up --config 429chain.yaml\n"
      "  429ctl up --state ./state                  keeps its configuration and what it learnt there\n"
      "\n"
      "Without --config: the configuration in the state folder, which is written at the first start with a key.\n"
      "Ctrl-C stops everything in order, a second one at once. Exit code 0 after that; 1 where something could not be\n"
      "started or has died.",
      [&arguments] { return RunUp(arguments.context, arguments.up); });
  command->add_flag("--demo", up.demo, "Simulated providers with a small steady traffic");
  command->add_flag("--no-traffic", up.no_traffic, "The demo without its traffic");
  command->add_option("--config", up.config, "Configuration file")->envname("CHAIN429_CONFIG")->type_name("FILE");
  command->add_option("--state", up.state, "Folder for what outlives a restart (default: that of XDG_STATE_HOME)")
      ->envname("CHAIN429_STATE")
      ->type_name("DIR");
  command->add_option("--listen", up.listen, "HTTP API; port 0 picks a free one")
      ->envname("CHAIN429_LISTEN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command->add_option("--admin", up.admin, "The proxy's admin port")
      ->envname("CHAIN429_ADMIN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command->add_option("--grpc-listen", up.grpc_listen, "The control plane's gRPC port")
      ->envname("CHAIN429_GRPC_LISTEN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command->add_option("--http-listen", up.http_listen, "The control plane's HTTP port")
      ->envname("CHAIN429_HTTP_LISTEN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command->add_option("--workers", up.workers, "Worker threads of the proxy (default: one per core)")
      ->envname("CHAIN429_WORKERS")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->add_flag("--insecure-listen", up.insecure_listen, "Listen beyond loopback without client keys");
}

void AddConfigCommands(CLI::App& app, Arguments& arguments) {
  CLI::App* validate =
      AddLocalCommand(app, arguments, "validate", "Check a configuration file, without any control plane",
                      "  429ctl validate 429chain.yaml\n"
                      "  429ctl -o json validate 429chain.yaml | jq '.problems[].message'",
                      [&arguments] { return RunValidate(arguments.context, arguments.file); });
  validate->add_option("file", arguments.file, "YAML or JSON; - for standard input")->required()->type_name("FILE");

  CLI::App* apply = AddCommand(app, arguments, "apply", "Apply a configuration as a whole",
                               "  429ctl apply -f 429chain.yaml\n"
                               "  429ctl apply -f 429chain.yaml --comment 'second Groq account'\n"
                               "  429ctl get config | sed 's/rpm: 30/rpm: 60/' | 429ctl apply -f -",
                               [&arguments] { return RunApply(arguments.context, arguments.file, arguments.comment); });
  apply->add_option("-f,--file", arguments.file, "YAML or JSON; - for standard input")->required()->type_name("FILE");
  apply->add_option("--comment", arguments.comment, "Why; stands in the control plane's log with the change")
      ->type_name("TEXT");

  CLI::App* get = app.add_subcommand("get", "Print what the control plane has");
  get->require_subcommand(1);
  get->footer("Examples:\n  429ctl get config > 429chain.yaml");
  AddCommand(*get, arguments, "config", "The configuration that serves, as it was written",
             "  429ctl get config > 429chain.yaml", [&arguments] { return RunGetConfig(arguments.context); });

  CLI::App* snapshot = AddCommand(
      app, arguments, "snapshot", "Save what a proxy can start with while the control plane is away",
      "  429ctl snapshot --out bootstrap.json && 429chain-proxy --bootstrap bootstrap.json\n"
      "\n"
      "No key of a provider is in it: a proxy uses credentials with proxy_env or proxy_file, and providers without\n"
      "any. Of client keys it holds SHA-256 hashes, and headers as configured unless their names look like "
      "credentials;\n"
      "the file is readable by its owner alone.",
      [&arguments] { return RunSnapshot(arguments.context, arguments.out); });
  snapshot->add_option("--out", arguments.out, "The file to write; without one, or with -, standard output")
      ->type_name("FILE");
}

void AddStateCommands(CLI::App& app, Arguments& arguments) {
  const CommandContext& context = arguments.context;
  AddCommand(app, arguments, "status", "Both planes in a few lines",
             "  429ctl status\n  429ctl --control 10.0.0.5:4292 status", [&context] { return RunStatus(context); });
  AddCommand(app, arguments, "chains", "Chains with their aliases and targets", "  429ctl chains",
             [&context] { return RunChains(context); });
  AddCommand(app, arguments, "proxies", "Proxies and the configuration that each serves", "  429ctl proxies",
             [&context] { return RunProxies(context); });
  CLI::App* pools =
      AddCommand(app, arguments, "pools", "Pools with what is used of their limits",
                 "  429ctl pools\n  429ctl pools groq/\n  429ctl -o json pools | jq '.pools[] | "
                 "select(.closure != \"none\") | .key'\n\n"
                 "Each limit is shown as `rpm 12/30 fixed (stated 88 %, 3 outside)`: what is used of it, how\n"
                 "its window moves (sliding, fixed, bucket), and who says that it holds: the configuration, the\n"
                 "catalogue, the provider's answers (stated), or what happened (inferred). The percentage is how\n"
                 "sure the way is in which the window moves, where nobody declares it: below 80 % it is counted\n"
                 "as sliding, which is safe for every provider. \"outside\" is used by somebody else. `-o json`\n"
                 "has all of it.",
                 [&arguments] { return RunPools(arguments.context, arguments.prefix, arguments.all); });
  pools->add_option("prefix", arguments.prefix, "Only pools whose name begins so")->type_name("PREFIX");
  pools->add_flag("--all", arguments.all, "Also those that are open and have no known limit");
  CLI::App* clear = AddCommand(app, arguments, "clear", "Open a pool that a cooldown has closed",
                               "  429ctl clear groq/main/openai/gpt-oss-120b",
                               [&arguments] { return RunClear(arguments.context, arguments.pool); });
  clear->add_option("pool", arguments.pool, "The pool's name, as `429ctl pools` shows it")
      ->required()
      ->type_name("POOL");
  AddLocalCommand(app, arguments, "version", "The version of this program", "  429ctl version",
                  [&context] { return RunVersion(context); });
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv) {
  Arguments arguments;
  arguments.up.called_as = argv[0];
  arguments.context.out = &std::cout;
  arguments.context.err = &std::cerr;
  arguments.context.colour = WantsColour(STDOUT_FILENO);

  CLI::App app(
      "429ctl: applies configurations to 429chain's control plane, shows the state of the fleet, starts both planes "
      "locally.");
  app.footer(
      "Examples:\n"
      "  429ctl up                        start everything on this host\n"
      "  429ctl init                      write a configuration from the API keys in the environment\n"
      "  429ctl validate 429chain.yaml    check a configuration\n"
      "  429ctl pools                     what each limit has left\n"
      "\n"
      "Each command has its own --help. Exit codes: 0 done, 1 refused or failed, 2 wrong command line or unreadable "
      "file,\n"
      "3 no control plane answers.");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", "429ctl " CHAIN429_VERSION);
  arguments.control =
      app.add_option("--control", arguments.context.control, "The control plane's gRPC address, or unix:PATH")
          ->envname("CHAIN429_CONTROL")
          ->type_name("ADDR:PORT")
          ->capture_default_str();
  AddControlTlsFlags(app, arguments.control_tls);
  const std::map<std::string, OutputFormat> formats = {{"text", OutputFormat::kText}, {"json", OutputFormat::kJson}};
  app.add_option("-o,--output", arguments.context.output, "text or json")
      ->transform(CLI::Transformer(formats).description("{text,json}"))
      ->type_name("FORMAT");
  AddUp(app, arguments);
  AddInit(app, arguments);
  AddContext(app, arguments);
  AddConfigCommands(app, arguments);
  AddStateCommands(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  absl::StatusOr<std::optional<PemPaths>> tls = ControlTlsPaths(arguments.control_tls);
  if (!tls.ok()) {
    std::cerr << "429ctl: " << tls.status().message() << "\n";
    return kExitUsage;
  }
  arguments.context.tls = *std::move(tls);
  if (const absl::Status found = FindControl(arguments); !found.ok()) return ReportFailure(arguments.context, found);
  return arguments.run();
}

}  // namespace chain429
