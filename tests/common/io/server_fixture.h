#pragma once

#include <memory>
#include <utility>

#include "common/io/http_server.h"
#include "common/io/loop.h"
#include "gtest/gtest.h"

namespace chain429 {

// A server on a free port of the loopback, on a thread of its own, for the length of a test.
class RunningServer {
 public:
  template <typename AnyHandler>
  explicit RunningServer(AnyHandler handler, HttpServerOptions options = {}) : loop_("test-server") {
    if (options.listen.host.empty()) options.listen.host = "127.0.0.1";
    loop_.Run([&] {
      auto server = HttpServer::Listen(loop_.context(), options, std::move(handler));
      ASSERT_TRUE(server.ok()) << server.status();
      server_ = *std::move(server);
    });
  }
  ~RunningServer() {
    loop_.Run([this] { server_.reset(); });
  }
  const SocketAddress& address() const { return server_->address(); }
  HttpServer& server() { return *server_; }
  Loop& loop() { return loop_; }

 private:
  Loop loop_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace chain429
