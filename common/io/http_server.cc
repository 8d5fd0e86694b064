#include "common/io/http_server.h"

#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/io/http_session.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptRetry(100);  // out of descriptors: somebody has to close first

absl::Status BindError(const SocketAddress& address, const error_code& error) {
  const std::string what = absl::StrCat("cannot listen on ", address.ToString(), ": ", error.message());
  if (error == asio::error::address_in_use) return absl::AlreadyExistsError(what);
  if (error == asio::error::access_denied) return absl::PermissionDeniedError(what);
  return absl::InvalidArgumentError(what);
}

absl::StatusOr<tcp::acceptor> OpenAcceptor(asio::io_context& context, const SocketAddress& address) {
  error_code error;
  const asio::ip::address ip = asio::ip::make_address(address.host, error);
  if (error) return BindError(address, error);
  const tcp::endpoint endpoint(ip, address.port);
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (error) return BindError(address, error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && ip.is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return BindError(address, error);
  return acceptor;
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, tcp::acceptor a, const HttpServerOptions& options, AsyncHandler handler)
      : acceptor(std::move(a)),
        retry(context),
        sessions(new HttpSessions{context, options, std::move(handler), {}, false}) {}

  void Accept();
  void OnAccept(tcp::socket socket);

  tcp::acceptor acceptor;
  asio::steady_timer retry;
  const std::shared_ptr<HttpSessions> sessions;
};

void HttpServer::State::Accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->sessions->stopping || !self->acceptor.is_open()) return;
    if (!error) {
      self->OnAccept(std::move(socket));
      self->Accept();
      return;
    }
    self->retry.expires_after(kAcceptRetry);
    self->retry.async_wait([self](const error_code& cancelled) {
      if (!cancelled && !self->sessions->stopping) self->Accept();
    });
  });
}

void HttpServer::State::OnAccept(tcp::socket socket) {
  const bool full = sessions->open.size() >= sessions->options.max_connections;
  if (full && !sessions->EndIdlest()) return;  // `socket` closes here
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto session = std::make_shared<HttpSession>(sessions, std::move(socket));
  sessions->open.insert(session);
  session->Start();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(asio::io_context& context,
                                                               const HttpServerOptions& options, AsyncHandler handler) {
  absl::StatusOr<tcp::acceptor> acceptor = OpenAcceptor(context, options.listen);
  if (!acceptor.ok()) return acceptor.status();
  auto state = std::make_shared<State>(context, *std::move(acceptor), options, std::move(handler));
  error_code error;
  state->sessions->options.listen.port = state->acceptor.local_endpoint(error).port();
  state->Accept();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(asio::io_context& context,
                                                               const HttpServerOptions& options, Handler handler) {
  return Listen(context, options, [handler = std::move(handler)](const HttpRequest& request, const Reply& reply) {
    reply(handler(request));
  });
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  StopAccepting();
  state_->retry.cancel();
  state_->sessions->EndAll();
}

const SocketAddress& HttpServer::address() const { return state_->sessions->options.listen; }

void HttpServer::StopAccepting() {
  state_->sessions->stopping = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  while (state_->sessions->EndIdlest()) {
  }
}

}  // namespace chain429
