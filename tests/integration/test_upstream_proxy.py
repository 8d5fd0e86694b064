"""HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY: who is called through a proxy, how, and what is said when it refuses."""
import base64
import unittest

from support import certificates, checks, programs, trail
from support.case import ChainCase, TIMEOUTS, rows
from support.http_proxy import HttpProxy
from support.nginx import Nginx, Site
from support.raw_upstream import RefusedPort

PASSWORD = "Zebra-crossing-9000"
USER = f"me:{PASSWORD}"
BASIC = "Basic " + base64.b64encode(USER.encode()).decode()


class ProxyCase(ChainCase):
    @classmethod
    def setUpClass(cls):
        authority = certificates.Authority("tests")
        cls.authority = authority
        cls.secure = Site(authority.issue("provider", subject="DNS:api.provider.test"), text="by tls")
        cls.misnamed = Site(authority.issue("other", subject="DNS:other.test"))
        cls.nginx = Nginx(cls.secure, cls.misnamed)
        cls.addClassCleanup(cls.nginx.stop)

    def setUp(self):
        self.plain = self.upstream(name="plain")
        self.near = self.upstream(name="near")
        self.proxy = HttpProxy({"api.provider.test:443": ("127.0.0.1", self.secure.port),
                                "misnamed.provider.test:443": ("127.0.0.1", self.misnamed.port),
                                "plain.provider.test:8080": ("127.0.0.1", self.plain.port),
                                "plain.provider.test": ("127.0.0.1", self.plain.port)})
        self.addCleanup(self.proxy.stop)

    def fleet_with(self, env):
        def provider(url):
            return {"kind": "openai", "base_url": url, "allow_http": True}
        providers = {"secure": provider("https://api.provider.test/v1"),
                     "misnamed": provider("https://misnamed.provider.test/v1"),
                     "plain": provider("http://plain.provider.test:8080/v1"), "port80": provider("http://plain.provider.test/v1"),
                     "near": provider(self.near.base_url)}
        config = {"version": 1, "providers": providers, "chains": {}}
        for name in providers:
            config["chains"][name] = {"targets": [{"provider": name, "model": "m"}, {"provider": "near", "model": "n"}],
                                      "timeouts": TIMEOUTS}
        return self.start_fleet(config, env={"SSL_CERT_FILE": str(self.authority.cert), **env})

    def first_failed(self, fleet, chain, reason):
        """The chain's first target failed to be reached, for this reason, and the next one served."""
        answer = fleet.client.chat(chain)
        checks.served_by(self, answer, "near/n", attempts=2)
        self.assertEqual((f"{chain}/m", "connect"), trail.outcomes(answer)[0])
        direct = fleet.client.chat(f"{chain}/m")
        error = checks.own_error(self, direct, 502, "chain_exhausted")
        self.assertRegex(error["attempts"][0]["message"], reason)


class Ways(ProxyCase):
    def test_https_goes_through_a_tunnel(self):
        """CONNECT with the provider's name; TLS is spoken with the provider itself, and the connection is used again."""
        fleet = self.fleet_with({"HTTPS_PROXY": self.proxy.url(USER)})
        for _ in range(3):
            answer = fleet.client.chat("secure")
            checks.served_by(self, answer, "secure/m", attempts=1)
            self.assertEqual("by tls", answer.content)
        self.assertEqual(["CONNECT api.provider.test:443 HTTP/1.1"], [asked.line for asked in self.proxy.asked])
        self.assertEqual("api.provider.test:443", self.proxy.asked[0].header("host"))
        self.assertEqual(BASIC, self.proxy.asked[0].header("proxy-authorization"))
        self.assertIsNone(self.proxy.asked[0].header("authorization"))

    @rows({"with_a_port": ("plain", "plain.provider.test:8080"), "of_port_80": ("port80", "plain.provider.test")})
    def test_http_goes_by_the_whole_url(self, chain, authority):
        """Plain providers: the absolute form, and the provider's own Host."""
        fleet = self.fleet_with({"HTTP_PROXY": self.proxy.url(USER)})
        for _ in range(2):
            checks.served_by(self, fleet.client.chat(chain), f"{chain}/m", attempts=1)
        self.assertEqual(f"POST http://{authority}/v1/chat/completions HTTP/1.1", self.proxy.asked[0].line)
        self.assertEqual(authority, self.proxy.asked[0].header("host"))
        self.assertEqual(BASIC, self.proxy.asked[0].header("proxy-authorization"))
        self.assertEqual(2, self.plain.calls)
        self.assertEqual(1, len(self.proxy.asked), "the connection is used again")

    def test_lower_case_and_all_proxy_count_too(self):
        """https_proxy, and ALL_PROXY for whatever has no variable of its own."""
        elsewhere = HttpProxy(self.proxy.places)
        self.addCleanup(elsewhere.stop)
        fleet = self.fleet_with({"https_proxy": self.proxy.url(), "HTTPS_PROXY": "http://127.0.0.1:1",
                                 "ALL_PROXY": elsewhere.url()})
        checks.served_by(self, fleet.client.chat("secure"), "secure/m", attempts=1)
        checks.served_by(self, fleet.client.chat("plain"), "plain/m", attempts=1)
        self.assertEqual((1, 1), (len(self.proxy.asked), len(elsewhere.asked)))
        self.assertIsNone(self.proxy.asked[0].header("proxy-authorization"))

    def test_loopback_is_never_called_through_a_proxy(self):
        """Nor is the control plane."""
        fleet = self.fleet_with({"ALL_PROXY": self.proxy.url(), "NO_PROXY": ""})
        checks.served_by(self, fleet.client.chat("near"), "near/m", attempts=1)
        self.assertEqual([], self.proxy.asked)

    @rows({"domain": "provider.test", "dotted": ".provider.test", "whole": "plain.provider.test,api.provider.test", "all": "*"})
    def test_no_proxy_is_obeyed(self, exceptions):
        """What NO_PROXY names is looked up and called directly."""
        fleet = self.fleet_with({"ALL_PROXY": self.proxy.url(), "NO_PROXY": exceptions})
        for chain in ("secure", "plain"):
            answer = fleet.client.chat(chain)
            checks.served_by(self, answer, "near/n", attempts=2)
            self.assertIn(trail.outcomes(answer)[0][1], ("connect", "timeout"))
        self.assertEqual([], self.proxy.asked)

    def test_no_proxy_with_another_port_excepts_nothing(self):
        """host:port is that port only."""
        fleet = self.fleet_with({"ALL_PROXY": self.proxy.url(), "NO_PROXY": "plain.provider.test:8081,10.0.0.0/8"})
        checks.served_by(self, fleet.client.chat("plain"), "plain/m", attempts=1)


