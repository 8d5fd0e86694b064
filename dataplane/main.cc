// 429chain-proxy: flags, signals, and nothing else.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/cli/flags.h"
#include "common/io/http_client.h"
#include "common/io/signals.h"
#include "dataplane/link/bootstrap.h"
#include "dataplane/proxy.h"

namespace chain429 {
namespace {

constexpr auto kLookAround = std::chrono::milliseconds(100);
constexpr auto kDrainPause = std::chrono::milliseconds(20);
constexpr size_t kUsualConnections = 4096;

struct Flags {
  std::string control = "127.0.0.1:4292";
  std::string listen = "127.0.0.1:4290";
  std::string admin = "127.0.0.1:4291";
  std::string probe_listen;
  std::string node;
  std::string advertise;
  std::string bootstrap;
  std::string log_level;
  std::string log_format;
  std::string drain_delay = "0s";
  std::string grace = "30s";
  TlsFlags tls;
  ControlTlsFlags control_tls;
  int workers = 0;
  size_t max_connections = 0;
  size_t max_body_mb = 32;
  size_t max_upstream_connections = UpstreamPool::Options().max_per_host;
  bool insecure_listen = false;
};

constexpr char kExamples[] = R"(
Examples:
  429chain-proxy --control 127.0.0.1:4292
  429chain-proxy --control control-a:4292,control-b:4292 --node team-a/laptop \
      --control-ca ca.pem --control-cert proxy.pem --control-key proxy.key
  429chain-proxy --control unix:/run/429chain.sock --listen 127.0.0.1:0
  429chain-proxy healthcheck --admin 127.0.0.1:4291

Keys of providers come from the control plane; credentials that the configuration marks proxy_env: or proxy_file: are read
from this process's environment and files. Clients show the keys of the configuration's auth.client_keys.
TLS: --tls-cert and --tls-key are for --listen; --admin and --probe-listen are always plain, for probes and loopback.
Renewed certificate files are taken within seconds; bad ones are told in the log and leave the last.
Probes: /live, /ready and /metrics on --admin and --probe-listen, and the subcommand healthcheck.
Ending: SIGTERM, SIGINT and POST /drain do the same: /ready falls at once, connections are taken for --drain-delay more,
open requests have --drain-grace to end, then the program exits 0.
Every flag is also an environment variable: --listen is CHAIN429_LISTEN, --control-ca is CHAIN429_CONTROL_CA.

Also from the environment, lower-case names first: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY (http://[user:password@]host:port,
between this program and providers), NO_PROXY (whom to call directly: domains and addresses, with :port if wanted,
networks, or *; loopback always is called directly), SSL_CERT_FILE and SSL_CERT_DIR (authorities of providers'
certificates).
)";

std::string DefaultNode() {
  char name[256] = "proxy";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string RandomId() {
  Random random(SystemSeed());
  return absl::StrCat(absl::Hex(random.Next(), absl::kZeroPad16), absl::Hex(random.Next(), absl::kZeroPad16));
}

int Complain(const absl::Status& status, int code) {
  std::cerr << "429chain-proxy: " << status.message() << "\n";
  return code;
}

int HealthCheck(const Flags& flags) {
  const auto address = ParseSocketAddress(flags.admin);
  if (!address.ok()) return Complain(address.status(), kExitUsage);
  HttpCall call;
  call.address = *address;
  call.target = "/ready";
  const auto answer = CallHttp(call);
  if (!answer.ok()) return Complain(answer.status(), kExitFailed);
  if (answer->status == 200) return kExitOk;
  std::cerr << "429chain-proxy: not ready: " << answer->body << "\n";
  return kExitFailed;
}

absl::StatusOr<Proxy::Options> ToOptions(const CLI::App& app, const Flags& flags) {
  Proxy::Options options;
  auto listen = ParseListenAddress(flags.listen);
  if (!listen.ok()) return FlagError(app, "--listen", listen.status());
  options.listen = *listen;
  auto admin = ParseListenAddress(flags.admin);
  if (!admin.ok()) return FlagError(app, "--admin", admin.status());
  options.admin = *admin;
  if (!flags.probe_listen.empty()) {
    auto probe = ParseListenAddress(flags.probe_listen);
    if (!probe.ok()) return FlagError(app, "--probe-listen", probe.status());
    options.probe_listen = *probe;
  }
  ASSIGN_OR_RETURN(options.tls, TlsPaths(flags.tls));
  ASSIGN_OR_RETURN(options.link.tls, ControlTlsPaths(flags.control_tls));
  auto delay = ParseConfigDuration(flags.drain_delay);
  if (!delay.ok()) return FlagError(app, "--drain-delay", delay.status());
  options.drain_delay = *delay;
  auto grace = ParseConfigDuration(flags.grace);
  if (!grace.ok()) return FlagError(app, "--drain-grace", grace.status());
  options.grace = *grace;
  options.workers = flags.workers;
  options.max_body_bytes = flags.max_body_mb << 20;
  options.insecure_listen = flags.insecure_listen;
  options.upstream.max_per_host = flags.max_upstream_connections;
  auto proxies = OutboundProxies::FromEnvironment([](const char* name) { return std::getenv(name); });
  if (!proxies.ok()) return proxies.status();
  options.upstream.proxies = *std::move(proxies);
  if (!options.admin.IsLoopback() && !flags.insecure_listen) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--admin ", flags.admin,
        " is not loopback, and the admin port asks for no key. Use a loopback address, --probe-listen for probes and "
        "metrics alone, or --insecure-listen if the network is trusted."));
  }
  for (const absl::string_view address : absl::StrSplit(flags.control, ',', absl::SkipWhitespace()))
    options.link.addresses.emplace_back(address);
  options.link.node = flags.node.empty() ? DefaultNode() : flags.node;
  options.link.boot_id = RandomId();
  options.link.advertise = flags.advertise;
  options.link.software_version = kSoftwareVersion;
  return options;
}

