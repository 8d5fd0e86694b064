#pragma once

#include <array>
#include <functional>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/io/tls_server.h"

namespace chain429 {

// The small server's end of a connection, plain or TLS. One operation at a time, but for Close. Handlers are called
// from the loop, never from within the call, and keep alive what they need. Belongs to the loop's thread.
class HttpStream {
 public:
  using Done = std::function<void(const boost::system::error_code&, size_t)>;
  using Started = std::function<void(TlsStart)>;

  // `tls`: null for plain.
  HttpStream(boost::asio::ip::tcp::socket socket, const TlsServerContext* tls);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  bool is_tls() const { return ssl_ != nullptr; }
  // kDone, kFailed, or kPlainHttp: the stream is a plain one from then on.
  void Start(Started started);
  void ReadSome(boost::asio::mutable_buffer buffer, Done done);
  // All of both.
  void Write(std::array<boost::asio::const_buffer, 2> buffers, Done done);
  // Says that nothing more will be sent.
  void ShutdownSend();
  void Close();
  const boost::asio::ip::tcp::socket& socket() const { return socket_; }

 private:
  void Wait(bool to_read, std::function<void(const boost::system::error_code&)> then);

  boost::asio::ip::tcp::socket socket_;
  SSL* ssl_ = nullptr;
  bool usable_ = false;  // the handshake is done, and nothing has gone wrong since
  std::array<boost::asio::const_buffer, 2> left_;
};

}  // namespace chain429