class Refusals(ProxyCase):
    @rows({"407": (b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n", "407"),
           "403": (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "403"),
           "502": (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nno\n", "502"),
           "302": (b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere.test/\r\ncontent-length: 0\r\n\r\n", "302"),
           "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "answered no HTTP"), "nothing": (b"", "closed the connection"),
           "half": (b"HTTP/1.1 200 Conn", "closed the connection"),
           "too_much": (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "sent more than its answer")})
    def test_a_tunnel_that_is_refused_is_no_connection(self, refusal, reason):
        """The next target serves, and the reason is named."""
        fleet = self.fleet_with({"HTTPS_PROXY": self.proxy.url(USER)})
        self.proxy.refusal = refusal
        self.first_failed(fleet, "secure", f"the proxy 127.0.0.1:{self.proxy.port} .*{reason}")
        self.proxy.refusal = None
        checks.served_by(self, fleet.client.chat("secure"), "secure/m", attempts=1)

    def test_a_plain_request_that_wants_other_credentials(self):
        """407 to the request itself is the proxy's word, not the provider's."""
        fleet = self.fleet_with({"HTTP_PROXY": self.proxy.url(USER)})
        self.proxy.refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
        self.first_failed(fleet, "plain", "wants other credentials \\(407\\)")

    def test_a_proxy_that_is_away(self):
        """Named as what is missing."""
        port = RefusedPort()
        self.addCleanup(port.stop)
        fleet = self.fleet_with({"HTTPS_PROXY": f"http://127.0.0.1:{port.port}"})
        self.first_failed(fleet, "secure", f"the proxy 127.0.0.1:{port.port} cannot be reached: .*refused")

    def test_the_tunnels_other_end_proves_who_it_is(self):
        """A proxy cannot pass for a provider."""
        fleet = self.fleet_with({"HTTPS_PROXY": self.proxy.url()})
        self.first_failed(fleet, "misnamed", "certificate refused: .*mismatch")


class Start(ProxyCase):
    def test_says_that_a_proxy_is_used_and_never_the_password(self):
        """In the log at start, without credentials, which stand nowhere at all."""
        fleet = self.fleet_with({"HTTPS_PROXY": self.proxy.url(USER)})
        fleet.client.chat("secure")
        self.proxy.refusal = b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n"
        answer = fleet.client.chat("misnamed")
        said = fleet.logs(1000) + fleet.proxy.program.output + str(answer.headers)
        self.assertRegex(fleet.proxy.program.stderr, f"through a proxy proxy=127.0.0.1:{self.proxy.port}")
        for secret in (PASSWORD, BASIC.split(" ")[1]):
            self.assertNotIn(secret, said)

    @rows({"socks": "socks5://{0}p.test:1080", "tls": "https://{0}p.test:443", "port": "http://{0}p.test:99999",
           "nobody": "http://{0}", "path": "http://{0}p.test/x", "blank": "http://{0}p test"})
    def test_a_bad_url_is_refused(self, url):
        """At once, by the variable's name, with an exit code, without the password."""
        code, out, err = programs.run("429chain-proxy", ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                                      env={"HTTPS_PROXY": url.format(USER + "@")}, timeout=10)
        self.assertNotEqual(0, code)
        self.assertIn("HTTPS_PROXY: ", err)
        self.assertNotIn(PASSWORD, out + err)


if __name__ == "__main__":
    unittest.main()
