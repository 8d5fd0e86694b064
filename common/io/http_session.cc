#include "common/io/http_session.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/http/reason.h"
#include "common/http/target.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A connection that we end is read for this long after our last byte: closing with unread input would reset it, and the
// client would lose the answer that says why.
constexpr absl::Duration kLinger = absl::Seconds(2);
constexpr size_t kLingerBytes = size_t{1} << 20;

// The status line and header of `response`. Values come from our own code, but may quote a client: no line break leaves
// here.
std::string HeadBytes(const HttpResponse& response, bool keep_alive) {
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

// What a handler's copies of its Reply share. The last one to go, unused, answers too: no client waits for ever.
class ReplySlot {
 public:
  ReplySlot(asio::io_context::executor_type executor, std::weak_ptr<HttpSession> session)
      : executor_(std::move(executor)), session_(std::move(session)) {}
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  ~ReplySlot() { Use(ErrorResponse(500, "no answer was given", "internal_error")); }

  void Use(HttpResponse response) {
    if (used_.exchange(true)) return;
    std::shared_ptr<HttpSession> session = session_.lock();
    if (session == nullptr) return;
    asio::dispatch(executor_, [s = std::move(session), r = std::move(response)]() mutable { s->Answer(std::move(r)); });
  }

 private:
  const asio::io_context::executor_type executor_;
  const std::weak_ptr<HttpSession> session_;
  std::atomic<bool> used_{false};
};

}  // namespace

bool HttpSessions::EndIdlest() {
  std::shared_ptr<HttpSession> idlest;
  for (const auto& session : open) {
    if (session->idle() && (idlest == nullptr || session->idle_since() < idlest->idle_since())) idlest = session;
  }
  if (idlest != nullptr) idlest->Close();
  return idlest != nullptr;
}

void HttpSessions::EndAll() {
  const auto all = open;  // Close takes them out of the set
  for (const auto& session : all) session->Close();
}

HttpSession::HttpSession(std::shared_ptr<HttpSessions> server, tcp::socket socket)
    : server_(std::move(server)), stream_(std::move(socket), server_->options.tls), deadline_(server_->context) {
  error_code error;
  const tcp::endpoint peer = stream_.socket().remote_endpoint(error);
  if (!error) peer_ = peer.address().to_string();
}

void HttpSession::Start() {
  SetDeadline(server_->options.head_timeout);
  if (!stream_.is_tls()) {
    ReadHead();
    return;
  }
  stream_.Start([self = shared_from_this()](TlsStart step) {
    if (self->closed_) return;
    if (step == TlsStart::kDone) {
      self->ReadHead();
    } else if (step == TlsStart::kPlainHttp) {
      self->Refuse(400, "this port speaks TLS: use https://");
    } else {
      self->Close();
    }
  });
}

void HttpSession::Close() {
  if (closed_) return;
  closed_ = true;
  deadline_.cancel();
  stream_.Close();
  server_->open.erase(shared_from_this());
}

void HttpSession::SetDeadline(absl::Duration from_now) {
  deadline_.expires_after(absl::ToChronoNanoseconds(from_now));
  deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    // A wait that was over just before the deadline moved can no longer be cancelled.
    if (!cancelled && self->deadline_.expiry() <= Clock::now()) self->Close();
  });
}

void HttpSession::ClearDeadline() { deadline_.expires_at(Clock::time_point::max()); }

void HttpSession::ReadMore(void (HttpSession::*next)()) {
  stream_.ReadSome(asio::buffer(piece_), [self = shared_from_this(), next](const error_code& error, size_t size) {
    if (self->closed_) return;
    if (error) {
      self->Close();
      return;
    }
    self->input_.append(self->piece_.data(), size);
    (self.get()->*next)();
  });
}

void HttpSession::ReadHead() {
  RequestHead head;
  const ParseResult parsed = ParseRequestHead(input_, head);
  if (parsed.state == ParseState::kIncomplete) {
    ReadMore(&HttpSession::OnHeadBytes);
  } else if (parsed.state == ParseState::kBad) {
    Refuse(parsed.status, parsed.reason);
  } else if (TakeHead(head)) {
    input_.erase(0, parsed.consumed);  // `head` looked into it
    SetDeadline(server_->options.body_timeout);
    const bool has_body = chunks_ || left_ > 0;
    if (has_body && head.expect_continue && input_.empty()) {
      Continue();
    } else {
      ReadBody();
    }
  }
}

void HttpSession::OnHeadBytes() {
  if (idle_) {
    idle_ = false;
    SetDeadline(server_->options.head_timeout);
  }
  ReadHead();
}

