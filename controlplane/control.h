#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/io/address.h"
#include "common/io/log_control.h"
#include "common/io/pem_files.h"

namespace chain429 {

// The whole control plane of one process: configuration, the thread that grants permits, gRPC and HTTP listeners, the
// store.
class Control {
 public:
  struct Options {
    std::string config_file;         // empty: starts empty, and 429ctl fills it
    std::string store = "memory:";
    std::string grpc_listen = "127.0.0.1:4292";  // ADDR:PORT, or unix:PATH
    SocketAddress http_listen{"127.0.0.1", 4293};
    std::optional<SocketAddress> probe_listen;   // probes and metrics alone, always plain
    std::optional<PemPaths> tls;                 // of the HTTP port
    std::optional<PemPaths> control_tls;         // mutual TLS of the gRPC port, unless that is a Unix socket
  };

  // Everything is bound and running when this returns. An error with the configuration's problems, a line each, when
  // the file is bad.
  static absl::StatusOr<std::unique_ptr<Control>> Start(Options options, const Clock& clock, LogControl& log);
  ~Control();

  // Takes the configuration's file again. Any thread.
  void Reload();
  std::string grpc_address() const;  // with the real port
  SocketAddress http_address() const;
  std::optional<SocketAddress> probe_address() const;

 private:
  struct Parts;
  explicit Control(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace chain429
