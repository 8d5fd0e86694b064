// 429chain-control: flags, signals, and nothing else.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/cli/flags.h"
#include "common/io/http_client.h"
#include "common/io/signals.h"
#include "controlplane/control.h"

namespace chain429 {
namespace {

struct Flags {
  std::string config;
  std::string store = "memory:";
  std::string grpc_listen = "127.0.0.1:4292";
  std::string http_listen = "127.0.0.1:4293";
  std::string log_level;
  std::string log_format;
  bool insecure_listen = false;
  std::string probe_listen;
  TlsFlags tls;
  ControlTlsFlags control_tls;
};

constexpr char kExamples[] = R"(
Examples:
  429chain-control --config 429chain.yaml
  429chain-control --config 429chain.yaml --store sqlite:/var/lib/429chain/state.db
  429chain-control --grpc-listen unix:/run/429chain.sock --http-listen 127.0.0.1:0
  429chain-control --config 429chain.yaml --grpc-listen 0.0.0.0:4292 --control-ca ca.pem --control-cert control.pem \
      --control-key control.key --probe-listen 0.0.0.0:4294
  429chain-control healthcheck --http-listen 127.0.0.1:4293

Keys of providers and clients are named in the configuration (env: or file:) and read here.
TLS: --tls-cert and --tls-key are for --http-listen; --probe-listen is always plain. Proxies and 429ctl reach
--grpc-listen plain on loopback and Unix sockets; beyond them it needs mutual TLS (--control-ca, --control-cert,
--control-key): only certificates of that authority are heard, and the name that proxies call must stand in this one.
Renewed certificate files are taken within seconds; bad ones are told in the log and leave the last.
Probes: /live, /ready and /metrics on --http-listen and --probe-listen, and the subcommand healthcheck.
A changed configuration file is taken within seconds, at once on SIGHUP; a bad one leaves the old one serving.
Every flag is also an environment variable: --grpc-listen is CHAIN429_GRPC_LISTEN.
)";

int Complain(const absl::Status& status, int code) {
  std::cerr << "429chain-control: " << status.message() << "\n";
  return code;
}

int HealthCheck(const Flags& flags) {
  const auto address = ParseSocketAddress(flags.http_listen);
  if (!address.ok()) return Complain(address.status(), kExitUsage);
  HttpCall call;
  call.address = *address;
  call.target = "/ready";
  call.tls = !flags.tls.cert.empty();
  const auto answer = CallHttp(call);
  if (!answer.ok()) return Complain(answer.status(), kExitFailed);
  return answer->status == 200 ? kExitOk : kExitFailed;
}

// Whoever reaches this port can change chains and is handed the providers' keys: there is no flag that opens it.
absl::Status CheckGrpc(const SocketAddress& address, bool mutual_tls) {
  if (mutual_tls || address.IsLoopback()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--grpc-listen ", address.ToString(),
      " is not loopback, and keys of providers leave this host only over mutual TLS: give --control-ca, --control-cert "
      "and --control-key, or use a loopback address or a Unix socket."));
}

absl::Status CheckHttp(const SocketAddress& address, bool insecure) {
  if (insecure || address.IsLoopback()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--http-listen ", address.ToString(),
                                                 " is not loopback, and this port asks for no authentication. Use a "
                                                 "loopback address, --probe-listen for probes and "
                                                 "metrics alone, or --insecure-listen if the network is trusted."));
}

absl::StatusOr<Control::Options> ToOptions(const CLI::App& app, const Flags& flags) {
  Control::Options options;
  ASSIGN_OR_RETURN(options.tls, TlsPaths(flags.tls));
  ASSIGN_OR_RETURN(options.control_tls, ControlTlsPaths(flags.control_tls));
  options.config_file = flags.config;
  options.store = flags.store;
  options.grpc_listen = flags.grpc_listen;
  if (!absl::StartsWith(flags.grpc_listen, "unix:")) {
    auto grpc = ParseListenAddress(flags.grpc_listen);
    if (!grpc.ok()) return FlagError(app, "--grpc-listen", grpc.status());
    RETURN_IF_ERROR(CheckGrpc(*grpc, options.control_tls.has_value()));
    options.grpc_listen = grpc->ToString();
  }
  auto http = ParseListenAddress(flags.http_listen);
  if (!http.ok()) return FlagError(app, "--http-listen", http.status());
  RETURN_IF_ERROR(CheckHttp(*http, flags.insecure_listen));
  options.http_listen = *http;
  if (!flags.probe_listen.empty()) {
    auto probe = ParseListenAddress(flags.probe_listen);
    if (!probe.ok()) return FlagError(app, "--probe-listen", probe.status());
    options.probe_listen = *probe;
  }
  return options;
}

