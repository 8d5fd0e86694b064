#include "dataplane/net/connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>

#include "common/io/tls_server.h"
#include "dataplane/net/tls.h"
#include "dataplane/net/tls_sessions.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// What SSL_write takes at once: a TLS record. Gathered, so that a small head and its body travel in one.
constexpr size_t kTlsRecord = 16 * 1024;

}  // namespace

// Waits until the socket can be read from or written to. The handler keeps the connection alive.
struct Connection::ReadyAwaiter {
  Connection& connection;
  Socket::wait_type what;
  bool good = false;
  bool await_ready() const { return connection.aborted_; }
  void await_suspend(std::coroutine_handle<> handle) {
    connection.socket_.async_wait(what, [this, handle, keep = Ptr(&connection)](const error_code& error) {
      good = !error;
      handle.resume();
    });
  }
  bool await_resume() const { return good; }
};

Connection::Connection(Socket socket) : socket_(std::move(socket)) {}

Connection::~Connection() {
  if (ssl_ == nullptr) return;
  // Providers are not told goodbye, and OpenSSL takes that for a reason not to resume the session.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

void Connection::Consume(size_t n) {
  begin_ += n;
  if (begin_ == end_ && !reading_) begin_ = end_ = 0;
}

void Connection::Cut(size_t offset, size_t from) {
  std::memmove(buffer_.get() + begin_ + offset, buffer_.get() + begin_ + from, end_ - begin_ - from);
  end_ -= from - offset;
}

void Connection::Reserve(size_t total) {
  if (begin_ + total <= capacity_) return;
  const size_t kept = end_ - begin_;
  if (total <= capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
  } else {
    const size_t grown = std::max(total, kFirstCapacity);
    // Not value-initialised: these bytes are written before they are read, but for the padding, whose content does not
    // matter.
    std::unique_ptr<char[]> larger(new char[grown + kPadding]);
    if (kept > 0) std::memcpy(larger.get(), buffer_.get() + begin_, kept);
    std::memset(larger.get() + grown, 0, kPadding);
    buffer_ = std::move(larger);
    capacity_ = grown;
  }
  begin_ = 0;
  end_ = kept;
}

void Connection::Shrink() {
  if (begin_ != end_ || capacity_ <= (reading_ ? kVeryLarge : kFirstCapacity)) return;
  if (reading_ && ssl_ == nullptr) {
    // The buffer is lent to that read until its handler has run.
    error_code ignored;
    shrinking_ = true;
    socket_.cancel(ignored);
    return;
  }
  buffer_.reset();
  capacity_ = begin_ = end_ = 0;
}

void Connection::MakeRoom() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < capacity_) return;
  const size_t used = end_ - begin_;
  Reserve(used < capacity_ ? capacity_ : std::max(capacity_ * 2, kFirstCapacity));
}

void Connection::StartReading() {
  if (reading_ || aborted_ || end_state_ != IoEnd::kOpen) return;
  MakeRoom();
  if (ssl_ != nullptr) {
    ReadTls();
    return;
  }
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_.get() + end_, capacity_ - end_),
                          [keep = Ptr(this)](const error_code& error, size_t bytes) { keep->OnRead(error, bytes); });
}

void Connection::PauseAwaiter::await_suspend(std::coroutine_handle<> handle) {
  error_code ignored;
  connection.pausing_ = handle;
  connection.socket_.cancel(ignored);
}

void Connection::OnRead(const error_code& error, size_t bytes) {
  reading_ = false;
  if (pausing_) {
    shrinking_ = false;
    end_ += bytes;
    arrived_ += bytes;
    if (error && (error != asio::error::operation_aborted || aborted_) && end_state_ == IoEnd::kOpen)
      end_state_ = error == asio::error::eof ? IoEnd::kEof : IoEnd::kError;
    std::exchange(pausing_, nullptr).resume();
    return;
  }
  if (std::exchange(shrinking_, false) && error == asio::error::operation_aborted && !aborted_) {
    Shrink();
    StartReading();
    return;
  }
  FinishRead(bytes, !error ? IoEnd::kOpen : error == asio::error::eof ? IoEnd::kEof : IoEnd::kError);
}

// Bytes that are there are taken at once; otherwise the read is under way until the socket has some.
void Connection::ReadTls() {
  ERR_clear_error();
  const int got = SSL_read(ssl_, buffer_.get() + end_, static_cast<int>(std::min<size_t>(capacity_ - end_, 1 << 30)));
  if (got > 0) {
    FinishRead(static_cast<size_t>(got), IoEnd::kOpen);
    return;
  }
  const int why = SSL_get_error(ssl_, got);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    reading_ = true;
    socket_.async_wait(why == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write,
                       [keep = Ptr(this)](const error_code& error) {
                         keep->reading_ = false;
                         if (error || keep->aborted_) {
                           keep->FinishRead(0, IoEnd::kError);
                         } else {
                           keep->MakeRoom();
                           keep->ReadTls();
                         }
                       });
    return;
  }
  FinishRead(0, why == SSL_ERROR_ZERO_RETURN ? IoEnd::kEof : IoEnd::kError);
}

void Connection::FinishRead(size_t bytes, IoEnd end) {
  end_ += bytes;
  arrived_ += bytes;
  if (end != IoEnd::kOpen && end_state_ == IoEnd::kOpen) end_state_ = end;
  if (reader_) {
    std::exchange(reader_, nullptr).resume();
  } else if (watcher_ != nullptr) {
    watcher_->OnPeerEvent();
  }
}

