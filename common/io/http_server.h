#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/address.h"
#include "common/io/http_message.h"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Boost's name
}

namespace chain429 {

class TlsServerContext;

struct HttpServerOptions {
  SocketAddress listen;                              // port 0: a free one, see address()
  size_t max_connections = 256;                      // beyond it the longest idle one is closed, else the new one
  size_t max_body_bytes = size_t{1} << 20;           // more, claimed or sent: 413
  absl::Duration head_timeout =
      absl::Seconds(15);   // from a request's first byte (or the accept) to the end of its head
  absl::Duration idle_timeout = absl::Seconds(60);   // between requests of one connection
  absl::Duration body_timeout = absl::Seconds(60);   // for a request's body, and for writing a response
  const TlsServerContext* tls = nullptr;             // outlives the server; null: plain HTTP
};

// A small HTTP/1.1 server for admin, metrics, REST and probes: strict about framing, bounded in everything, keep-alive,
// plain or TLS, whole bodies in memory. Not for the proxy's request path.
//
// Belongs to the thread that runs its io_context: construct it there or before the loop runs, destroy it there or after
// the loop has stopped. The io_context must outlive it.
class HttpServer {
 public:
  // Gives the answer; from any thread, once (later calls are ignored). Dropped without a call: the client gets a 500.
  using Reply = std::function<void(HttpResponse)>;
  // Called on the loop's thread. What it throws becomes a 500.
  using AsyncHandler = std::function<void(HttpRequest, Reply)>;
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Binds and listens before it returns, so that a used port is an error here (kAlreadyExists, naming the address).
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(boost::asio::io_context& context,
                                                            const HttpServerOptions& options, AsyncHandler handler);
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(boost::asio::io_context& context,
                                                            const HttpServerOptions& options, Handler handler);
  // Closes the listener and every connection.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the real port.
  const SocketAddress& address() const;
  // Takes no further connections and ends the idle ones; requests under way are answered, with `connection: close`.
  void StopAccepting();

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace chain429
