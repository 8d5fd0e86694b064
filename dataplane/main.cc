// 429chain-proxy: flags, signals, and nothing else.
#include <signal.h>
#include <sys/resource.h>
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
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/io/http_client.h"
#include "common/io/signals.h"
#include "dataplane/proxy.h"

namespace chain429 {
namespace {

struct Flags {
  std::string control = "127.0.0.1:4292";
  std::string listen = "127.0.0.1:4290";
  std::string admin = "127.0.0.1:4291";
  std::string probe_listen;
  std::string node;
  std::string advertise;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string drain_delay = "0s";
  std::string grace = "30s";
  std::string control_ca;
  std::string control_cert;
  std::string control_key;
  int workers = 0;
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

int Complain(const absl::Status& status) {
  std::cerr << "429chain-proxy: " << status.message() << "\n";
  return 1;
}

int HealthCheck(const Flags& flags) {
  const auto address = ParseSocketAddress(flags.admin);
  if (!address.ok()) return Complain(address.status());
  HttpCall call;
  call.address = *address;
  call.target = "/ready";
  const auto answer = CallHttp(call);
  if (!answer.ok()) return Complain(answer.status());
  if (answer->status == 200) return 0;
  std::cerr << "429chain-proxy: not ready: " << answer->body << "\n";
  return 1;
}

absl::StatusOr<Proxy::Options> ToOptions(const Flags& flags) {
  Proxy::Options options;
  auto listen = ParseListenAddress(flags.listen);
  if (!listen.ok()) return absl::InvalidArgumentError(absl::StrCat("--listen: ", listen.status().message()));
  options.listen = *listen;
  auto admin = ParseListenAddress(flags.admin);
  if (!admin.ok()) return absl::InvalidArgumentError(absl::StrCat("--admin: ", admin.status().message()));
  options.admin = *admin;
  options.probe_listen = flags.probe_listen;
  auto delay = ParseConfigDuration(flags.drain_delay);
  if (!delay.ok()) return absl::InvalidArgumentError(absl::StrCat("--drain-delay: ", delay.status().message()));
  options.drain_delay = *delay;
  auto grace = ParseConfigDuration(flags.grace);
  if (!grace.ok()) return absl::InvalidArgumentError(absl::StrCat("--drain-grace: ", grace.status().message()));
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
  if (!flags.control_ca.empty() || !flags.control_cert.empty() || !flags.control_key.empty()) {
    options.link.tls = GrpcLink::Tls{flags.control_ca, flags.control_cert, flags.control_key};
  }
  return options;
}

void LogOutboundProxies(const Logger& logger, const OutboundProxies& proxies) {
  if (const OutboundProxy* proxy = proxies.https())
    logger.Info("providers over https are called through a proxy", {{"proxy", proxy->name}});
  if (const OutboundProxy* proxy = proxies.http())
    logger.Info("providers over http are called through a proxy", {{"proxy", proxy->name}});
}

// Each open request takes two descriptors; the soft limit of many systems is 1,024.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Serve(const Flags& flags) {
  const SystemClock clock;
  const LogLevel level = flags.log_level == "debug"     ? LogLevel::kDebug
                         : flags.log_level == "warning" ? LogLevel::kWarning
                         : flags.log_level == "error"   ? LogLevel::kError
                                                        : LogLevel::kInfo;
  Logger logger(clock, "proxy", level, flags.log_format == "json" ? LogFormat::kJson : LogFormat::kText);
  auto options = ToOptions(flags);
  if (!options.ok()) return Complain(options.status());
  LogOutboundProxies(logger, options->upstream.proxies);
  if (const std::string problem = AuthoritiesProblem(); !problem.empty()) logger.Warning(problem);
  IgnoreBrokenPipes();
  RaiseFileLimit();
  boost::asio::io_context main_loop;
  // Handlers are in place before anything is announced, so that no signal finds the default action.
  std::atomic<int> caught{0};
  Signals signals(main_loop, {SIGTERM, SIGINT}, [&](int signal) {
    if (caught.exchange(signal) != 0) _exit(130);  // asked twice: at once
    main_loop.stop();
  });
  auto proxy = Proxy::Start(*std::move(options), clock, logger);
  if (!proxy.ok()) return Complain(proxy.status());
  logger.Info(absl::StrCat("listening api=", (*proxy)->listen_address().ToString(),
                           " admin=", (*proxy)->admin_address().ToString()));
  const auto guard = boost::asio::make_work_guard(main_loop);
  while (!main_loop.stopped() && !(*proxy)->refused_open()) main_loop.run_for(std::chrono::milliseconds(200));
  if ((*proxy)->refused_open()) return 1;
  (*proxy)->BeginDrain();
  (*proxy)->FinishDrain();
  proxy->reset();
  logger.Info("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The data plane of 429chain: answers OpenAI-compatible requests by walking chains of providers.",
               "429chain-proxy"};
  app.footer(kExamples);
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
  app.add_option("--control-ca", flags.control_ca, "PEM file: authority of the control plane's certificate")
      ->envname("CHAIN429_CONTROL_CA");
  app.add_option("--control-cert", flags.control_cert, "PEM file: this proxy's certificate")
      ->envname("CHAIN429_CONTROL_CERT");
  app.add_option("--control-key", flags.control_key, "PEM file: its key")->envname("CHAIN429_CONTROL_KEY");
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->envname("CHAIN429_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", flags.log_format, "text or json")
      ->envname("CHAIN429_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--insecure-listen", flags.insecure_listen,
               "Listen beyond loopback although no client key is configured")
      ->envname("CHAIN429_INSECURE_LISTEN");
  CLI::App* health = app.add_subcommand("healthcheck", "Exit 0 if the proxy at --admin is ready (for exec probes)");
  health->add_option("--admin", flags.admin, "ADDR:PORT of the admin port")->envname("CHAIN429_ADMIN");
  CLI11_PARSE(app, argc, argv);
  return health->parsed() ? HealthCheck(flags) : Serve(flags);
}

}  // namespace
}  // namespace chain429

int main(int argc, char** argv) { return chain429::Main(argc, argv); }
