#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/io/pem_files.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"
#include "dataplane/link/link.h"

namespace chain429 {

// The link over gRPC: both streams to one control plane at a time, on a thread of its own. gRPC's callbacks only post
// to that thread; workers post to it through Submit, and hear from it through their ports. Whatever happens to the
// control plane, the link keeps trying.
class GrpcLink final : public Link {
 public:
  struct Options {
    std::vector<std::string> addresses;  // "HOST:PORT" or "unix:PATH", tried in turn
    std::string node;
    std::string boot_id;  // random per process start
    std::string advertise;  // may be empty
    std::string software_version;
    // Mutual TLS between the planes. Without it the link speaks plain HTTP/2, as on loopback and Unix sockets. The
    // files are read again for each connection, because certificates are renewed.
    std::optional<PemPaths> tls;
    std::shared_ptr<const Snapshot> bootstrap;  // served until the first snapshot comes; may be null
    // Told of each snapshot that is taken, on the link's thread (a bootstrap's: within Create). May be null.
    std::function<void(const Snapshot&)> on_snapshot;
    // An address that has not attached us after this long is given up for the next.
    absl::Duration attach_timeout = absl::Seconds(3);
    // A control plane that stands still is noticed after one interval and one timeout.
    absl::Duration keepalive_interval = absl::Seconds(2);
    absl::Duration keepalive_timeout = absl::Seconds(2);
    absl::Duration usage_interval = absl::Seconds(5);
  };

  // What the admin port shows.
  struct Status {
    bool attached = false;
    absl::Duration in_this_state;  // attached, or not, for so long
    std::string address;  // the control plane spoken to, or tried
    std::string last_error;  // why the last connection ended; empty: none did
    std::shared_ptr<const Snapshot> snapshot;  // the one that serves; null before the first
    absl::Duration snapshot_age = absl::InfiniteDuration();
    uint64_t snapshots_refused = 0;
    std::string last_refusal;
  };
  struct PoolStatus {
    std::string key;  // empty: the snapshot does not list the pool
    PoolState state;  // times relative to now
  };

  // `workers`, `log` and `clock` outlive the link. An error: no address, or TLS files that cannot be read.
  static absl::StatusOr<std::unique_ptr<GrpcLink>> Create(Options options, std::vector<WorkerPort*> workers,
                                                          Logger& log, const Clock& clock, uint64_t seed);
  ~GrpcLink() override;
  GrpcLink(const GrpcLink&) = delete;
  GrpcLink& operator=(const GrpcLink&) = delete;

  void Start();
  // Sends what the workers have submitted, says goodbye, and joins the thread. Nothing is delivered to workers
  // afterwards.
  void Stop();

  // Any thread, also before Start and after Stop.
  void Submit(uint32_t worker, WorkerMail mail) override;
  bool attached() const;
  Status status() const;
  std::shared_ptr<const Snapshot> snapshot() const { return status().snapshot; }
  std::vector<PoolStatus> pools() const;

 private:
  class Impl;
  explicit GrpcLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chain429
