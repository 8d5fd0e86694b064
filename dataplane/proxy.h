#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/io/address.h"
#include "common/io/http_router.h"
#include "common/io/http_server.h"
#include "common/io/log_control.h"
#include "common/io/loop.h"
#include "common/io/pem_files.h"
#include "common/io/tls_server.h"
#include "dataplane/admin/admin_source.h"
#include "dataplane/admission.h"
#include "dataplane/link/grpc_link.h"
#include "dataplane/worker.h"

namespace chain429 {

// The whole data plane of one process: workers, link, admin port, and the order in which they start and end.
class Proxy {
 public:
  struct Options {
    SocketAddress listen{"127.0.0.1", 4290};
    SocketAddress admin{"127.0.0.1", 4291};
    std::optional<SocketAddress> probe_listen;
    std::optional<PemPaths> tls;                  // of the API's listener; the other two are plain
    size_t max_connections = 10'000;              // of clients, over all workers
    GrpcLink::Options link;
    int workers = 0;                              // 0: one per core
    size_t max_body_bytes = size_t{32} << 20;
    absl::Duration drain_delay;                   // connections are still taken for so long after readiness fell
    absl::Duration grace = absl::Seconds(30);     // for open requests to end
    bool insecure_listen = false;
    UpstreamPool::Options upstream;
  };

  // Everything is bound and running when this returns.
  static absl::StatusOr<std::unique_ptr<Proxy>> Start(Options options, const Clock& clock, LogControl& log);
  ~Proxy();

  const SocketAddress& listen_address() const { return workers_.front()->address(); }
  const SocketAddress& admin_address() const { return admin_->address(); }
  // Null: there is none.
  const SocketAddress* probe_address() const { return probe_ == nullptr ? nullptr : &probe_->address(); }

  // Readiness falls; from any thread, more than once is harmless.
  void BeginDrain();
  // Blocks until open requests have ended or the grace is over, then stops everything. BeginDrain first. `pause` is
  // called again and again, and should wait for a moment.
  void FinishDrain(const std::function<void()>& pause);
  // The first configuration asks for no client key, and the listener is not loopback: the program should end.
  bool refused_open() const;
  bool draining() const { return draining_.load(std::memory_order_relaxed); }

 private:
  Proxy(Options options, const Clock& clock, LogControl& log);
  absl::Status Init();
  absl::Status InitTls();
  ProxyStatus StatusNow() const;
  std::shared_ptr<const Snapshot> ServedSnapshot() const;
  std::vector<PoolView> Pools() const;
  size_t OpenSessions() const;

  const Options options_;
  const Clock& clock_;
  LogControl& log_;
  Logger& logger_;
  const MonoTime started_;
  std::unique_ptr<TlsClientContext> tls_;
  NameLookUps look_ups_;
  std::unique_ptr<TlsServerContext> listener_tls_;
  std::unique_ptr<Admission> admission_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<GrpcLink> link_;
  AdminSource admin_source_;
  std::unique_ptr<Router> admin_router_;
  std::unique_ptr<Router> probe_router_;
  std::unique_ptr<Loop> admin_loop_;
  std::unique_ptr<HttpServer> admin_;
  std::unique_ptr<HttpServer> probe_;
  std::unique_ptr<PemReload> tls_reload_;
  std::atomic<bool> draining_{false};
};

}  // namespace chain429
