#include "controlplane/control.h"

#include <grpcpp/grpcpp.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/io/http_server.h"
#include "common/io/loop.h"
#include "common/io/tls_server.h"
#include "controlplane/api/admin_service.h"
#include "controlplane/api/grpc_admin.h"
#include "controlplane/api/rest.h"
#include "controlplane/fleet/fleet_thread.h"
#include "controlplane/fleet/grpc_fleet.h"
#include "controlplane/grpc_tls.h"
#include "controlplane/revisions/config_source.h"
#include "controlplane/revisions/config_watcher.h"
#include "controlplane/revisions/load_report.h"
#include "controlplane/store/store.h"

namespace chain429 {
namespace {

constexpr auto kPollInterval = std::chrono::seconds(1);        // of the configuration's files
constexpr auto kGoodbyeTime = std::chrono::milliseconds(500);  // for streams to end on their own
constexpr int kMaxMessageBytes = 8 << 20;
constexpr int kKeepaliveMs = 2000;

// Rises from process to process without anything stored, as long as clocks do not run back by more than a restart
// takes.
uint64_t RisingNumber(const Clock& clock) { return static_cast<uint64_t>(absl::ToUnixMillis(clock.Read().wall)); }

}  // namespace

// Declared in the order in which they are needed: what is destroyed first stands last.
struct Control::Parts {
  Parts(Options o, const Clock& c, LogControl& l, Catalogue known)
      : options(std::move(o)),
        clock(c),
        log(l),
        logger(l.logger()),
        catalogue(std::move(known)),
        broker(Epoch(RisingNumber(c)), SystemSeed()),
        registry(broker, logger, [this](std::vector<PoolMemory> memories) { Remember(std::move(memories)); }),
        fleet(c, [this](const Now& now) { return registry.EndTurn(now); }),
        grpc_fleet(fleet, registry, logger),
        config(ConfigSource::Options{&catalogue, LookUpZone, SystemEnvironment(), Version(RisingNumber(c))}),
        watcher(config),
        admin({&config_loop, &config, &catalogue, &fleet, &registry, &c,
               [this](const LoadReport& report) { OnLoad(report); }, &counters, &l}),
        grpc_admin(admin),
        rest(RestRoutes(admin)),
        probes(ProbeRoutes(admin)),
        poll_timer(config_loop.context()) {
    AddLogRoutes(rest, "/api/v1/log", log);
  }

  void Remember(std::vector<PoolMemory> memories) {
    store_loop.Post([this, memories = std::move(memories)] {
      const absl::Status saved = store->SavePools(memories);
      (saved.ok() ? counters.store_writes : counters.store_failures).fetch_add(1, std::memory_order_relaxed);
      if (!saved.ok()) {
        logger.Error("cooldowns and limits were not stored", {{"error", FromAbsl(saved.message())}});
      }
    });
  }

  void OnLoad(const LoadReport& report) {
    // First, so that the file's own settings hold for what is said about it.
    if (report.accepted) {
      log.Apply(config.snapshot()->log);
      counters.config_taken_at_millis.store(absl::ToUnixMillis(clock.Read().wall), std::memory_order_relaxed);
    }
    LogLoad(report, logger);
    if (report.changed) Publish();
  }

  void Publish() {
    fleet.Post([this, snapshot = config.snapshot()](const Now& now) { registry.SetSnapshot(snapshot, now); });
  }