void LogOutboundProxies(const Logger& logger, const OutboundProxies& proxies) {
  if (const OutboundProxy* proxy = proxies.https())
    logger.Info("providers over https are called through a proxy", {{"proxy", proxy->name}});
  if (const OutboundProxy* proxy = proxies.http())
    logger.Info("providers over http are called through a proxy", {{"proxy", proxy->name}});
}

// As many connections as were asked for, or as the limit of open files lets be.
size_t MaxConnections(size_t asked, const Logger& logger) {
  const size_t files = RaiseFileLimit();
  const size_t room = Admission::Within(files);
  if (asked > room) {
    logger.Warning("the limit of open files is too low for --max-connections; raise it (ulimit -n, LimitNOFILE)",
                   {{"max_connections", static_cast<int64_t>(asked)},
                    {"needed", static_cast<int64_t>(Admission::FilesFor(asked))},
                    {"limit", static_cast<int64_t>(files)},
                    {"taken", static_cast<int64_t>(room)}});
  } else if (asked == 0 && room < kUsualConnections) {
    logger.Warning("the limit of open files is low; raise it (ulimit -n, LimitNOFILE) for more connections",
                   {{"limit", static_cast<int64_t>(files)}, {"max_connections", static_cast<int64_t>(room)}});
  }
  return asked == 0 ? room : std::min(asked, room);
}

// The buffer of a large body goes back to the system when it is freed. By itself glibc raises its threshold to the
// largest buffer it has seen, and from then on keeps such buffers in heaps that small objects pin. What is smaller is
// not given back for every request either: that would cost a call each.
void GiveLargeBuffersBack() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 512 << 10);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

