#include "common/io/address.h"

#include <arpa/inet.h>

#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", ToAbsl(text), "\" is not an address (", ToAbsl(why),
                                                 "); write ADDR:PORT, as in 127.0.0.1:4290 or [::1]:4290"));
}

enum class Family { kName, kV4, kV6 };

Family FamilyOf(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return Family::kV4;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return Family::kV6;
  return Family::kName;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool word =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!word) return false;
  }
  // "10.0.0.300" and "1.2.3" look like addresses with a slip in them; no top-level name is all digits.
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return last.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace

std::string SocketAddress::ToString() const {
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port) : absl::StrCat("[", host, "]:", port);
}

bool SocketAddress::IsLoopback() const {
  if (EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

bool SocketAddress::IsWildcard() const {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return v4.s_addr == 0;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6);
}

absl::StatusOr<SocketAddress> ParseSocketAddress(std::string_view text) {
  SocketAddress address;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Bad(text, "the ']' is missing");
    address.host = std::string(text.substr(1, close - 1));
    if (FamilyOf(address.host) != Family::kV6) return Bad(text, "no IPv6 address stands between the brackets");
    if (close + 1 >= text.size() || text[close + 1] != ':') return Bad(text, "the port is missing");
    port = text.substr(close + 2);
  } else {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return Bad(text, "the port is missing");
    address.host = std::string(text.substr(0, colon));
    port = text.substr(colon + 1);
    if (address.host.find(':') != std::string::npos) return Bad(text, "an IPv6 address needs brackets");
    if (address.host.empty()) return Bad(text, "the address before the port is missing");
    if (FamilyOf(address.host) == Family::kName && !IsHostName(address.host))
      return Bad(text, "neither an IP address nor a host name");
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (error != std::errc() || end != port.data() + port.size() || port.empty())
    return Bad(text, "the port is not a number");
  if (value > 65535) return Bad(text, "the port is above 65535");
  address.port = static_cast<uint16_t>(value);
  return address;
}

absl::StatusOr<SocketAddress> ParseListenAddress(std::string_view text) {
  ASSIGN_OR_RETURN(SocketAddress address, ParseSocketAddress(text));
  if (EqualsIgnoreCase(address.host, "localhost")) address.host = "127.0.0.1";
  if (FamilyOf(address.host) == Family::kName) return Bad(text, "a listener needs an IP address, not a name");
  return address;
}

}  // namespace chain429
