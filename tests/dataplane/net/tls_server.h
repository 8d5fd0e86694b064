#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {

// One TLS connection as a server sees it; blocking. Belongs to the server's thread.
class TlsPeer {
 public:
  explicit TlsPeer(SSL* ssl) : ssl_(ssl) {}
  bool Send(std::string_view bytes);
  std::string Read(size_t size);
  // Tells the other end that nothing more comes.
  void Goodbye();
  std::string Alpn() const;

 private:
  SSL* ssl_;
};

// Serves TLS connections one after the other on a thread of its own, with a certificate that it made itself for one
// host name or address.
class TlsServer {
 public:
  // `certified`: "DNS:name" or "IP:address". `serve` runs once the handshake is done. `newest`: the newest version of
  // TLS that it speaks; 0: any.
  TlsServer(const std::string& certified, std::function<void(TlsPeer&)> serve, int connections = 1, int newest = 0);
  ~TlsServer();

  boost::asio::ip::tcp::endpoint endpoint() const { return listener_.endpoint(); }
  // Makes a client believe in this server's certificate.
  void TrustedBy(SSL_CTX* client) const;
  // Waits for the thread's end.
  void Join();

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  Listener listener_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<X509, Free> certificate_;
  std::thread thread_;
};

}  // namespace chain429
