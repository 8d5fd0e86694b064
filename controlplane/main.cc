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
#include "common/base/text.h"
#include "common/base/version.h"
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
};

constexpr char kExamples[] = R"(
Examples:
  429chain-control --config 429chain.yaml
  429chain-control --config 429chain.yaml --store sqlite:/var/lib/429chain/state.db
  429chain-control --grpc-listen unix:/run/429chain.sock --http-listen 127.0.0.1:0
  429chain-control healthcheck --http-listen 127.0.0.1:4293

A changed configuration file is taken within seconds, at once on SIGHUP; a bad one leaves the old one serving.
Every flag is also an environment variable: --grpc-listen is CHAIN429_GRPC_LISTEN.
)";

int Complain(const absl::Status& status) {
  std::cerr << "429chain-control: " << status.message() << "\n";
  return 1;
}

int HealthCheck(const Flags& flags) {
  const auto address = ParseSocketAddress(flags.http_listen);
  if (!address.ok()) return Complain(address.status());
  HttpCall call;
  call.address = *address;
  call.target = "/ready";
  const auto answer = CallHttp(call);
  if (!answer.ok()) return Complain(answer.status());
  return answer->status == 200 ? 0 : 1;
}

// Whoever reaches these ports can read keys and change chains.
absl::Status CheckLoopback(const char* flag, const SocketAddress& address, bool insecure) {
  if (insecure || address.IsLoopback()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      flag, " ", address.ToString(),
      " is not loopback, and this port asks for no authentication. Use a loopback address or a Unix socket, or "
      "--insecure-listen if the network is trusted."));
}

absl::StatusOr<Control::Options> ToOptions(const Flags& flags) {
  Control::Options options;
  options.config_file = flags.config;
  options.store = flags.store;
  options.grpc_listen = flags.grpc_listen;
  if (!absl::StartsWith(flags.grpc_listen, "unix:")) {
    auto grpc = ParseListenAddress(flags.grpc_listen);
    if (!grpc.ok()) return absl::InvalidArgumentError(absl::StrCat("--grpc-listen: ", grpc.status().message()));
    if (absl::Status open = CheckLoopback("--grpc-listen", *grpc, flags.insecure_listen); !open.ok()) return open;
    options.grpc_listen = grpc->ToString();
  }
  auto http = ParseListenAddress(flags.http_listen);
  if (!http.ok()) return absl::InvalidArgumentError(absl::StrCat("--http-listen: ", http.status().message()));
  if (absl::Status open = CheckLoopback("--http-listen", *http, flags.insecure_listen); !open.ok()) return open;
  options.http_listen = *http;
  return options;
}

int Serve(const Flags& flags) {
  const SystemClock clock;
  LogControl log(clock, "control", "", {LogLevelFrom(flags.log_level), LogFormatFrom(flags.log_format)});
  Logger& logger = log.logger();
  auto options = ToOptions(flags);
  if (!options.ok()) return Complain(options.status());
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
    if (asked.exchange(signal) != 0) _exit(130);  // asked twice: at once
    main_loop.stop();
  });
  auto control = Control::Start(*std::move(options), clock, log);
  if (!control.ok()) {
    std::cerr << control.status().message() << (absl::EndsWith(control.status().message(), "\n") ? "" : "\n");
    return 1;
  }
  running = control->get();
  log.Announce(absl::StrCat("listening grpc=", running->grpc_address(), " http=", running->http_address().ToString()));
  const auto guard = boost::asio::make_work_guard(main_loop);
  main_loop.run();
  running = nullptr;
  control->reset();
  logger.Info("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The control plane of 429chain: owns chains, cooldowns and quota, and tells every proxy.",
               "429chain-control"};
  app.footer(kExamples);
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
  app.add_flag("--insecure-listen", flags.insecure_listen,
               "Listen beyond loopback although these ports ask for no authentication")
      ->envname("CHAIN429_INSECURE_LISTEN");
  CLI::App* health =
      app.add_subcommand("healthcheck", "Exit 0 if the control plane at --http-listen is ready (for exec probes)");
  health->add_option("--http-listen", flags.http_listen, "ADDR:PORT of its HTTP port")->envname("CHAIN429_HTTP_LISTEN");
  CLI11_PARSE(app, argc, argv);
  return health->parsed() ? HealthCheck(flags) : Serve(flags);
}

}  // namespace
}  // namespace chain429

int main(int argc, char** argv) { return chain429::Main(argc, argv); }