int Serve(const CLI::App& app, const Flags& flags) {
  GiveLargeBuffersBack();
  const SystemClock clock;
  auto options = ToOptions(app, flags);
  if (!options.ok()) return Complain(options.status(), kExitUsage);
  LogControl log(clock, "proxy", options->link.node, {LogLevelFrom(flags.log_level), LogFormatFrom(flags.log_format)});
  Logger& logger = log.logger();
  LogOutboundProxies(logger, options->upstream.proxies);
  if (const std::string problem = AuthoritiesProblem(); !problem.empty()) logger.Warning(problem);
  if (!flags.bootstrap.empty()) {
    auto snapshot = LoadBootstrap(flags.bootstrap, logger);
    if (!snapshot.ok()) return Complain(snapshot.status(), kExitUsage);
    options->link.bootstrap = *std::move(snapshot);
  }
  IgnoreBrokenPipes();
  options->max_connections = MaxConnections(flags.max_connections, logger);
  boost::asio::io_context main_loop;
  // Handlers are in place before anything is announced, so that no signal finds the default action.
  std::atomic<int> caught{0};
  Signals signals(main_loop, {SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal == SIGHUP) {
      log.Reopen();
      return;
    }
    if (caught.exchange(signal) != 0) _exit(kExitKilled);
  });
  auto proxy = Proxy::Start(*std::move(options), clock, log);
  if (!proxy.ok()) return Complain(proxy.status(), kExitFailed);
  const SocketAddress* probe = (*proxy)->probe_address();
  log.Announce(absl::StrCat("listening api=", (*proxy)->listen_address().ToString(),
                            " admin=", (*proxy)->admin_address().ToString(),
                            probe == nullptr ? "" : absl::StrCat(" probe=", probe->ToString())));
  const auto guard = boost::asio::make_work_guard(main_loop);
  while (caught == 0 && !(*proxy)->draining() && !(*proxy)->refused_open()) main_loop.run_one_for(kLookAround);
  if ((*proxy)->refused_open()) return kExitFailed;
  (*proxy)->BeginDrain();
  // Signals are still heard: whoever asks twice does not wait for the grace.
  (*proxy)->FinishDrain([&] { main_loop.run_for(kDrainPause); });
  proxy->reset();
  logger.Info("stopped");
  return kExitOk;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The data plane of 429chain: answers OpenAI-compatible requests by walking chains of providers.",
               "429chain-proxy"};
  app.footer(std::string(kExamples) + kExitCodes);
  app.set_version_flag("--version", std::string(kSoftwareVersion));
  app.option_defaults()->always_capture_default();
  app.add_option("--control", flags.control, "Control plane, HOST:PORT or unix:PATH; several with commas")
      ->envname("CHAIN429_CONTROL");
  app.add_option("--listen", flags.listen, "ADDR:PORT of the API; port 0 takes a free one")->envname("CHAIN429_LISTEN");
  app.add_option("--admin", flags.admin, "ADDR:PORT of probes, metrics, dumps and drain")
      ->envname("CHAIN429_ADMIN")
      ->configurable();
  app.add_option("--probe-listen", flags.probe_listen, "A second, read-only ADDR:PORT with probes and metrics alone")
      ->envname("CHAIN429_PROBE_LISTEN");
  app.add_option("--node", flags.node, "This proxy's name (default: the host's)")->envname("CHAIN429_NODE");
  app.add_option("--workers", flags.workers, "Threads; 0 is one per core")
      ->envname("CHAIN429_WORKERS")
      ->check(CLI::Range(0, 256));
  app.add_option("--advertise", flags.advertise, "HOST:PORT under which others reach this proxy")
      ->envname("CHAIN429_ADVERTISE");
  app.add_option("--bootstrap", flags.bootstrap,
                 "File of `429ctl snapshot`: served until the control plane sends a snapshot")
      ->envname("CHAIN429_BOOTSTRAP");
  app.add_option("--max-body-mb", flags.max_body_mb, "Largest request body, in MiB")
      ->envname("CHAIN429_MAX_BODY_MB")
      ->check(CLI::Range(1, 1024));
  app.add_option("--max-upstream-connections", flags.max_upstream_connections,
                 "Connections to one provider's host, for each worker; further calls wait")
      ->envname("CHAIN429_MAX_UPSTREAM_CONNECTIONS")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--drain-delay", flags.drain_delay, "After SIGTERM, connections are still taken for so long")
      ->envname("CHAIN429_DRAIN_DELAY");
  app.add_option("--drain-grace", flags.grace, "Time for open requests to end")->envname("CHAIN429_DRAIN_GRACE");
  app.add_option(
         "--max-connections", flags.max_connections,
         "Clients' connections beyond which new ones are refused; 0 is three quarters of the limit of open files")
      ->envname("CHAIN429_MAX_CONNECTIONS")
      ->check(CLI::Range(0, 100'000'000));
  AddTlsFlags(app, flags.tls, "--listen");
  AddControlTlsFlags(app, flags.control_tls);
  app.add_option("--log-level", flags.log_level,
                 "debug, info, warning or error (default: the configuration's, or info)")
      ->envname("CHAIN429_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", flags.log_format, "text or json (default: the configuration's, or text)")
      ->envname("CHAIN429_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--insecure-listen", flags.insecure_listen,
               "Listen beyond loopback although no client key is configured")
      ->envname("CHAIN429_INSECURE_LISTEN");
  CLI::App* health = app.add_subcommand("healthcheck", "Exit 0 if the proxy at --admin is ready (for exec probes)");
  health->add_option("--admin", flags.admin, "ADDR:PORT of the admin port")->envname("CHAIN429_ADMIN");
  GroupFlags(app, "Control plane",
             {"--control", "--node", "--advertise", "--bootstrap", "--control-ca", "--control-cert", "--control-key"});
  GroupFlags(app, "Where it listens",
             {"--listen", "--tls-cert", "--tls-key", "--admin", "--probe-listen", "--insecure-listen"});
  GroupFlags(app, "Sizes", {"--workers", "--max-connections", "--max-upstream-connections", "--max-body-mb"});
  GroupFlags(app, "Ending", {"--drain-delay", "--drain-grace"});
  GroupFlags(app, "Log", {"--log-level", "--log-format"});
  if (const std::optional<int> ended = ParseFlags(app, argc, argv)) return *ended;
  return health->parsed() ? HealthCheck(flags) : Serve(app, flags);
}

}  // namespace
}  // namespace chain429

int main(int argc, char** argv) { return chain429::Main(argc, argv); }
