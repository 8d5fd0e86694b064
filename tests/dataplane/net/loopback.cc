#include "tests/dataplane/net/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace chain429 {
namespace {

struct Nudge final : Deadline {
  void OnDeadline() override { fired = true; }
  bool fired = false;
};

}  // namespace

Peer::Peer(int fd) : fd_(fd) {
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Peer::FinishSending() { shutdown(fd_, SHUT_WR); }

std::string Peer::Read(size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t n = recv(fd_, bytes.data() + got, size - got, 0);
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

bool Peer::AtEnd() {
  char byte = 0;
  const ssize_t n = recv(fd_, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

void Peer::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void Peer::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close();
}

Listener::Listener(int backlog, const std::string& address) : endpoint_(boost::asio::ip::make_address(address), 0) {
  fd_ = socket(endpoint_.protocol().family(), SOCK_STREAM, 0);
  EXPECT_EQ(bind(fd_, endpoint_.data(), static_cast<socklen_t>(endpoint_.size())), 0);
  EXPECT_EQ(listen(fd_, backlog), 0);
  auto size = static_cast<socklen_t>(endpoint_.capacity());
  EXPECT_EQ(getsockname(fd_, endpoint_.data(), &size), 0);
}

Listener::~Listener() { Close(); }

Peer Listener::Accept() {
  const int fd = accept(fd_, nullptr, nullptr);
  EXPECT_GE(fd, 0);
  return Peer(fd);
}

void Listener::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

boost::asio::ip::tcp::endpoint RefusedEndpoint() {
  // Bound but not listening: nobody else can take the port meanwhile, and connecting to it is refused.
  static const auto endpoint = [] {
    boost::asio::ip::tcp::endpoint bound(boost::asio::ip::make_address("127.0.0.1"), 0);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(fd, bound.data(), static_cast<socklen_t>(bound.size())), 0);
    auto size = static_cast<socklen_t>(bound.capacity());
    EXPECT_EQ(getsockname(fd, bound.data(), &size), 0);
    return bound;
  }();
  return endpoint;
}

FullListener::FullListener() {
  // Linux takes one connection more than the backlog says.
  for (int i = 0; i < 2; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const auto endpoint = listener_.endpoint();
    [[maybe_unused]] const int under_way = connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
    waiting_.emplace_back(fd);
  }
}

void LoopbackTest::LookAtDeadlines() {
  Nudge nudge;
  deadlines.Set(nudge, MonoTime::FromNanos(1));
  EXPECT_TRUE(RunUntil([&] { return nudge.fired; }));
}

}  // namespace chain429