int Serve(const CLI::App& app, const Flags& flags) {
  const SystemClock clock;
  LogControl log(clock, "control", "", {LogLevelFrom(flags.log_level), LogFormatFrom(flags.log_format)});
  Logger& logger = log.logger();
  auto options = ToOptions(app, flags);
  if (!options.ok()) return Complain(options.status(), kExitUsage);
  IgnoreBrokenPipes();
  boost::asio::io_context main_loop;
  Control* running = nullptr;
  std::atomic<int> asked{0};
  Signals signals(main_loop, {SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal == SIGHUP) {
      log.Reopen();
      if (running != nullptr) running->Reload();
      return;
    }
    if (asked.exchange(signal) != 0) _exit(kExitKilled);
    main_loop.stop();
  });
  auto control = Control::Start(*std::move(options), clock, log);
  if (!control.ok()) {
    std::cerr << control.status().message() << (absl::EndsWith(control.status().message(), "\n") ? "" : "\n");
    return kExitFailed;
  }
  running = control->get();
  const std::optional<SocketAddress> probe = running->probe_address();
  log.Announce(absl::StrCat("listening grpc=", running->grpc_address(), " http=", running->http_address().ToString(),
                            probe ? absl::StrCat(" probe=", probe->ToString()) : ""));
  const auto guard = boost::asio::make_work_guard(main_loop);
  main_loop.run();
  running = nullptr;
  control->reset();
  logger.Info("stopped");
  return kExitOk;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The control plane of 429chain: owns chains, cooldowns and quota, and tells every proxy.",
               "429chain-control"};
  app.footer(std::string(kExamples) + kExitCodes);
  app.set_version_flag("--version", std::string(kSoftwareVersion));
  app.option_defaults()->always_capture_default();
  app.add_option("--config", flags.config, "YAML or JSON file; without one it starts empty and 429ctl fills it")
      ->envname("CHAIN429_CONFIG");
  app.add_option("--store", flags.store, "sqlite:PATH, or memory: to forget everything with the process")
      ->envname("CHAIN429_STORE");
  app.add_option("--grpc-listen", flags.grpc_listen,
                 "ADDR:PORT for proxies and 429ctl, or unix:PATH; port 0 takes a free one")
      ->envname("CHAIN429_GRPC_LISTEN");
  app.add_option("--http-listen", flags.http_listen, "ADDR:PORT for probes, metrics and state")
      ->envname("CHAIN429_HTTP_LISTEN");
  app.add_option("--log-level", flags.log_level,
                 "debug, info, warning or error (default: the configuration's, or info)")
      ->envname("CHAIN429_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", flags.log_format, "text or json (default: the configuration's, or text)")
      ->envname("CHAIN429_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--probe-listen", flags.probe_listen,
                 "A second, read-only ADDR:PORT with probes and metrics alone, also beyond loopback")
      ->envname("CHAIN429_PROBE_LISTEN");
  AddTlsFlags(app, flags.tls, "--http-listen");
  AddControlTlsFlags(app, flags.control_tls);
  app.add_flag("--insecure-listen", flags.insecure_listen,
               "Let --http-listen go beyond loopback although it asks for no authentication")
      ->envname("CHAIN429_INSECURE_LISTEN");
  CLI::App* health =
      app.add_subcommand("healthcheck", "Exit 0 if the control plane at --http-listen is ready (for exec probes)");
  health->add_option("--http-listen", flags.http_listen, "ADDR:PORT of its HTTP port")->envname("CHAIN429_HTTP_LISTEN");
  health
      ->add_option("--tls-cert", flags.tls.cert, "If that port speaks TLS: its certificate file, as the server has it")
      ->envname("CHAIN429_TLS_CERT");
  GroupFlags(app, "What it serves", {"--config", "--store"});
  GroupFlags(app, "Where it listens", {"--grpc-listen", "--http-listen", "--probe-listen", "--insecure-listen"});
  GroupFlags(app, "TLS", {"--tls-cert", "--tls-key", "--control-ca", "--control-cert", "--control-key"});
  GroupFlags(app, "Log", {"--log-level", "--log-format"});
  if (const std::optional<int> ended = ParseFlags(app, argc, argv)) return *ended;
  return health->parsed() ? HealthCheck(flags) : Serve(app, flags);
}

}  // namespace
}  // namespace chain429

int main(int argc, char** argv) { return chain429::Main(argc, argv); }
