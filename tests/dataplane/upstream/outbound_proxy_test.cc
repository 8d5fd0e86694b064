#include "dataplane/upstream/outbound_proxy.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace chain429 {
namespace {

using Variables = std::map<std::string, std::string>;

absl::StatusOr<OutboundProxies> From(const Variables& variables) {
  return OutboundProxies::FromEnvironment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

Endpoint To(const std::string& host, uint16_t port = 443, bool tls = true) {
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.port = port;
  endpoint.tls = tls;
  return endpoint;
}

// The proxy's name, or "direct".
std::string Way(const Variables& variables, const Endpoint& endpoint) {
  const auto proxies = From(variables);
  if (!proxies.ok()) return std::string(proxies.status().message());
  const OutboundProxy* const proxy = proxies->For(endpoint);
  return proxy == nullptr ? "direct" : proxy->name;
}

TEST(OutboundProxies, TheVariableOfTheSchemeCountsThenTheOneForAll) {
  const Endpoint https = To("api.test");
  const Endpoint http = To("api.test", 80, false);
  const struct {
    Variables variables;
    std::string https;
    std::string http;
  } cases[] = {{{}, "direct", "direct"},
               {{{"HTTPS_PROXY", "http://p.test:3128"}}, "p.test:3128", "direct"},
               {{{"https_proxy", "http://p.test:3128/"}}, "p.test:3128", "direct"},
               {{{"https_proxy", "low.test:1"}, {"HTTPS_PROXY", "high.test:2"}}, "low.test:1", "direct"},
               {{{"https_proxy", ""}, {"HTTPS_PROXY", "high.test:2"}}, "high.test:2", "direct"},
               {{{"HTTP_PROXY", "http://p.test:3128"}}, "direct", "p.test:3128"},
               {{{"http_proxy", "HTTP://p.test"}}, "direct", "p.test:80"},
               {{{"ALL_PROXY", "http://[fd00::1]:8"}}, "[fd00::1]:8", "[fd00::1]:8"},
               {{{"ALL_PROXY", "a.test:1"}, {"http_proxy", "h.test:2"}}, "a.test:1", "h.test:2"}};
  for (const auto& c : cases) {
    EXPECT_EQ(Way(c.variables, https), c.https);
    EXPECT_EQ(Way(c.variables, http), c.http);
  }
}

TEST(OutboundProxies, NoProxyNamesWhatIsCalledDirectly) {
  const struct {
    std::string no_proxy;
    std::string host;
    uint16_t port;
    bool direct;
  } cases[] = {{"*", "api.test", 443, true},
               {"api.test", "api.test", 443, true},
               {"API.test", "api.TEST", 443, true},
               {"api.test", "eu.api.test", 443, true},
               {".api.test", "eu.api.test", 443, true},
               {".api.test", "api.test", 443, true},
               {"*.api.test", "eu.api.test", 443, true},
               {"*.api.test", "api.test", 443, false},
               {"api.test", "myapi.test", 443, false},
               {"api.test", "api.test.evil.test", 443, false},
               {"other.test, api.test", "api.test", 443, true},
               {"other.test api.test", "api.test", 443, true},
               {"api.test:8443", "api.test", 8443, true},
               {"api.test:8443", "api.test", 443, false},
               {"10.1.2.3", "10.1.2.3", 443, true},
               {"10.1.2.3", "10.1.2.33", 443, false},
               {"10.1.2.3:443", "10.1.2.3", 443, true},
               {"10.1.2.3:444", "10.1.2.3", 443, false},
               {"10.0.0.0/8", "10.200.1.1", 443, true},
               {"10.0.0.0/8", "11.0.0.1", 443, false},
               {"10.1.2.0/23", "10.1.3.7", 443, true},
               {"10.1.2.0/23", "10.1.4.7", 443, false},
               {"0.0.0.0/0", "192.0.2.1", 443, true},
               {"10.0.0.0/8", "ten.test", 443, false},
               {"fd00::/8", "fd12::1", 443, true},
               {"fd00::/8", "fe80::1", 443, false},
               {"2001:db8::1", "2001:db8::1", 443, true},
               {"[2001:db8::1]:443", "2001:db8::1", 443, true},
               {"[2001:db8::1]:444", "2001:db8::1", 443, false},
               {"10.0.0.0/33, /8, :1, ., api.test:x, ,,", "api.test", 443, false},
               {"", "api.test", 443, false}};
  for (const auto& c : cases) {
    EXPECT_EQ(Way({{"HTTPS_PROXY", "p.test:1"}, {"NO_PROXY", c.no_proxy}}, To(c.host, c.port)),
              c.direct ? "direct" : "p.test:1")
        << c.no_proxy << " " << c.host << ":" << c.port;
  }
  EXPECT_EQ(Way({{"HTTPS_PROXY", "p.test:1"}, {"no_proxy", "api.test"}, {"NO_PROXY", "x"}}, To("api.test")), "direct");
}

TEST(OutboundProxies, LoopbackIsNeverCalledThroughAProxy) {
  for (const std::string host : {"127.0.0.1", "127.8.9.10", "::1", "localhost"}) {
    EXPECT_EQ(Way({{"ALL_PROXY", "p.test:1"}}, To(host, 8000, false)), "direct") << host;
    EXPECT_EQ(Way({{"ALL_PROXY", "p.test:1"}}, To(host, 8000, true)), "direct") << host;
  }
}

TEST(OutboundProxies, UserAndPasswordBecomeAField) {
  const auto field = [](const std::string& url) {
    const auto proxies = From({{"HTTPS_PROXY", url}});
    return proxies.ok() ? proxies->https()->authorization.Reveal() : std::string(proxies.status().message());
  };
  EXPECT_EQ(field("http://p.test:1"), "");
  EXPECT_EQ(field("http://Aladdin:open%20sesame@p.test:1"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(field("http://me@p.test:1"), "Basic bWU6");
  EXPECT_EQ(field("me:p@ss@p.test:1"), "Basic bWU6cEBzcw==");
}

TEST(OutboundProxies, ABadUrlIsRefusedByTheNameOfItsVariableOnly) {
  for (const std::string url :
       {"https://u:secret@p.test:1", "socks5://u:secret@p.test:1", "http://u:secret@", "http://u:secret@p.test:70000",
        "http://u:secret@p.test:x", "http://u:secret@p.test/path", "http://u:sec%ret@p.test", "http://u:secret@p test",
        "http://u%3Ax:secret@p.test", "http://u:secret@p.test?q"}) {
    const auto proxies = From({{"HTTPS_PROXY", url}});
    ASSERT_FALSE(proxies.ok()) << url;
    const std::string message(proxies.status().message());
    EXPECT_TRUE(message.starts_with("HTTPS_PROXY: ")) << message;
    EXPECT_EQ(message.find("sec"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace chain429
