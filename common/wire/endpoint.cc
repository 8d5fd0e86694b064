#include <charconv>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/wire/model_wire.h"

namespace chain429::wire {
namespace {

uint16_t SchemePort(bool tls) { return tls ? 443 : 80; }

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : absl::StrCat("[", host, "]");
}

absl::Status Bad(std::string_view why) { return absl::InvalidArgumentError(absl::StrCat("base_url: ", ToAbsl(why))); }

bool IsClean(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
  }
  return true;
}

}  // namespace

std::string BaseUrl(const Endpoint& endpoint) {
  return absl::StrCat(endpoint.tls ? "https://" : "http://", Bracketed(endpoint.host), ":", endpoint.port,
                      endpoint.path);
}

absl::StatusOr<Endpoint> ParseBaseUrl(std::string_view url) {
  if (!IsClean(url)) return Bad("a space or control character");
  Endpoint endpoint;
  if (url.starts_with("https://")) {
    endpoint.tls = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return Bad("neither http:// nor https://");
  }
  const size_t slash = std::min(url.find('/'), url.size());
  std::string_view authority = url.substr(0, slash);
  std::string_view path = url.substr(slash);
  if (path.find_first_of("?#") != std::string_view::npos ||
      authority.find_first_of("?#@\\") != std::string_view::npos) {
    return Bad("a user, query or fragment");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return Bad("'[' without ']'");
    endpoint.host = std::string(authority.substr(1, end - 1));
    if (endpoint.host.find(':') == std::string::npos) return Bad("no IPv6 address in brackets");
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority.front() != ':') return Bad("no port after ']'");
    has_port = !authority.empty();
    if (has_port) port = authority.substr(1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    endpoint.host = std::string(authority.substr(0, colon));
    has_port = colon < authority.size();
    if (has_port) port = authority.substr(colon + 1);
  }
  if (endpoint.host.empty()) return Bad("no host");
  if (endpoint.host.find_first_of("[]") != std::string::npos) return Bad("a bracket within the host");
  endpoint.port = SchemePort(endpoint.tls);
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0)
      return Bad("no port from 1 to 65535");
  }
  endpoint.path = std::string(path);
  endpoint.host_header = Bracketed(endpoint.host);
  if (endpoint.port != SchemePort(endpoint.tls)) absl::StrAppend(&endpoint.host_header, ":", endpoint.port);
  return endpoint;
}

}  // namespace chain429::wire
