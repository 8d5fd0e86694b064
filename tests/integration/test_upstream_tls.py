"""Providers over TLS: who is believed, what is said where one is not, sessions resumed, connections that nginx closes."""
import os
import re
import subprocess
import threading
import unittest

from support import answers, certificates, checks, trail
from support.case import ChainCase, TIMEOUTS, rows
from support.fleet import Fleet, quiet_port
from support.nginx import Nginx, Site
from support.poll import until
from support.prometheus import metric, scrape
from support.raw_client import Client

SYSTEM = "/dev/null"  # an empty list of authorities


def tls_failures(fleet):
    return scrape(Client(fleet.proxy.admin)).sum("chain429_upstream_connect_failures_total", reason="tls")


def config_of(sites):
    """A provider of each site, a chain of each with the good one behind it, and one without."""
    providers = {name: {"kind": "openai", "base_url": url} for name, url in sites.items()}
    chains = {}
    for name in sites:
        target = {"provider": name, "model": "m"}
        chains[name] = {"targets": [target], "timeouts": TIMEOUTS}
        if name != "good":
            chains[f"{name}-then-good"] = {"targets": [target, {"provider": "good", "model": "m"}], "timeouts": TIMEOUTS}
    return {"version": 1, "providers": providers, "chains": chains}


# What the certificate or the server is like: what is said of it.
REFUSED = {
    "wrong-name": "certificate refused: IP address mismatch, it is not for \"127.0.0.1\"",
    "wrong-host": "certificate refused: [Hh]ostname mismatch, it is not for \"localhost\"",
    "expired": "certificate refused: certificate has expired",
    "self-signed": "certificate refused: self.signed certificate",
    "unknown-ca": "certificate refused: unable to get local issuer certificate",
    "old-tls": "TLS handshake failed: .*(protocol|version)",
    "no-tls": "TLS handshake failed: .*(wrong version number|packet length)",
}


