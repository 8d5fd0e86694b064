#pragma once

#include <cstddef>
#include <deque>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_session_st SSL_SESSION;

namespace chain429 {

// The TLS sessions that one host has offered to resume, so that a further connection to it needs no certificate and one
// round trip less. Belongs to one loop; outlives the connections that were told of it.
class TlsSessions {
 public:
  static constexpr size_t kMax = 8;  // servers hand out one or two a connection

  TlsSessions() = default;
  ~TlsSessions();
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;

  // Every connection of `context` keeps its sessions where Use says.
  static void Enable(SSL_CTX* context);
  // Before the handshake: offers the newest session. One of TLS 1.3 is offered once only, lest an onlooker connect two
  // connections by it.
  void Use(SSL* ssl);
  size_t size() const { return sessions_.size(); }

 private:
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  std::deque<SSL_SESSION*> sessions_;  // the newest last
};

}  // namespace chain429
