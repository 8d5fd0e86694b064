#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace chain429 {

// What every upstream TLS connection of the process shares: the trusted authorities (the system's, or SSL_CERT_FILE and
// SSL_CERT_DIR), verification always on, TLS 1.2 or newer, HTTP/1.1 offered. Immutable after creation; any thread.
class TlsClientContext {
 public:
  static absl::StatusOr<std::unique_ptr<TlsClientContext>> Create();
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;
  SSL_CTX* get() const { return context_; }

 private:
  explicit TlsClientContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* context_;
};

// Why no provider's certificate may be believed, if it is plain from the outset: no authorities where OpenSSL looks for
// them. Empty: nothing is wrong.
std::string AuthoritiesProblem();
// The newest error of OpenSSL's queue as text; empties the queue.
std::string TlsErrorText();
// Why a client's handshake failed.
std::string TlsFailureText(SSL* ssl, std::string_view host);

}  // namespace chain429