class TlsCase(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = certificates.Authority("tests")
        stranger = certificates.Authority("stranger")
        good = cls.authority.issue("good", subject="IP:127.0.0.1,DNS:localhost")
        cls.sites = {
            "good": Site(good),
            "wrong-name": Site(cls.authority.issue("other", subject="DNS:other.test,IP:127.0.0.2")),
            "wrong-host": Site(cls.authority.issue("address", subject="DNS:other.test,IP:127.0.0.1")),
            "expired": Site(cls.authority.issue("expired", subject="IP:127.0.0.1", days=-1)),
            "self-signed": Site(cls.authority.self_signed("itself", "subjectAltName=IP:127.0.0.1")),
            "unknown-ca": Site(stranger.issue("good", subject="IP:127.0.0.1")),
            "old-tls": Site(good, "ssl_protocols TLSv1;", "ssl_ciphers DEFAULT:@SECLEVEL=0;"),
            "no-tls": Site(),
            "tls-1-2": Site(good, "ssl_protocols TLSv1.2;", "keepalive_timeout 0;"),
            "tls-1-3": Site(good, "ssl_protocols TLSv1.3;", "keepalive_timeout 0;"),
            "by-name": Site(good),
            "brief": Site(good, "keepalive_timeout 20ms;", "keepalive_requests 7;"),
            "says-how-long": Site(good, "keepalive_timeout 75s 1s;"),
        }
        cls.nginx = Nginx(*cls.sites.values())
        cls.addClassCleanup(cls.nginx.stop)
        urls = {name: site.base_url("localhost" if name in ("by-name", "wrong-host") else "127.0.0.1")
                for name, site in cls.sites.items()}
        urls["no-tls"] = urls["no-tls"].replace("http:", "https:")
        cls.fleet = Fleet(config_of(urls), env={"SSL_CERT_FILE": str(cls.authority.cert)})
        cls.addClassCleanup(cls.fleet.stop)
        cls.fleet.start()

    def all_fleets(self):
        return [self.fleet, *super().all_fleets()]

    @property
    def client(self):
        return self.fleet.client


class Certificates(TlsCase):
    def test_a_good_certificate_is_believed_for_an_address_and_a_name(self):
        """Verified against the authorities of SSL_CERT_FILE, for addresses and names alike."""
        checks.served_by(self, self.client.chat("good"), "good/m", attempts=1)
        checks.served_by(self, self.client.chat("by-name"), "by-name/m", attempts=1)

    @rows({name.replace("-", "_"): (name, reason) for name, reason in REFUSED.items()})
    def test_what_is_not_believed_is_not_called(self, name, reason):
        """The next target serves; where none is left the message and the log say why."""
        failures = tls_failures(self.fleet)
        calls = len(self.nginx.calls(self.sites[name]))
        answer = self.client.chat(f"{name}-then-good")
        checks.served_by(self, answer, "good/m", attempts=2)
        self.assertEqual([(f"{name}/m", "connect"), ("good/m", "ok")], trail.outcomes(answer))
        error = checks.own_error(self, self.client.chat(name), 502, "chain_exhausted")
        self.assertRegex(error["attempts"][0]["message"], reason)
        self.assertEqual("connect", error["attempts"][0]["outcome"])
        self.assertRegex(error["message"], reason)
        def logged():
            lines = [line for line in self.fleet.proxy.program.stderr.splitlines() if f"provider={name}" in line]
            return re.search(reason, "\n".join(lines).replace('\\"', '"'))
        until(logged, 5.0, "the reason in the log")
        self.assertEqual(failures + 2, tls_failures(self.fleet))
        # A server without TLS logs what it could not read; nobody was given an answer.
        self.assertEqual([], [call for call in self.nginx.calls(self.sites[name])[calls:] if call[4] == 200])


class Authorities(TlsCase):
    def chat_with(self, env):
        return self.start_fleet(config_of({"good": self.sites["good"].base_url()}), env=env).client.chat("good")

    def test_ssl_cert_dir(self):
        """A directory of hashed authorities serves as well."""
        directory = self.authority.directory / "hashed"
        directory.mkdir()
        (directory / "ca.pem").write_bytes(self.authority.cert.read_bytes())
        certificates.openssl("rehash", directory)
        answer = self.chat_with({"SSL_CERT_FILE": SYSTEM, "SSL_CERT_DIR": str(directory)})
        checks.served_by(self, answer, "good/m")

    def test_without_the_authority_nobody_is_believed(self):
        """The system's authorities do not vouch for a made-up one."""
        error = checks.own_error(self, self.chat_with({}), 502, "chain_exhausted")
        self.assertIn("certificate refused", error["message"])


    def test_a_file_that_is_missing_is_warned_of(self):
        """At start: else every provider's certificate would seem to be at fault."""
        self.chat_with({"SSL_CERT_FILE": "/nonexistent/ca.pem"})
        self.assertRegex(self._fleets[-1].proxy.program.stderr,
                         "warning proxy: SSL_CERT_FILE names a file that cannot be read: /nonexistent/ca.pem")


class Sessions(TlsCase):
    @rows({"tls_1_2": "tls-1-2", "tls_1_3": "tls-1-3"})
    def test_a_further_connection_resumes_the_session(self, name):
        """One whole handshake, then resumed ones; the metrics say so."""
        def counted():
            return [metric(self.fleet.proxy, "chain429_upstream_tls_handshakes_total", resumed=resumed)
                    for resumed in ("false", "true")]
        before = counted()
        for _ in range(6):
            checks.served_by(self, self.client.chat(name), f"{name}/m", attempts=1)
        calls = until(lambda: len(self.nginx.calls(self.sites[name])) == 6 and self.nginx.calls(self.sites[name]))
        self.assertEqual([False, True, True, True, True, True], [resumed for _, resumed, *_ in calls])
        self.assertEqual(6, len({connection for _, _, connection, *_ in calls}), "a connection each")
        self.assertEqual([before[0] + 1, before[1] + 5], counted())

    def test_a_connection_is_used_again(self):
        """Kept-alive connections need no handshake at all."""
        site = self.sites["by-name"]
        before = len(self.nginx.calls(site))
        for _ in range(5):
            checks.served_by(self, self.client.chat("by-name"), "by-name/m")
        calls = until(lambda: len(self.nginx.calls(site)) == before + 5 and self.nginx.calls(site)[before:])
        self.assertEqual(1, len({connection for _, _, connection, *_ in calls}))


class Closings(TlsCase):
    def test_connections_that_nginx_closes_never_surface(self):
        """Whatever nginx closes in the meantime: every client gets its answer."""
        wrong, done = [], []

        def ask():
            for _ in range(120):
                answer = self.client.chat("brief")
                (done if answer.status == 200 else wrong).append(answer)
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], wrong)
        self.assertEqual(8 * 120, len(done))
        until(lambda: metric(self.fleet.proxy, "chain429_upstream_connections", state="busy") == 0)

    def test_what_a_provider_says_of_its_patience_is_obeyed(self):
        """Keep-Alive: timeout=1 leaves no second of margin, so the connection is not kept."""
        site = self.sites["says-how-long"]
        for _ in range(3):
            checks.served_by(self, self.client.chat("says-how-long"), "says-how-long/m")
        calls = until(lambda: len(self.nginx.calls(site)) == 3 and self.nginx.calls(site))
        self.assertEqual(3, len({connection for _, _, connection, *_ in calls}))


class SServer:
    """`openssl s_server` under a test's hand: TLS 1.2, and renegotiation when it is told so."""

    def __init__(self, pair):
        self.port = quiet_port()
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", str(pair.cert), "-key",
             str(pair.key), "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = b""
        threading.Thread(target=self._read, daemon=True).start()
        self.wait(b"ACCEPT", 1)

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.output += data

    def wait(self, text, times):
        until(lambda: self.output.count(text) >= times, 20, f"{times} times {text!r} from openssl s_server")

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Renegotiation(TlsCase):
    def test_is_refused_and_the_client_does_not_notice(self):
        """A server that wants to negotiate anew is not obeyed; what that does to the connection is nobody's business."""
        server = SServer(self.authority.issue("renegotiates", subject="IP:127.0.0.1"))
        self.addCleanup(server.stop)
        fleet = self.start_fleet(config_of({"good": f"https://127.0.0.1:{server.port}/v1"}),
                                 env={"SSL_CERT_FILE": str(self.authority.cert)})
        body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}'
        whole = answers.head(200, {"content-type": "application/json", "content-length": len(body)}) + body
        got = []
        for times in (1, 2):
            asking = threading.Thread(target=lambda: got.append(fleet.client.chat("good")))
            asking.start()
            server.wait(b"POST /v1/chat/completions", times)
            server.write(whole)
            asking.join()
            self.assertEqual(200, got[-1].status)
            if times == 1:
                server.write(b"r\n")  # HelloRequest
                server.wait(b"SSL_do_handshake", 1)
        self.assertTrue(fleet.proxy.program.running)


if __name__ == "__main__":
    unittest.main()
