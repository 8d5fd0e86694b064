#include "controlplane/grpc_tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>
#include <utility>

namespace chain429 {
namespace {

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~Credentials() override { grpc_server_credentials_release(credentials_); }
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }
  grpc_server_credentials* const credentials_;
};

}  // namespace

GrpcServerTls::GrpcServerTls(PemTexts texts) : texts_(std::move(texts)) {}

std::shared_ptr<grpc::ServerCredentials> GrpcServerTls::credentials() {
  return std::make_shared<Credentials>(
      grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
          GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &GrpcServerTls::Fetch, this)));
}

void GrpcServerTls::Replace(const PemTexts& texts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  texts_ = texts;
  fetched_ = false;
}

grpc_ssl_certificate_config_reload_status GrpcServerTls::Fetch(void* self,
                                                               grpc_ssl_server_certificate_config** config) {
  auto& tls = *static_cast<GrpcServerTls*>(self);
  const std::lock_guard<std::mutex> lock(tls.mutex_);
  if (std::exchange(tls.fetched_, true)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair = {tls.texts_.key.c_str(), tls.texts_.cert.c_str()};
  *config = grpc_ssl_server_certificate_config_create(tls.texts_.ca.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace chain429
