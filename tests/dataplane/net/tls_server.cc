#include "tests/dataplane/net/tls_server.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <utility>

namespace chain429 {
namespace {

// HTTP/1.1 if the client offers it.
int ChooseHttp(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
               unsigned int length, void*) {
  static constexpr unsigned char kHttp[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, size, kHttp, sizeof kHttp, offered, length);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

X509* MakeCertificate(EVP_PKEY* key, const std::string& certified) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, certified.c_str());
  EXPECT_NE(names, nullptr);
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  return certificate;
}

}  // namespace

bool TlsPeer::Send(std::string_view bytes) { return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0; }

std::string TlsPeer::Read(size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const int n = SSL_read(ssl_, bytes.data() + got, static_cast<int>(size - got));
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

void TlsPeer::Goodbye() { SSL_shutdown(ssl_); }

std::string TlsPeer::Alpn() const {
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &chosen, &size);
  return {reinterpret_cast<const char*>(chosen), size};
}

TlsServer::TlsServer(const std::string& certified, std::function<void(TlsPeer&)> serve, int connections, int newest)
    : context_(SSL_CTX_new(TLS_server_method())) {
  // OpenSSL writes to a closed connection like anybody else; the programs ignore the signal, too.
  std::signal(SIGPIPE, SIG_IGN);
  EVP_PKEY* key = EVP_EC_gen("P-256");
  certificate_.reset(MakeCertificate(key, certified));
  SSL_CTX_use_certificate(context_.get(), certificate_.get());
  SSL_CTX_use_PrivateKey(context_.get(), key);
  EVP_PKEY_free(key);
  SSL_CTX_set_alpn_select_cb(context_.get(), ChooseHttp, nullptr);
  SSL_CTX_set_max_proto_version(context_.get(), newest);
  SSL_CTX_set_session_id_context(context_.get(), reinterpret_cast<const unsigned char*>("test"), 4);
  thread_ = std::thread([this, connections, serve = std::move(serve)] {
    for (int i = 0; i < connections; ++i) {
      Peer peer = listener_.Accept();
      SSL* ssl = SSL_new(context_.get());
      SSL_set_fd(ssl, peer.fd());
      if (SSL_accept(ssl) == 1) {
        TlsPeer served(ssl);
        serve(served);
      }
      SSL_free(ssl);
    }
  });
}

TlsServer::~TlsServer() { Join(); }

void TlsServer::TrustedBy(SSL_CTX* client) const {
  X509_STORE_add_cert(SSL_CTX_get_cert_store(client), certificate_.get());
}

void TlsServer::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace chain429