bool Connection::StillQuiet() {
  if (aborted_ || end_state_ != IoEnd::kOpen || arrived_ > 0 || begin_ != end_) return false;
  char byte = 0;
  if (ssl_ == nullptr) {
    return recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  // Records that carry no data, such as session tickets, are taken on the way.
  ERR_clear_error();
  return SSL_get_error(ssl_, SSL_peek(ssl_, &byte, 1)) == SSL_ERROR_WANT_READ;
}

bool Connection::FillAwaiter::await_ready() {
  if (connection.arrived_ == 0) connection.StartReading();
  return connection.arrived_ > 0 || connection.aborted_ || connection.end_state_ != IoEnd::kOpen;
}

bool Connection::FillAwaiter::await_resume() {
  // Bytes that came before the end are handed out first.
  const bool bytes = connection.arrived_ > 0 && !connection.aborted_;
  connection.arrived_ = 0;
  return bytes;
}

ssize_t Connection::SendSlices(const iovec* slices, size_t count) {
  if (ssl_ == nullptr) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(slices);
    message.msg_iovlen = count;
    return sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  }
  std::array<char, kTlsRecord> record;
  const char* data = static_cast<const char*>(slices[0].iov_base);
  size_t size = std::min(slices[0].iov_len, kTlsRecord);
  if (count > 1 && size < kTlsRecord) {
    size = 0;
    for (size_t i = 0; i < count && size < kTlsRecord; ++i) {
      const size_t part = std::min(slices[i].iov_len, kTlsRecord - size);
      std::memcpy(record.data() + size, slices[i].iov_base, part);
      size += part;
    }
    data = record.data();
  }
  ERR_clear_error();
  const int sent = SSL_write(ssl_, data, static_cast<int>(size));
  if (sent > 0) return sent;
  const int why = SSL_get_error(ssl_, sent);
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
  return -1;
}

bool Connection::WriteAwaiter::Advance() {
  while (first < count) {
    if (connection.aborted_) {
      failed = true;
      return true;
    }
    const ssize_t sent = connection.SendSlices(slices.data() + first, count - first);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      failed = true;
      return true;
    }
    auto left = static_cast<size_t>(sent);
    while (first < count && left >= slices[first].iov_len) left -= slices[first++].iov_len;
    if (first < count) {
      slices[first].iov_base = static_cast<char*>(slices[first].iov_base) + left;
      slices[first].iov_len -= left;
    }
  }
  return true;
}

std::optional<size_t> Connection::WriteSome(std::string_view bytes) {
  WriteAwaiter write = Write(bytes);
  if (!write.Advance()) return bytes.size() - write.slices[write.first].iov_len;
  if (write.failed) return std::nullopt;
  return bytes.size();
}

void Connection::WriteAwaiter::await_suspend(std::coroutine_handle<> waiting) {
  handle = waiting;
  if (connection.watcher_ != nullptr) connection.watcher_->OnWriteWaits();
  connection.socket_.async_wait(Socket::wait_write, [this, keep = Ptr(&connection)](const error_code& error) {
    if (error) failed = true;
    if (error || Advance()) {
      if (keep->watcher_ != nullptr) keep->watcher_->OnWriteOver();
      handle.resume();
    } else {
      await_suspend(handle);
    }
  });
}

Task<std::string> Connection::Connect(asio::ip::tcp::endpoint endpoint) {
  error_code error;
  socket_.open(endpoint.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (error) co_return error.message();
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  // Asio's own connect would wait for the outcome, whatever the socket's mode.
  const int failed = ::connect(socket_.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  error = failed == 0 ? error_code() : error_code(errno, boost::system::system_category());
  if (failed != 0 && errno == EINPROGRESS) {
    ReadyAwaiter writable{*this, Socket::wait_write};
    if (!co_await writable) co_return "connecting was given up";
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size);
    error = error_code(failure, boost::system::system_category());
  }
  co_return error ? error.message() : std::string();
}

Task<std::string> Connection::StartTls(const TlsClientContext* context, std::string host, TlsSessions* sessions) {
  ssl_ = SSL_new(context->get());
  if (ssl_ == nullptr) co_return TlsErrorText();
  SSL_set_fd(ssl_, socket_.native_handle());
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (not_an_address) {
    SSL_set_tlsext_host_name(ssl_, host.c_str());
    SSL_set1_host(ssl_, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
  }
  if (sessions != nullptr) sessions->Use(ssl_);
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(ssl_);
    if (done == 1) co_return std::string();
    const int why = SSL_get_error(ssl_, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) co_return TlsFailureText(ssl_, host);
    ReadyAwaiter ready{*this, why == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write};
    if (!co_await ready) co_return "the TLS handshake was given up";
  }
}

bool Connection::tls_resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
Task<TlsStart> Connection::AcceptTls(SSL* ssl) {
  ssl_ = ssl;
  for (;;) {
    const TlsStart step = StartTlsServer(ssl_);
    if (step == TlsStart::kPlainHttp) SSL_free(std::exchange(ssl_, nullptr));
    if (step != TlsStart::kWantsRead && step != TlsStart::kWantsWrite) co_return step;
    ReadyAwaiter ready{*this, step == TlsStart::kWantsRead ? Socket::wait_read : Socket::wait_write};
    if (!co_await ready || aborted_) co_return TlsStart::kFailed;
  }
}

void Connection::Abort() {
  if (aborted_) return;
  aborted_ = true;
  error_code ignored;
  socket_.close(ignored);
  if (end_state_ == IoEnd::kOpen) end_state_ = IoEnd::kError;
}

void Connection::ShutdownSend() {
  if (aborted_) return;
  // An answer that ends with the connection is whole only after this.
  if (ssl_ != nullptr && end_state_ != IoEnd::kError) SSL_shutdown(ssl_);
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace chain429
