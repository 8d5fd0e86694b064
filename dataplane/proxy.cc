#include "dataplane/proxy.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/io/http_router.h"
#include "dataplane/admin/admin.h"

namespace chain429 {

absl::StatusOr<std::unique_ptr<Proxy>> Proxy::Start(Options options, const Clock& clock, LogControl& log) {
  std::unique_ptr<Proxy> proxy(new Proxy(std::move(options), clock, log));
  RETURN_IF_ERROR(proxy->Init());
  return proxy;
}

Proxy::Proxy(Options options, const Clock& clock, LogControl& log)
    : options_(std::move(options)), clock_(clock), log_(log), logger_(log.logger()), started_(clock.Read().mono) {}

Proxy::~Proxy() {
  // The admin port asks workers and link: it goes first. Workers submit to the link until they have stopped.
  if (admin_loop_ != nullptr) {
    admin_loop_->Run([this] {
      admin_.reset();
      probe_.reset();
      tls_reload_.reset();
    });
    admin_loop_->Stop();
  }
  for (const auto& worker : workers_) worker->Stop();
  if (link_ != nullptr) link_->Stop();
}

absl::Status Proxy::Init() {
  ASSIGN_OR_RETURN(tls_, TlsClientContext::Create());
  const int count =
      options_.workers > 0 ? options_.workers : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (count > 256) return absl::InvalidArgumentError("--workers: at most 256");
  RETURN_IF_ERROR(InitTls());
  admission_ = std::make_unique<Admission>(static_cast<size_t>(count), options_.max_connections);
  const uint64_t seed = SystemSeed();
  SocketAddress listen = options_.listen;
  std::vector<WorkerPort*> ports;
  for (int i = 0; i < count; ++i) {
    Worker::Options worker;
    worker.index = static_cast<uint8_t>(i);
    worker.max_body_bytes = options_.max_body_bytes;
    worker.keys_required = !options_.listen.IsLoopback() && !options_.insecure_listen;
    worker.upstream = options_.upstream;
    worker.tls = listener_tls_.get();
    workers_.push_back(
        std::make_unique<Worker>(worker, clock_, logger_, tls_.get(), look_ups_, seed + static_cast<uint64_t>(i)));
    RETURN_IF_ERROR(workers_.back()->Listen(listen));
    listen = workers_.back()->address();  // with the real port, for the next
    ports.push_back(workers_.back().get());
  }
  GrpcLink::Options link = options_.link;
  link.on_snapshot = [this](const Snapshot& snapshot) { log_.Apply(snapshot.log); };
  ASSIGN_OR_RETURN(link_, GrpcLink::Create(std::move(link), ports, logger_, clock_, seed));

  admin_source_.snapshot = [this] { return ServedSnapshot(); };
  admin_source_.status = [this] { return StatusNow(); };
  admin_source_.pools = [this] { return Pools(); };
  admin_source_.drain = [this] { BeginDrain(); };
  admin_source_.log = &log_;
  for (const auto& worker : workers_) admin_source_.workers.push_back(&worker->counters());
  admin_router_ = std::make_unique<Router>(AdminRoutes(admin_source_));
  probe_router_ = std::make_unique<Router>(ProbeRoutes(admin_source_));
  absl::Status listening;
  admin_loop_->Run([&] {
    HttpServerOptions server;
    server.listen = options_.admin;
    auto admin = HttpServer::Listen(admin_loop_->context(), server,
                                    HttpServer::AsyncHandler([this](HttpRequest r, HttpServer::Reply reply) {
                                      admin_router_->Handle(std::move(r), std::move(reply));
                                    }));
    if (!admin.ok()) {
      listening = admin.status();
      return;
    }
    admin_ = *std::move(admin);
    if (!options_.probe_listen) return;
    server.listen = *options_.probe_listen;
    auto probe = HttpServer::Listen(admin_loop_->context(), server,
                                    HttpServer::AsyncHandler([this](HttpRequest r, HttpServer::Reply reply) {
                                      probe_router_->Handle(std::move(r), std::move(reply));
                                    }));
    if (probe.ok()) {
      probe_ = *std::move(probe);
    } else {
      listening = probe.status();
    }
  });
  RETURN_IF_ERROR(listening);
  for (const auto& worker : workers_) worker->Start(link_.get(), admission_.get(), workers_);
  link_->Start();
  return absl::OkStatus();
}

absl::Status Proxy::InitTls() {
  admin_loop_ = std::make_unique<Loop>("admin");
  if (!options_.tls) return absl::OkStatus();
  ASSIGN_OR_RETURN(PemTexts texts, ReadPem(*options_.tls));
  ASSIGN_OR_RETURN(listener_tls_, TlsServerContext::Create(texts));
  tls_reload_ = std::make_unique<PemReload>(
      admin_loop_->context(), PemWatch(*options_.tls, std::move(texts)),
      [this](const PemTexts& changed) { return listener_tls_->Replace(changed); }, logger_);
  return absl::OkStatus();
}

// Ready means that every worker serves it.
std::shared_ptr<const Snapshot> Proxy::ServedSnapshot() const {
  const bool all =
      std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->has_snapshot(); });
  return all ? link_->snapshot() : nullptr;
}

ProxyStatus Proxy::StatusNow() const {
  const GrpcLink::Status link = link_->status();
  ProxyStatus status;
  status.node = options_.link.node;
  status.software_version = options_.link.software_version;
  status.attached = link.attached;
  status.attached_for = link.in_this_state;
  status.draining = draining();
  status.snapshot_age = link.snapshot_age;
  status.uptime = clock_.Read().mono - started_;
  status.snapshots_refused = link.snapshots_refused;
  return status;
}

std::vector<PoolView> Proxy::Pools() const {
  std::vector<PoolView> views;
  for (GrpcLink::PoolStatus& pool : link_->pools()) views.push_back({std::move(pool.key), pool.state});
  return views;
}

size_t Proxy::OpenSessions() const {
  size_t open = 0;
  for (const auto& worker : workers_) open += worker->counters().client_connections.value();
  return open;
}

bool Proxy::refused_open() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->refused_open(); });
}

void Proxy::BeginDrain() {
  if (draining_.exchange(true)) return;
  logger_.Info("draining", {{"open_connections", static_cast<int64_t>(OpenSessions())}});
  for (const auto& worker : workers_) worker->BeginDrain();
}

void Proxy::FinishDrain(const std::function<void()>& pause) {
  const MonoTime began = clock_.Read().mono;
  while (clock_.Read().mono < began + options_.drain_delay) pause();
  for (const auto& worker : workers_) worker->StopAccepting();
  for (const auto& worker : workers_) worker->EndSessions();
  const MonoTime end = clock_.Read().mono + options_.grace;
  while (OpenSessions() > 0 && clock_.Read().mono < end) pause();
  if (const size_t left = OpenSessions(); left > 0) {
    logger_.Warning("the grace is over; open requests are cut off", {{"connections", static_cast<int64_t>(left)}});
    for (const auto& worker : workers_) worker->AbortSessions();
    const MonoTime cut = clock_.Read().mono + absl::Seconds(1);
    while (OpenSessions() > 0 && clock_.Read().mono < cut) pause();
  }
}

}  // namespace chain429
