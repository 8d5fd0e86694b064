#include "common/io/http_server.h"

#include <array>
#include <atomic>
#include <optional>
#include <unordered_set>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/io/http_head.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using asio::ip::tcp;

// A connection that we end is read for this long after our last byte: closing with unread input would reset it, and the client would
// lose the answer that says why.
constexpr std::chrono::seconds kLinger(2);
constexpr size_t kLingerBytes = size_t{1} << 20;
constexpr std::chrono::milliseconds kAcceptRetry(100);  // out of descriptors: somebody has to close first
constexpr size_t kReadSize = size_t{4} << 10;

std::chrono::nanoseconds ToChrono(absl::Duration d) { return absl::ToChronoNanoseconds(d); }

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

// The status line and header of `response`. Values come from our own code, but may quote a client: no line break leaves here.
std::string ResponseHead(const HttpResponse& response, bool keep_alive) {
  std::string head = absl::StrCat("HTTP/1.1 ", response.status, " ", ToAbsl(ReasonPhrase(response.status)), "\r\n");
  bool has_cache_control = false;
  const auto append = [&head](std::string_view name, std::string_view value) {
    absl::StrAppend(&head, ToAbsl(name), ": ");
    for (const char c : value) head.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    head.append("\r\n");
  };
  for (const HttpField& field : response.headers) {
    append(field.name, field.value);
    has_cache_control = has_cache_control || EqualsIgnoreCase(field.name, "cache-control");
  }
  if (!has_cache_control) append("cache-control", "no-store");
  append("x-content-type-options", "nosniff");
  if (response.status != 204 && response.status != 304) {
    append("content-type", response.content_type);
    append("content-length", absl::StrCat(response.body.size()));
  }
  append("connection", keep_alive ? "keep-alive" : "close");
  return head.append("\r\n");
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& c, tcp::acceptor a, HttpServerOptions o, AsyncHandler h)
      : context(c), acceptor(std::move(a)), retry(c), options(std::move(o)), handler(std::move(h)) {}

  void Accept();
  void OnAccept(tcp::socket socket);
  // Makes room for one more connection; false: all are busy.
  bool EvictIdle();
  void CloseAll();

  asio::io_context& context;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  HttpServerOptions options;
  AsyncHandler handler;
  std::unordered_set<std::shared_ptr<Session>> sessions;  // what keeps them alive while a handler works
  bool stopping = false;
};

