#pragma once

#include <string>
#include <string_view>

#include "common/io/address.h"

namespace chain429 {

// A blocking TCP connection that sends exactly the bytes it is given: what well-behaved clients would not. Every read
// is bounded by 20 s, so that a server that hangs fails the test instead of stopping it.
class RawConnection {
 public:
  explicit RawConnection(const SocketAddress& address);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return fd_ >= 0; }
  // false: the other end has closed.
  bool Send(std::string_view bytes);
  void FinishSending();
  // Until the other end closes.
  std::string ReadAll();
  // One response, by its Content-Length; what came beyond it stays for the next call.
  std::string ReadResponse();

 private:
  bool Fill();
  int fd_ = -1;
  std::string buffer_;
};

// 404 of "HTTP/1.1 404 Not Found…"; 0: no such line.
int StatusOf(std::string_view response);

}  // namespace chain429
