#include "dataplane/upstream/address_order.h"

#include <algorithm>

namespace chain429 {

Addresses OrderToTry(const Addresses& addresses, const std::optional<boost::asio::ip::tcp::endpoint>& served_last) {
  Addresses order;
  order.reserve(addresses.size());
  Addresses first_family;
  Addresses second_family;
  bool v4_first = !addresses.empty() && addresses.front().address().is_v4();
  if (served_last && std::find(addresses.begin(), addresses.end(), *served_last) != addresses.end()) {
    order.push_back(*served_last);
    v4_first = !served_last->address().is_v4();  // the next is of the other family
  }
  for (const auto& address : addresses) {
    if (!order.empty() && address == order.front()) continue;
    (address.address().is_v4() == v4_first ? first_family : second_family).push_back(address);
  }
  for (size_t i = 0; i < std::max(first_family.size(), second_family.size()); ++i) {
    if (i < first_family.size()) order.push_back(first_family[i]);
    if (i < second_family.size()) order.push_back(second_family[i]);
  }
  return order;
}

}  // namespace chain429
