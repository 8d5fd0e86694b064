#include "common/io/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace chain429 {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Free>;

int NoPassphrase(char*, int, int, void*) { return -1; }

absl::Status Unusable(std::string_view what) {
  char reason[256] = "unknown reason";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(absl::string_view(what.data(), what.size()), ": ", reason));
}

// Who offers protocols and not HTTP/1.1 cannot be served; who offers none speaks it.
int ChooseHttp(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
               unsigned int length, void*) {
  static constexpr unsigned char kHttp[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, size, kHttp, sizeof kHttp, offered, length);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

absl::Status UseCertificates(SSL_CTX* context, const std::string& text) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const std::unique_ptr<X509, Free> own(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1)
    return Unusable("the certificate cannot be used");
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return Unusable("the certificate's chain cannot be used");
    }
  }
  ERR_clear_error();  // the end of the file
  return absl::OkStatus();
}

absl::StatusOr<ContextPtr> BuildContext(const PemTexts& texts) {
  ERR_clear_error();
  ContextPtr owner(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = owner.get();
  if (context == nullptr) return Unusable("TLS cannot be set up");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");  // of 1.2; all of 1.3's are good
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Tickets carry a session; a cache would only be a lock that all workers share.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, ChooseHttp, nullptr);
  RETURN_IF_ERROR(UseCertificates(context, texts.cert));
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(texts.key.data(), static_cast<int>(texts.key.size())));
  const std::unique_ptr<EVP_PKEY, Free> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Unusable("the private key cannot be used");
  return owner;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsServerContext>> TlsServerContext::Create(const PemTexts& texts) {
  ASSIGN_OR_RETURN(ContextPtr context, BuildContext(texts));
  return std::unique_ptr<TlsServerContext>(new TlsServerContext(context.release()));
}

TlsServerContext::~TlsServerContext() { SSL_CTX_free(context_); }

SSL* TlsServerContext::NewSession(int fd) const {
  SSL* ssl = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ssl = SSL_new(context_);  // holds the context for as long as it lives
  }
  if (ssl == nullptr) return nullptr;
  if (SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return nullptr;
  }
  SSL_set_accept_state(ssl);
  return ssl;
}

absl::Status TlsServerContext::Replace(const PemTexts& texts) {
  ASSIGN_OR_RETURN(ContextPtr context, BuildContext(texts));
  SSL_CTX* old = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    old = std::exchange(context_, context.release());
  }
  SSL_CTX_free(old);
  return absl::OkStatus();
}

TlsStart StartTlsServer(SSL* ssl) {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl);
  if (done == 1) return TlsStart::kDone;
  const int why = SSL_get_error(ssl, done);
  if (why == SSL_ERROR_WANT_READ) return TlsStart::kWantsRead;
  if (why == SSL_ERROR_WANT_WRITE) return TlsStart::kWantsWrite;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  return reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ? TlsStart::kPlainHttp : TlsStart::kFailed;
}

}  // namespace chain429
