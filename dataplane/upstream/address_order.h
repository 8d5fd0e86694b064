#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <vector>

namespace chain429 {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

// The order in which addresses are tried: the one that served last first, if it is still among them; then the families
// in turn, each in its own order, the family of the first address first (RFC 8305). A host that serves over one family
// only is so reached at the second try at the latest.
Addresses OrderToTry(const Addresses& addresses, const std::optional<boost::asio::ip::tcp::endpoint>& served_last);

}  // namespace chain429
