#include "controlplane/ctl/up/ports.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Below what systems give to outgoing connections (from 32768 on Linux): a port that is handed to a program a moment
// later must not be taken by one of those meanwhile.
constexpr uint16_t kFirstQuietPort = 20000;
constexpr uint16_t kQuietPorts = 10000;
constexpr int kTries = 64;

}  // namespace

absl::Status ClaimPort(const std::string& what, const std::string& flag, SocketAddress& address) {
  if (address.port == 0) {
    Random random(SystemSeed());
    for (int i = 0; i < kTries; ++i) {
      SocketAddress candidate{address.host, static_cast<uint16_t>(kFirstQuietPort + random.Below(kQuietPorts))};
      if (!ClaimPort(what, flag, candidate).ok()) continue;
      address = candidate;
      return absl::OkStatus();
    }
  }
  asio::io_context context(1);
  error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(address.host, error), address.port);
  tcp::acceptor acceptor(context);
  if (!error) acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  if (error == asio::error::address_in_use) {
    const SocketAddress other{address.host,
                              static_cast<uint16_t>(address.port > 60000 ? address.port - 10000 : address.port + 1000)};
    return absl::AlreadyExistsError(
        absl::StrCat(address.ToString(), " (", what, ") is already in use.\nChoose another, for example ", flag, " ",
                     other.ToString(), ", or stop what uses it (ss -ltnp 'sport = :", address.port, "' shows it)."));
  }
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address.ToString(), " (", what, ", ", flag, "): ", error.message()));
  }
  address.port = acceptor.local_endpoint(error).port();
  return absl::OkStatus();
}

bool IsListening(const SocketAddress& address) {
  asio::io_context context(1);
  error_code error;
  const asio::ip::address ip = asio::ip::make_address(address.host, error);
  tcp::socket socket(context);
  if (!error) socket.connect(tcp::endpoint(ip, address.port), error);
  return !error;
}

SocketAddress ReachableFromHere(SocketAddress address) {
  if (address.IsWildcard()) address.host = address.host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
  return address;
}

}  // namespace chain429