// One connection: reads a request, has it answered, writes, begins again.
class HttpServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<State> state, tcp::socket socket) : state_(std::move(state)), stream_(std::move(socket)) {
    error_code error;
    const tcp::endpoint peer = stream_.socket().remote_endpoint(error);
    if (!error) peer_ = peer.address().to_string();
    stream_.socket().set_option(tcp::no_delay(true), error);
  }

  void Start() {
    stream_.expires_after(ToChrono(state_->options.head_timeout));
    ReadHead();
  }

  // Waiting for the first byte of a further request.
  bool idle() const { return idle_; }
  std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }

  // The connection is gone, whatever was under way. After it the session does nothing more.
  void Close() {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    stream_.socket().close(ignored);
    state_->sessions.erase(shared_from_this());
  }

  void Answer(HttpResponse response) {
    if (closed_ || !awaiting_answer_) return;
    awaiting_answer_ = false;
    Write(std::move(response), parser_ && parser_->keep_alive() && parser_->get().version() == 11 && !state_->stopping);
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  std::string_view Buffered() const {
    return std::string_view(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  }

  void ReadHead() {
    const std::string_view bytes = Buffered();
    if (const size_t end = bytes.find("\r\n\r\n", scanned_ < 3 ? 0 : scanned_ - 3); end != std::string_view::npos) {
      OnHead(bytes.substr(0, end + 4));
      return;
    }
    if (const auto refusal = CheckPartialHead(bytes, scanned_)) {
      Refuse(*refusal);
      return;
    }
    scanned_ = bytes.size();
    stream_.async_read_some(buffer_.prepare(kReadSize), [self = shared_from_this()](const error_code& error, size_t size) {
      self->OnHeadBytes(error, size);
    });
  }

  void OnHeadBytes(const error_code& error, size_t size) {
    if (closed_) return;
    if (error) {
      // End of file between requests, a reset, the timeout: nobody is left to be told.
      Close();
      return;
    }
    buffer_.commit(size);
    if (idle_) {
      idle_ = false;
      stream_.expires_after(ToChrono(state_->options.head_timeout));
    }
    ReadHead();
  }

  void OnHead(std::string_view head) {
    if (const auto refusal = CheckHead(head)) {
      Refuse(*refusal);
      return;
    }
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(kMaxHeadBytes));
    parser_->body_limit(state_->options.max_body_bytes);
    error_code error;
    const size_t used = parser_->put(asio::buffer(head.data(), head.size()), error);
    if (error == http::error::body_limit) {
      Refuse({413, "the body is too large"});
      return;
    }
    if ((error && error != http::error::need_more) || !parser_->is_header_done()) {
      Refuse({400, "the head is malformed"});
      return;
    }
    buffer_.consume(used);
    const auto target = DecodeTarget(std::string_view(parser_->get().target().data(), parser_->get().target().size()));
    if (!target) {
      Refuse({400, "the request target is malformed"});
      return;
    }
    TakeHead(*target);
    stream_.expires_after(ToChrono(state_->options.body_timeout));
    if (parser_->is_done()) {
      Dispatch();
    } else if (request_.Header("expect") && buffer_.size() == 0) {
      Continue();
    } else {
      ReadBody();
    }
  }

  // Before the body is read: its trailer must not add to the fields.
  void TakeHead(const DecodedTarget& target) {
    request_ = HttpRequest();
    request_.method = std::string(parser_->get().method_string());
    is_head_ = request_.method == "HEAD";
    if (is_head_) request_.method = "GET";
    request_.path = target.path;
    request_.query = target.query;
    request_.peer = peer_;
    for (const auto& field : parser_->get()) {
      request_.headers.push_back({LowerAscii(std::string_view(field.name_string().data(), field.name_string().size())),
                                  std::string(field.value().data(), field.value().size())});
    }
  }

  void Continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()), [self = shared_from_this()](const error_code& error, size_t) {
      if (self->closed_) return;
      if (error) {
        self->Close();
      } else {
        self->ReadBody();
      }
    });
  }

  void ReadBody() {
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, size_t) { self->OnBody(error); });
  }

  void OnBody(const error_code& error) {
    if (closed_) return;
    if (!error) {
      Dispatch();
    } else if (error == http::error::body_limit) {
      Refuse({413, "the body is too large"});
    } else if (error.category() == http::make_error_code(http::error::bad_chunk).category() && error != http::error::partial_message &&
               error != http::error::end_of_stream) {
      Refuse({400, "the body is malformed"});
    } else {
      Close();
    }
  }

  // What a handler's copies of its Reply share. The last one to go, unused, answers too: no client waits for ever.
  struct ReplySlot {
    ReplySlot(asio::io_context::executor_type e, std::weak_ptr<Session> s) : executor(std::move(e)), session(std::move(s)) {}
    ReplySlot(const ReplySlot&) = delete;
    ReplySlot& operator=(const ReplySlot&) = delete;
    ~ReplySlot() { Use(ErrorResponse(500, "no answer was given", "internal_error")); }

    void Use(HttpResponse response) {
      if (used.exchange(true)) return;
      std::shared_ptr<Session> locked = session.lock();
      if (locked == nullptr) return;
      asio::dispatch(executor, [s = std::move(locked), r = std::move(response)]() mutable { s->Answer(std::move(r)); });
    }

    const asio::io_context::executor_type executor;
    const std::weak_ptr<Session> session;
    std::atomic<bool> used{false};
  };

  void Dispatch() {
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    awaiting_answer_ = true;
    auto slot = std::make_shared<ReplySlot>(state_->context.get_executor(), weak_from_this());
    try {
      state_->handler(std::move(request_), [slot](HttpResponse response) { slot->Use(std::move(response)); });
    } catch (const std::exception&) {
      slot->Use(ErrorResponse(500, "the handler failed", "internal_error"));
    }
  }

  void Refuse(const HeadRefusal& refusal) {
    HttpResponse response = ErrorResponse(refusal.status, refusal.why, "bad_request");
    if (refusal.status == 405) response.headers.push_back({"allow", "GET, HEAD, POST, PUT, PATCH, DELETE"});
    Write(std::move(response), /*keep_alive=*/false);
  }

  void Write(HttpResponse response, bool keep_alive) {
    out_head_ = ResponseHead(response, keep_alive);
    const bool no_body = is_head_ || response.status == 204 || response.status == 304;
    out_body_ = no_body ? std::string() : std::move(response.body);
    is_head_ = false;
    stream_.expires_after(ToChrono(state_->options.body_timeout));
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(out_head_), asio::buffer(out_body_)};
    asio::async_write(stream_, buffers, [self = shared_from_this(), keep_alive](const error_code& error, size_t) {
      self->OnWritten(error, keep_alive);
    });
  }

  void OnWritten(const error_code& error, bool keep_alive) {
    if (closed_) return;
    if (error) {
      Close();
      return;
    }
    if (!keep_alive || state_->stopping) {
      error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      stream_.expires_after(kLinger);
      Drain();
      return;
    }
    parser_.reset();
    out_body_ = std::string();
    scanned_ = 0;
    idle_ = buffer_.size() == 0;
    idle_since_ = std::chrono::steady_clock::now();
    stream_.expires_after(ToChrono(idle_ ? state_->options.idle_timeout : state_->options.head_timeout));
    ReadHead();
  }

  void Drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadSize), [self = shared_from_this()](const error_code& error, size_t size) {
      if (self->closed_) return;
      self->drained_ += size;
      if (error || self->drained_ > kLingerBytes) {
        self->Close();
      } else {
        self->Drain();
      }
    });
  }

  const std::shared_ptr<State> state_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  HttpRequest request_;
  std::string peer_;
  std::string out_head_;
  std::string out_body_;
  size_t scanned_ = 0;  // bytes of the buffer that CheckPartialHead has seen
  size_t drained_ = 0;
  bool is_head_ = false;
  bool idle_ = false;
  std::chrono::steady_clock::time_point idle_since_;
  bool awaiting_answer_ = false;
  bool closed_ = false;
};

