#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "tests/sim/provider.h"

namespace chain429::sim {

// The process's one clock: it begins at the wall clock's time and then only runs forward.
class SimClock {
 public:
  SimClock();
  absl::Time Now() const;
  absl::Time start() const { return wall_; }

 private:
  absl::Time wall_;
  std::chrono::steady_clock::time_point steady_;
};

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
template <typename T>
using Task = boost::asio::awaitable<T, Executor>;

// One listening port with the providers behind it.
class Port {
 public:
  // A provider alone on its port has the whole of it; several have one prefix each: /NAME.
  struct Mount {
    std::string prefix;
    Provider* provider;
  };

  Port(boost::asio::io_context& io, const SimClock& clock) : io_(io), clock_(clock), acceptor_(io) {}

  absl::Status Listen(const std::string& address);
  void Add(std::string prefix, Provider* provider) { mounts_.push_back({std::move(prefix), provider}); }
  void Serve();  // begins to accept; everything runs on the io_context

  // The provider that a target belongs to, and the target without the provider's prefix. Null: nobody's.
  Provider* Route(std::string* target) const;
  Provider* first() const { return mounts_.front().provider; }

  std::string address() const;  // ADDRESS:PORT as bound
  const SimClock& clock() const { return clock_; }
  int64_t NextConnection() { return ++last_connection_; }

 private:
  Task<void> Accept();

  boost::asio::io_context& io_;
  const SimClock& clock_;
  Acceptor acceptor_;
  std::vector<Mount> mounts_;
  int64_t last_connection_ = 0;
};

}  // namespace chain429::sim
