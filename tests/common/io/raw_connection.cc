#include "tests/common/io/raw_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace chain429 {

RawConnection::RawConnection(const SocketAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  const timeval timeout{20, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in v4_address{};
  v4_address.sin_family = AF_INET;
  v4_address.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &v4_address.sin_addr);
  sockaddr_in6 v6_address{};
  v6_address.sin6_family = AF_INET6;
  v6_address.sin6_port = htons(address.port);
  inet_pton(AF_INET6, address.host.c_str(), &v6_address.sin6_addr);
  const int failed = v6 ? connect(fd_, reinterpret_cast<const sockaddr*>(&v6_address), sizeof v6_address)
                        : connect(fd_, reinterpret_cast<const sockaddr*>(&v4_address), sizeof v4_address);
  if (failed != 0) {
    close(fd_);
    fd_ = -1;
  }
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawConnection::FinishSending() { shutdown(fd_, SHUT_WR); }

bool RawConnection::Fill() {
  char chunk[16384];
  const ssize_t size = recv(fd_, chunk, sizeof chunk, 0);
  if (size > 0) buffer_.append(chunk, static_cast<size_t>(size));
  return size > 0;
}

std::string RawConnection::ReadAll() {
  while (Fill()) {
  }
  return std::move(buffer_);
}

std::string RawConnection::ReadResponse() {
  size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return std::move(buffer_);
  }
  const size_t field = buffer_.find("content-length: ");
  const size_t body = field < head_end ? static_cast<size_t>(std::atoi(buffer_.c_str() + field + 16)) : 0;
  while (buffer_.size() < head_end + 4 + body) {
    if (!Fill()) break;
  }
  std::string response = buffer_.substr(0, head_end + 4 + body);
  buffer_.erase(0, response.size());
  return response;
}

int StatusOf(std::string_view response) {
  return response.starts_with("HTTP/1.1 ") ? std::atoi(std::string(response.substr(9, 3)).c_str()) : 0;
}

}  // namespace chain429
