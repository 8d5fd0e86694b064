#include "dataplane/net/tls_sessions.h"

#include <openssl/ssl.h>

namespace chain429 {
namespace {

int Slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

}  // namespace

TlsSessions::~TlsSessions() {
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
}

void TlsSessions::Enable(SSL_CTX* context) {
  // OpenSSL's own cache would be shared by all threads, and does not know hosts.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, OnNewSession);
}

void TlsSessions::Use(SSL* ssl) {
  SSL_set_ex_data(ssl, Slot(), this);
  while (!sessions_.empty()) {
    SSL_SESSION* const newest = sessions_.back();
    const bool once = SSL_SESSION_get_protocol_version(newest) >= TLS1_3_VERSION;
    const bool offered = SSL_SESSION_is_resumable(newest) == 1 && SSL_set_session(ssl, newest) == 1;
    if (once || !offered) {
      sessions_.pop_back();
      SSL_SESSION_free(newest);
    }
    if (offered) return;
  }
}

// Returns 1 for a session that it keeps.
int TlsSessions::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* const sessions = static_cast<TlsSessions*>(SSL_get_ex_data(ssl, Slot()));
  if (sessions == nullptr) return 0;
  if (sessions->sessions_.size() >= kMax) {
    SSL_SESSION_free(sessions->sessions_.front());
    sessions->sessions_.pop_front();
  }
  sessions->sessions_.push_back(session);
  return 1;
}

}  // namespace chain429
