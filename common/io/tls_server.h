#pragma once

#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/io/pem_files.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace chain429 {

// The server's side of TLS for our HTTP ports: TLS 1.2 or newer, forward secrecy, HTTP/1.1 by ALPN, session tickets.
// The certificate can be replaced at any time: new connections get the new one, open ones keep what they began with.
// Any thread.
class TlsServerContext {
 public:
  static absl::StatusOr<std::unique_ptr<TlsServerContext>> Create(const PemTexts& texts);
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  // What a new connection begins with, for a socket that does not block; the caller frees it. Null: out of memory.
  SSL* NewSession(int fd) const;
  // An error leaves the old one.
  absl::Status Replace(const PemTexts& texts);

 private:
  explicit TlsServerContext(SSL_CTX* context) : context_(context) {}
  mutable std::mutex mutex_;  // once a connection
  SSL_CTX* context_;
};

enum class TlsStart { kDone, kWantsRead, kWantsWrite, kPlainHttp, kFailed };

// One step of a handshake as a server. kPlainHttp: the client speaks HTTP without TLS, and can be told so in plain
// text.
TlsStart StartTlsServer(SSL* ssl);

}  // namespace chain429