void HttpServer::State::Accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->stopping || !self->acceptor.is_open()) return;
    if (!error) {
      self->OnAccept(std::move(socket));
      self->Accept();
      return;
    }
    self->retry.expires_after(kAcceptRetry);
    self->retry.async_wait([self](const error_code& cancelled) {
      if (!cancelled && !self->stopping) self->Accept();
    });
  });
}

void HttpServer::State::OnAccept(tcp::socket socket) {
  if (sessions.size() >= options.max_connections && !EvictIdle()) return;  // `socket` closes here
  auto session = std::make_shared<Session>(shared_from_this(), std::move(socket));
  sessions.insert(session);
  session->Start();
}

bool HttpServer::State::EvictIdle() {
  std::shared_ptr<Session> oldest;
  for (const auto& session : sessions) {
    if (session->idle() && (oldest == nullptr || session->idle_since() < oldest->idle_since())) oldest = session;
  }
  if (oldest != nullptr) oldest->Close();
  return oldest != nullptr;
}

void HttpServer::State::CloseAll() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  retry.cancel();
  const auto all = sessions;  // Close takes them out of the set
  for (const auto& session : all) session->Close();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(asio::io_context& context, const HttpServerOptions& options,
                                                               AsyncHandler handler) {
  absl::StatusOr<tcp::acceptor> acceptor = OpenAcceptor(context, options.listen);
  if (!acceptor.ok()) return acceptor.status();
  auto state = std::make_shared<State>(context, *std::move(acceptor), options, std::move(handler));
  error_code error;
  state->options.listen.port = state->acceptor.local_endpoint(error).port();
  state->Accept();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(asio::io_context& context, const HttpServerOptions& options, Handler handler) {
  return Listen(context, options, [handler = std::move(handler)](HttpRequest request, Reply reply) { reply(handler(request)); });
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { state_->CloseAll(); }

const SocketAddress& HttpServer::address() const { return state_->options.listen; }

void HttpServer::StopAccepting() {
  state_->stopping = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  while (state_->EvictIdle()) {
  }
}

}  // namespace chain429
