#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"

namespace chain429 {

// The other end of a connection: a blocking socket that does exactly what it is told. Reads give up after 20 s, so that
// what hangs fails.
class Peer {
 public:
  explicit Peer(int fd);
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Peer() { Close(); }

  void Send(std::string_view bytes);
  void FinishSending();
  // `size` bytes, or fewer if the other end closes before.
  std::string Read(size_t size);
  // The other end has closed, in order or not, and nothing is left to be read.
  bool AtEnd();
  void Close();
  // Closes with a reset.
  void Reset();
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Listener {
 public:
  explicit Listener(int backlog = 16, const std::string& address = "127.0.0.1");
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }
  Peer Accept();
  // From now on nobody listens at the endpoint.
  void Close();

 private:
  int fd_ = -1;
  boost::asio::ip::tcp::endpoint endpoint_;
};

// A place where nobody listens.
boost::asio::ip::tcp::endpoint RefusedEndpoint();

// A listener that takes no connection any more: what connects to it waits.
class FullListener {
 public:
  FullListener();
  boost::asio::ip::tcp::endpoint endpoint() const { return listener_.endpoint(); }

 private:
  Listener listener_{0};
  std::vector<Peer> waiting_;
};

// Stands still unless it is turned; begins at the present, because the queue's timer runs on the real clock.
class TurnedClock final : public Clock {
 public:
  Now Read() const override { return {now_, absl::UnixEpoch()}; }
  void Turn(absl::Duration by) { now_ = now_ + by; }

 private:
  MonoTime now_ = SystemClock().Read().mono;
};

// A loop that is run by hand, its deadlines, and connections over the loopback.
class LoopbackTest : public testing::Test {
 protected:
  LoopbackTest() : io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), deadlines(io, clock) {}

  // False: nothing is under way that could still make it true, or 20 s have passed.
  template <typename Condition>
  bool RunUntil(Condition condition) {
    while (!condition()) {
      io.restart();
      if (io.run_one_for(std::chrono::seconds(20)) == 0) return condition();
    }
    return true;
  }
  // What can be done at once. Bounded, because a deadline of the standing clock that is due by the real one is ready for
  // ever.
  void RunReady() {
    io.restart();
    for (int i = 0; i < 1000 && io.poll_one() > 0; ++i) {
    }
  }
  // Makes the queue look at all its deadlines now.
  void LookAtDeadlines();

  // Runs a task on the loop; `*result` is set at its end.
  template <typename T>
  static Detached Start(Task<T> task, std::optional<T>* result) {
    T value = co_await task;
    result->emplace(std::move(value));
  }
  template <typename T>
  std::optional<T> Finish(Task<T> task) {
    std::optional<T> result;
    Start(std::move(task), &result);
    EXPECT_TRUE(RunUntil([&] { return result.has_value(); })) << "the task does not end";
    return result;
  }
  static Task<bool> Fill(ConnectionPtr connection) {
    const bool more = co_await connection->Fill();
    co_return more;
  }
  static Task<bool> Write(ConnectionPtr connection, std::string bytes) {
    auto writing = connection->Write(bytes);
    const bool good = co_await writing;
    co_return good;
  }
  ConnectionPtr NewConnection() { return ConnectionPtr(new Connection(Socket(io.get_executor()))); }
  // A connection to `listener`, and its other end.
  std::pair<ConnectionPtr, Peer> Connected(Listener& listener) {
    ConnectionPtr connection = NewConnection();
    EXPECT_EQ(Finish(connection->Connect(listener.endpoint())), "");
    return {std::move(connection), listener.Accept()};
  }

  boost::asio::io_context io;
  TurnedClock clock;
  DeadlineQueue deadlines;
};

}  // namespace chain429
