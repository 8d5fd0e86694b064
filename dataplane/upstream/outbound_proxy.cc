#include "dataplane/upstream/outbound_proxy.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/text.h"
#include "common/config/base_url.h"

namespace chain429 {
namespace {

namespace ip = boost::asio::ip;

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    unsigned byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

// "http://user:password@host:port", the scheme optional. The error is without the text.
absl::StatusOr<OutboundProxy> ParseProxyUrl(std::string_view text) {
  const size_t scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) {
    if (!EqualsIgnoreCase(text.substr(0, scheme_end), "http")) {
      return absl::InvalidArgumentError(
          "the scheme must be http: proxies that are themselves spoken to over TLS, or by SOCKS, are not supported");
    }
    text.remove_prefix(scheme_end + 3);
  }
  OutboundProxy proxy;
  const std::string_view authority = text.substr(0, text.find('/'));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user_info = authority.substr(0, at);
    const size_t colon = user_info.find(':');
    const auto user = PercentDecoded(user_info.substr(0, colon));
    const auto password = PercentDecoded(colon == std::string_view::npos ? "" : user_info.substr(colon + 1));
    if (!user || !password) return absl::InvalidArgumentError("a \"%\" in user or password needs two digits behind it");
    if (user->find(':') != std::string::npos) return absl::InvalidArgumentError("a user name has no \":\"");
    proxy.authorization = Secret(absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(*user, ":", *password))));
    text.remove_prefix(at + 1);
  }
  auto endpoint = ParseBaseUrl(absl::StrCat("http://", ToAbsl(text)));
  if (!endpoint.ok()) return endpoint.status();
  if (!endpoint->path.empty()) return absl::InvalidArgumentError("a path is not allowed in a proxy's URL");
  proxy.host = endpoint->host;
  proxy.port = endpoint->port;
  proxy.name = proxy.host.find(':') == std::string::npos ? absl::StrCat(proxy.host, ":", proxy.port)
                                                         : absl::StrCat("[", proxy.host, "]:", proxy.port);
  return proxy;
}

// The first of the variables that is set and not empty.
absl::StatusOr<std::shared_ptr<const OutboundProxy>> ProxyOf(const OutboundProxies::GetVariable& get,
                                                             std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* const value = get(name);
    if (value == nullptr || TrimSpace(value).empty()) continue;
    auto proxy = ParseProxyUrl(TrimSpace(value));
    if (!proxy.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", proxy.status().message()));
    return std::make_shared<const OutboundProxy>(*std::move(proxy));
  }
  return nullptr;
}

template <typename Bytes>
bool SameBits(const Bytes& a, const Bytes& b, unsigned bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xFFu << (8 - bits % 8) & 0xFFu;
  return (a[whole] & mask) == (b[whole] & mask);
}

bool Within(const ip::address& address, const ip::address& network, unsigned prefix) {
  if (address.is_v4() != network.is_v4()) return false;
  return address.is_v4() ? SameBits(address.to_v4().to_bytes(), network.to_v4().to_bytes(), prefix)
                         : SameBits(address.to_v6().to_bytes(), network.to_v6().to_bytes(), prefix);
}

std::optional<ip::address> AsAddress(std::string_view text) {
  boost::system::error_code error;
  ip::address address = ip::make_address(std::string(text), error);
  return error ? std::nullopt : std::make_optional(std::move(address));
}

template <typename Number>
bool ParseNumber(std::string_view text, Number most, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number <= most;
}

}  // namespace

absl::StatusOr<OutboundProxies> OutboundProxies::FromEnvironment(const GetVariable& get) {
  OutboundProxies proxies;
  auto https = ProxyOf(get, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  if (!https.ok()) return https.status();
  auto http = ProxyOf(get, {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
  if (!http.ok()) return http.status();
  proxies.https_ = *std::move(https);
  proxies.http_ = *std::move(http);
  const char* exceptions = get("no_proxy");
  if (exceptions == nullptr) exceptions = get("NO_PROXY");
  if (exceptions == nullptr) return proxies;
  for (const absl::string_view entry : absl::StrSplit(exceptions, absl::ByAnyChar(", \t"), absl::SkipEmpty())) {
    // What cannot be read excepts nothing; other programs read the same variable, and may understand it.
    if (auto exception = ParseException(FromAbsl(entry))) proxies.exceptions_.push_back(*std::move(exception));
  }
  return proxies;
}

// "*", "example.com", ".example.com", "*.example.com", "10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8", all but networks
// with ":port" behind, IPv6 in brackets then.
std::optional<OutboundProxies::Exception> OutboundProxies::ParseException(std::string_view text) {
  Exception exception;
  if (text == "*") {
    exception.all = true;
    return exception;
  }
  const auto take_address = [&](std::string_view address) {
    exception.network = AsAddress(address);
    if (exception.network) exception.prefix = exception.network->is_v4() ? 32 : 128;
    return exception.network.has_value();
  };
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (!take_address(text.substr(0, slash))) return std::nullopt;
    const unsigned most = exception.prefix;
    if (!ParseNumber(text.substr(slash + 1), most, exception.prefix)) return std::nullopt;
    return exception;
  }
  if (take_address(text)) return exception;
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos && !text.ends_with(']')) {
    if (!ParseNumber<uint16_t>(text.substr(colon + 1), 65535, exception.port) || exception.port == 0)
      return std::nullopt;
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (take_address(text)) return exception;
  exception.only_below = text.starts_with("*.");
  if (exception.only_below) text.remove_prefix(1);
  if (text.starts_with('.')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  exception.domain = LowerAscii(text);
  return exception;
}

bool OutboundProxies::Excepts(const Exception& exception, const Endpoint& endpoint) const {
  if (exception.all) return true;
  if (exception.port != 0 && exception.port != endpoint.port) return false;
  if (exception.network) {
    const auto address = AsAddress(endpoint.host);
    return address && Within(*address, *exception.network, exception.prefix);
  }
  const std::string host = LowerAscii(endpoint.host);
  if (host == exception.domain) return !exception.only_below;
  return host.size() > exception.domain.size() && host.ends_with(exception.domain) &&
         host[host.size() - exception.domain.size() - 1] == '.';
}

const OutboundProxy* OutboundProxies::For(const Endpoint& endpoint) const {
  const OutboundProxy* const proxy = endpoint.tls ? https_.get() : http_.get();
  if (proxy == nullptr || IsLoopbackHost(endpoint.host)) return nullptr;
  const bool excepted = std::any_of(exceptions_.begin(), exceptions_.end(),
                                    [&](const Exception& exception) { return Excepts(exception, endpoint); });
  return excepted ? nullptr : proxy;
}

}  // namespace chain429
