#include "common/io/http_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace chain429 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

enum class Want { kNothing, kRead, kWrite, kEnd, kFailure };

Want WantOf(SSL* ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
      return Want::kNothing;
    case SSL_ERROR_WANT_READ:
      return Want::kRead;
    case SSL_ERROR_WANT_WRITE:
      return Want::kWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Want::kEnd;
    default:
      return Want::kFailure;
  }
}

}  // namespace

HttpStream::HttpStream(tcp::socket socket, const TlsServerContext* tls) : socket_(std::move(socket)) {
  if (tls == nullptr) return;
  error_code ignored;
  socket_.non_blocking(true, ignored);
  ssl_ = tls->NewSession(socket_.native_handle());
  if (ssl_ == nullptr) socket_.close(ignored);
}

HttpStream::~HttpStream() {
  if (ssl_ != nullptr) SSL_free(ssl_);
}

// A wait that was over just before the socket closed can no longer be cancelled: whoever waited looks whether it is
// still open, because its number may be another connection's by then.
void HttpStream::Wait(bool to_read, std::function<void(const error_code&)> then) {
  socket_.async_wait(to_read ? tcp::socket::wait_read : tcp::socket::wait_write, std::move(then));
}

void HttpStream::Start(Started started) {
  const TlsStart step = StartTlsServer(ssl_);
  if (step == TlsStart::kWantsRead || step == TlsStart::kWantsWrite) {
    Wait(step == TlsStart::kWantsRead, [this, s = std::move(started)](const error_code& error) mutable {
      if (error || !socket_.is_open()) {
        s(TlsStart::kFailed);
      } else {
        Start(std::move(s));
      }
    });
    return;
  }
  if (step == TlsStart::kPlainHttp) SSL_free(std::exchange(ssl_, nullptr));
  usable_ = step == TlsStart::kDone;
  asio::post(socket_.get_executor(), [s = std::move(started), step] { s(step); });
}

void HttpStream::ReadSome(asio::mutable_buffer buffer, Done done) {
  if (ssl_ == nullptr) {
    socket_.async_read_some(buffer, std::move(done));
    return;
  }
  ERR_clear_error();
  const int got = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
  const Want want = WantOf(ssl_, got);
  if (want == Want::kRead || want == Want::kWrite) {
    Wait(want == Want::kRead, [this, buffer, d = std::move(done)](const error_code& error) mutable {
      if (error || !socket_.is_open()) {
        d(error ? error : asio::error::operation_aborted, 0);
      } else {
        ReadSome(buffer, std::move(d));
      }
    });
    return;
  }
  if (want == Want::kFailure) usable_ = false;
  const error_code error = want == Want::kNothing ? error_code() : error_code(asio::error::eof);
  asio::post(socket_.get_executor(),
             [d = std::move(done), error, got] { d(error, error ? 0 : static_cast<size_t>(got)); });
}

void HttpStream::Write(std::array<asio::const_buffer, 2> buffers, Done done) {
  if (ssl_ == nullptr) {
    asio::async_write(socket_, buffers, std::move(done));
    return;
  }
  left_ = buffers;
  for (asio::const_buffer& buffer : left_) {
    while (buffer.size() > 0) {
      ERR_clear_error();
      const int sent = SSL_write(ssl_, buffer.data(), static_cast<int>(std::min<size_t>(buffer.size(), 1 << 20)));
      const Want want = WantOf(ssl_, sent);
      if (want == Want::kNothing) {
        buffer += static_cast<size_t>(sent);
      } else if (want == Want::kRead || want == Want::kWrite) {
        Wait(want == Want::kRead, [this, d = std::move(done)](const error_code& error) mutable {
          if (error || !socket_.is_open()) {
            d(error ? error : asio::error::operation_aborted, 0);
          } else {
            Write(left_, std::move(d));
          }
        });
        return;
      } else {
        usable_ = false;
        asio::post(socket_.get_executor(), [d = std::move(done)] { d(asio::error::broken_pipe, 0); });
        return;
      }
    }
  }
  asio::post(socket_.get_executor(), [d = std::move(done)] { d(error_code(), 0); });
}

void HttpStream::ShutdownSend() {
  if (ssl_ != nullptr && usable_) SSL_shutdown(ssl_);
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void HttpStream::Close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace chain429
