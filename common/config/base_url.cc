#include "common/config/base_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kLongestUrl = 2048;
constexpr size_t kLongestHost = 253;

absl::Status Bad(std::string_view why) { return absl::InvalidArgumentError(ToAbsl(why)); }

bool IsVisibleAscii(char c) { return c > 0x20 && c < 0x7f; }

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kLongestHost && host.front() != '.' && host.front() != '-' &&
         host.find("..") == std::string_view::npos && std::all_of(host.begin(), host.end(), IsHostCharacter);
}

bool IsIpv6(std::string_view host) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

// The part between "://" and the path: host and port.
absl::Status ParseAuthority(std::string_view authority, Endpoint& endpoint) {
  if (authority.find('@') != std::string_view::npos)
    return Bad("a user or password in the URL is not allowed; use credentials");
  std::string_view port;
  bool has_port = false;
  bool brackets = false;
  if (authority.starts_with("[")) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return Bad("\"]\" is missing after the IPv6 address");
    endpoint.host = std::string(authority.substr(1, close - 1));
    if (!IsIpv6(endpoint.host)) return Bad("not an IPv6 address between the brackets");
    brackets = true;
    const std::string_view rest = authority.substr(close + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return Bad("only a port may follow the IPv6 address");
    port = has_port ? rest.substr(1) : rest;
  } else {
    const size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    endpoint.host = LowerAscii(authority.substr(0, colon));
    port = has_port ? authority.substr(colon + 1) : std::string_view();
    if (endpoint.host.empty()) return Bad("the URL has no host");
    if (port.find(':') != std::string_view::npos) return Bad("an IPv6 address needs brackets: http://[::1]:8000");
    if (!IsHostName(endpoint.host)) return Bad("not a host name");
  }
  const uint16_t default_port = endpoint.tls ? 443 : 80;
  endpoint.port = default_port;
  if (has_port) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (error != std::errc() || end != port.data() + port.size() || value < 1 || value > 65535) {
      return Bad("the port must be a number from 1 to 65535");
    }
    endpoint.port = static_cast<uint16_t>(value);
  }
  endpoint.host_header = brackets ? absl::StrCat("[", endpoint.host, "]") : endpoint.host;
  if (endpoint.port != default_port) absl::StrAppend(&endpoint.host_header, ":", endpoint.port);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Endpoint> ParseBaseUrl(std::string_view text) {
  if (text.empty()) return Bad("the URL is empty");
  if (text.size() > kLongestUrl) return Bad(absl::StrCat("the URL is longer than ", kLongestUrl, " bytes"));
  if (!std::all_of(text.begin(), text.end(), IsVisibleAscii))
    return Bad("a blank, control or non-ASCII character is not allowed in a URL");
  if (text.find('\\') != std::string_view::npos) return Bad("a backslash is not allowed in a URL");
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return Bad("the URL must start with https:// or http://");
  const std::string scheme = LowerAscii(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return Bad("the scheme must be https or http");
  const std::string_view rest = text.substr(scheme_end + 3);
  if (rest.find('?') != std::string_view::npos) return Bad("a query (\"?…\") is not allowed in a base URL");
  if (rest.find('#') != std::string_view::npos) return Bad("a fragment (\"#…\") is not allowed in a base URL");
  Endpoint endpoint;
  endpoint.tls = scheme == "https";
  const size_t slash = rest.find('/');
  if (absl::Status status = ParseAuthority(rest.substr(0, slash), endpoint); !status.ok()) return status;
  std::string_view path = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  endpoint.path = std::string(path);
  return endpoint;
}

bool IsLoopbackHost(std::string_view host) {
  if (EqualsIgnoreCase(host, "localhost") || host == "::1") return true;
  in_addr v4;
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

}  // namespace chain429
