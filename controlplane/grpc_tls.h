#pragma once

#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <memory>
#include <mutex>

#include "common/io/pem_files.h"

namespace chain429 {

// Mutual TLS for the gRPC port: whoever shows no certificate of our authority is not heard. The files can be replaced
// at any time; connections that are open keep what they began with. gRPC asks for them at each new connection, which is
// what its own file watcher does, too; but that one hands on a certificate without its key, and the port is then dead
// until the next change. Any thread; outlives the server.
class GrpcServerTls {
 public:
  explicit GrpcServerTls(PemTexts texts);
  GrpcServerTls(const GrpcServerTls&) = delete;
  GrpcServerTls& operator=(const GrpcServerTls&) = delete;

  std::shared_ptr<grpc::ServerCredentials> credentials();
  void Replace(const PemTexts& texts);

 private:
  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config);
  std::mutex mutex_;
  PemTexts texts_;
  bool fetched_ = false;
};

}  // namespace chain429
