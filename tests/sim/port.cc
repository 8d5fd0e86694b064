#include "tests/sim/port.h"

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "tests/sim/connection.h"

namespace chain429::sim {
namespace asio = boost::asio;
using asio::ip::tcp;

SimClock::SimClock() : wall_(absl::Now()), steady_(std::chrono::steady_clock::now()) {}

absl::Time SimClock::Now() const { return wall_ + absl::FromChrono(std::chrono::steady_clock::now() - steady_); }

absl::Status Port::Listen(const std::string& address) {
  size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  asio::ip::address ip = asio::ip::make_address(host, error);
  if (error) return absl::InvalidArgumentError("cannot listen on " + address + ": no such address");
  tcp::endpoint endpoint(ip, static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(4096, error);
  if (error) return absl::UnavailableError("cannot listen on " + address + ": " + error.message());
  return absl::OkStatus();
}

std::string Port::address() const {
  tcp::endpoint endpoint = acceptor_.local_endpoint();
  std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port());
}

Provider* Port::Route(std::string* target) const {
  for (const Mount& mount : mounts_) {
    if (mount.prefix.empty()) return mount.provider;
    if (target->starts_with(mount.prefix) && target->substr(mount.prefix.size(), 1) == "/") {
      target->erase(0, mount.prefix.size());
      return mount.provider;
    }
  }
  return nullptr;
}

void Port::Serve() { asio::co_spawn(io_.get_executor(), Accept(), asio::detached); }

Task<void> Port::Accept() {
  constexpr auto kResult = asio::as_tuple(asio::use_awaitable_t<Executor>{});
  while (acceptor_.is_open()) {
    Socket socket(io_);
    auto [error] = co_await acceptor_.async_accept(socket, kResult);
    if (!error) {
      StartConnection(std::move(socket), *this);
      continue;
    }
    if (error == asio::error::operation_aborted) co_return;
    // Out of descriptors, for one: try again when some may have become free.
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor> pause(
        io_, std::chrono::milliseconds(10));
    co_await pause.async_wait(kResult);
  }
}

}  // namespace chain429::sim