bool HttpSession::TakeHead(const RequestHead& head) {
  const auto refuse = [this](int status, std::string_view why) {
    Refuse(status, why);
    return false;
  };
  if (!IsKnownMethod(head.method)) return refuse(501, "the method is not known here");
  if (head.method == "TRACE") return refuse(405, "TRACE is not allowed");
  left_ = head.content_length.value_or(0);
  if (left_ > server_->options.max_body_bytes) return refuse(413, "the body is too large");
  std::optional<DecodedTarget> target = DecodeTarget(head.target);
  if (!target) return refuse(400, "the request target is malformed");
  chunks_ = head.chunked ? std::optional<ChunkScan>(ChunkScan()) : std::nullopt;
  // HTTP/1.0 is answered and closed, whatever it asks for.
  keep_alive_ = head.KeepsAlive() && head.minor_version >= 1;
  is_head_ = head.method == "HEAD";
  request_ = HttpRequest();
  request_.method = is_head_ ? "GET" : std::string(head.method);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  request_.peer = peer_;
  request_.headers.reserve(head.fields.size());
  for (const HeaderField& field : head.fields) {
    request_.headers.push_back({LowerAscii(field.name), std::string(field.value)});
  }
  return true;
}

void HttpSession::Continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  stream_.Write({asio::buffer(kContinue.data(), kContinue.size()), {}},
                [self = shared_from_this()](const error_code& error, size_t) {
                  if (self->closed_) return;
                  if (error) {
                    self->Close();
                  } else {
                    self->ReadBody();
                  }
                });
}

void HttpSession::ReadBody() {
  const ChunkScan::State state = chunks_ ? TakeChunks() : TakeLength();
  if (state == ChunkScan::State::kBad) {
    Refuse(400, "the chunked body is malformed");
  } else if (request_.body.size() > server_->options.max_body_bytes) {
    Refuse(413, "the body is too large");
  } else if (state == ChunkScan::State::kMore) {
    ReadMore(&HttpSession::ReadBody);
  } else {
    Dispatch();
  }
}

ChunkScan::State HttpSession::TakeChunks() {
  const size_t had = request_.body.size();
  request_.body.resize(had + input_.size());
  const ChunkScan::Step step = chunks_->Feed(input_.data(), input_.size(), request_.body.data() + had);
  request_.body.resize(had + step.payload);
  input_.erase(0, step.consumed);
  return step.state;
}

ChunkScan::State HttpSession::TakeLength() {
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(left_, input_.size()));
  request_.body.append(input_, 0, taken);
  input_.erase(0, taken);
  left_ -= taken;
  return left_ == 0 ? ChunkScan::State::kDone : ChunkScan::State::kMore;
}

void HttpSession::Dispatch() {
  ClearDeadline();
  awaiting_answer_ = true;
  auto slot = std::make_shared<ReplySlot>(server_->context.get_executor(), weak_from_this());
  try {
    server_->handler(std::move(request_), [slot](HttpResponse response) { slot->Use(std::move(response)); });
  } catch (const std::exception&) {
    slot->Use(ErrorResponse(500, "the handler failed", "internal_error"));
  }
}

void HttpSession::Answer(HttpResponse response) {
  if (closed_ || !awaiting_answer_) return;
  awaiting_answer_ = false;
  Write(std::move(response), keep_alive_ && !server_->stopping);
}

void HttpSession::Refuse(int status, std::string_view why) {
  HttpResponse response = ErrorResponse(status, why, "bad_request");
  if (status == 405) response.headers.push_back({"allow", "GET, HEAD, POST, PUT, PATCH, DELETE"});
  is_head_ = false;
  Write(std::move(response), /*keep_alive=*/false);
}

void HttpSession::Write(HttpResponse response, bool keep_alive) {
  out_head_ = HeadBytes(response, keep_alive);
  const bool no_body = is_head_ || response.status == 204 || response.status == 304;
  out_body_ = no_body ? std::string() : std::move(response.body);
  SetDeadline(server_->options.body_timeout);
  stream_.Write({asio::buffer(out_head_), asio::buffer(out_body_)},
                [self = shared_from_this(), keep_alive](const error_code& error, size_t) {
                  if (self->closed_) return;
                  if (error) {
                    self->Close();
                  } else {
                    self->OnWritten(keep_alive);
                  }
                });
}

void HttpSession::OnWritten(bool keep_alive) {
  out_body_ = std::string();
  if (!keep_alive || server_->stopping) {
    stream_.ShutdownSend();
    SetDeadline(kLinger);
    Drain();
    return;
  }
  idle_ = input_.empty();
  idle_since_ = Clock::now();
  SetDeadline(idle_ ? server_->options.idle_timeout : server_->options.head_timeout);
  ReadHead();
}

void HttpSession::Drain() {
  drained_ += input_.size();
  input_.clear();
  if (drained_ > kLingerBytes) {
    Close();
  } else {
    ReadMore(&HttpSession::Drain);
  }
}

}  // namespace chain429
