#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/model/snapshot.h"

namespace chain429 {

// An HTTP proxy between this process and providers.
struct OutboundProxy {
  std::string host;
  uint16_t port = 80;
  std::string name;      // host:port, for people
  Secret authorization;  // "Basic …", of the URL's user and password; empty: none
};

// Which providers are called through which proxy, as the environment says: HTTPS_PROXY and HTTP_PROXY by the provider's
// scheme, else ALL_PROXY, but for what NO_PROXY names. Lower-case names come first, as with curl; HTTP_PROXY counts
// too, because no CGI server sets our environment from a client's fields. Loopback is never called through a proxy.
// Immutable; any thread.
class OutboundProxies {
 public:
  using GetVariable = std::function<const char*(const char* name)>;
  // An error names the variable and what is wrong with it, never its value: it may hold a password.
  static absl::StatusOr<OutboundProxies> FromEnvironment(const GetVariable& get);

  // Null: called directly.
  const OutboundProxy* For(const Endpoint& endpoint) const;
  const OutboundProxy* http() const { return http_.get(); }
  const OutboundProxy* https() const { return https_.get(); }

 private:
  // One entry of NO_PROXY.
  struct Exception {
    bool all = false;
    std::string domain;  // without a leading dot; its subdomains are meant, too
    bool only_below = false;  // "*.domain": not the domain itself
    std::optional<boost::asio::ip::address> network;
    unsigned prefix = 0;  // bits of `network`
    uint16_t port = 0;  // 0: any
  };
  static std::optional<Exception> ParseException(std::string_view text);
  bool Excepts(const Exception& exception, const Endpoint& endpoint) const;

  std::shared_ptr<const OutboundProxy> http_;
  std::shared_ptr<const OutboundProxy> https_;
  std::vector<Exception> exceptions_;
};

}  // namespace chain429