  void PollLater() {
    poll_timer.expires_after(kPollInterval);
    poll_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      if (watcher.Poll()) OnLoad(watcher.report());
      PollLater();
    });
  }

  absl::Status LoadAtStart() {
    if (options.config_file.empty()) return absl::OkStatus();
    absl::Status status;
    config_loop.Run([&] {
      const LoadReport report = config.LoadFile(options.config_file);
      if (!report.accepted) {
        status = absl::InvalidArgumentError(config.last_error());
        return;
      }
      OnLoad(report);
    });
    return status;
  }

  absl::Status ListenGrpc() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.grpc_listen,
                             grpc_tls != nullptr ? grpc_tls->credentials() : grpc::InsecureServerCredentials(),
                             &grpc_port);
    builder.RegisterService(&grpc_fleet);
    builder.RegisterService(&grpc_admin);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    // Proxies ping to notice a control plane that stands still; the default takes that for abuse.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    // Nor may a proxy that fell silent (a cut network, a stopped machine) keep what it holds for long.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    server = builder.BuildAndStart();
    const bool unix_socket = absl::StartsWith(options.grpc_listen, "unix:");
    if (server == nullptr || (!unix_socket && grpc_port <= 0)) {
      return absl::UnavailableError(absl::StrCat("--grpc-listen: cannot listen on ", options.grpc_listen,
                                                 "; is it in use? Choose another port, or 0 for a free one."));
    }
    return absl::OkStatus();
  }

  absl::Status ListenHttp() {
    HttpServerOptions server_options;
    server_options.listen = options.http_listen;
    server_options.tls = http_tls.get();
    RETURN_IF_ERROR(Serve(server_options, rest, http));
    if (!options.probe_listen) return absl::OkStatus();
    server_options.listen = *options.probe_listen;
    server_options.tls = nullptr;
    return Serve(server_options, probes, probe);
  }

  absl::Status Serve(const HttpServerOptions& server_options, const Router& router,
                     std::unique_ptr<HttpServer>& server_out) {
    absl::Status status;
    http_loop.Run([&] {
      auto listening =
          HttpServer::Listen(http_loop.context(), server_options,
                             HttpServer::AsyncHandler([&router](HttpRequest request, HttpServer::Reply reply) {
                               router.Handle(std::move(request), std::move(reply));
                             }));
      if (listening.ok()) {
        server_out = *std::move(listening);
      } else {
        status = listening.status();
      }
    });
    return status;
  }

  // Reads the certificates, and follows their files from then on.
  absl::Status LoadCertificates() {
    if (options.tls) {
      ASSIGN_OR_RETURN(PemTexts texts, ReadPem(*options.tls));
      ASSIGN_OR_RETURN(http_tls, TlsServerContext::Create(texts));
      Follow(PemWatch(*options.tls, std::move(texts)),
             [this](const PemTexts& changed) { return http_tls->Replace(changed); });
    }
    if (options.control_tls && !absl::StartsWith(options.grpc_listen, "unix:")) {
      ASSIGN_OR_RETURN(PemTexts texts, ReadPem(*options.control_tls));
      grpc_tls = std::make_unique<GrpcServerTls>(texts);
      Follow(PemWatch(*options.control_tls, std::move(texts)), [this](const PemTexts& changed) {
        grpc_tls->Replace(changed);
        return absl::OkStatus();
      });
    }
    return absl::OkStatus();
  }

  void Follow(PemWatch watch, PemReload::Take take) {
    http_loop.Run([&] {
      reloads.push_back(std::make_unique<PemReload>(http_loop.context(), std::move(watch), std::move(take), logger));
    });
  }

  const Options options;
  const Clock& clock;
  LogControl& log;
  Logger& logger;
  const Catalogue catalogue;
  ControlCounters counters;
  std::unique_ptr<Store> store;
  Loop store_loop{"store"};
  Loop config_loop{"config"};
  Loop http_loop{"http"};
  Broker broker;
  Registry registry;
  FleetThread fleet;
  GrpcFleet grpc_fleet;
  ConfigSource config;
  ConfigWatcher watcher;
  AdminService admin;
  GrpcAdmin grpc_admin;
  Router rest;
  Router probes;
  boost::asio::steady_timer poll_timer;
  int grpc_port = 0;
  std::unique_ptr<GrpcServerTls> grpc_tls;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<TlsServerContext> http_tls;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<HttpServer> probe;
  std::vector<std::unique_ptr<PemReload>> reloads;
};

absl::StatusOr<std::unique_ptr<Control>> Control::Start(Options options, const Clock& clock, LogControl& log) {
  ASSIGN_OR_RETURN(Catalogue catalogue, Catalogue::Builtin());
  std::unique_ptr<Control> control(
      new Control(std::make_unique<Parts>(std::move(options), clock, log, std::move(catalogue))));
  Parts& parts = *control->parts_;
  ASSIGN_OR_RETURN(parts.store, OpenStore(parts.options.store));
  ASSIGN_OR_RETURN(std::vector<PoolMemory> memories, parts.store->LoadPools());
  const size_t remembered = memories.size();
  parts.broker.Recall(std::move(memories));
  parts.fleet.Start();
  parts.logger.Info("this control plane grants permits", {{"epoch", static_cast<int64_t>(parts.broker.epoch().value())},
                                                          {"store", std::string_view(parts.options.store)},
                                                          {"pools_remembered", static_cast<int64_t>(remembered)}});
  RETURN_IF_ERROR(parts.LoadAtStart());
  RETURN_IF_ERROR(parts.LoadCertificates());
  RETURN_IF_ERROR(parts.ListenHttp());
  RETURN_IF_ERROR(parts.ListenGrpc());
  parts.config_loop.Post([&parts] { parts.PollLater(); });
  return control;
}

Control::Control(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Control::~Control() {
  Parts& parts = *parts_;
  // New questions stop first, then those who answer them.
  parts.http_loop.Run([&] {
    parts.http.reset();
    parts.probe.reset();
    parts.reloads.clear();
  });
  parts.config_loop.Run([&] { parts.poll_timer.cancel(); });
  if (parts.server != nullptr) {
    parts.fleet.Run([&](const Now&) { parts.registry.EndStreams("the control plane is stopping"); });
    parts.server->Shutdown(std::chrono::system_clock::now() + kGoodbyeTime);
    parts.server->Wait();
  }
  parts.fleet.Run([&](const Now& now) { parts.Remember(parts.broker.TakeMemories(now)); });
  parts.fleet.Stop();
  parts.http_loop.Stop();
  parts.config_loop.Stop();
  parts.store_loop.Run([] {});  // what is queued before this is stored
  parts.store_loop.Stop();
}

void Control::Reload() {
  parts_->config_loop.Post([this] {
    if (parts_->options.config_file.empty() && parts_->config.config() == nullptr) return;
    parts_->OnLoad(parts_->config.Reload());
  });
}

std::string Control::grpc_address() const {
  const std::string& listen = parts_->options.grpc_listen;
  if (absl::StartsWith(listen, "unix:")) return listen;
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", parts_->grpc_port);
}

SocketAddress Control::http_address() const { return parts_->http->address(); }

std::optional<SocketAddress> Control::probe_address() const {
  return parts_->probe == nullptr ? std::nullopt : std::optional<SocketAddress>(parts_->probe->address());
}

}  // namespace chain429
