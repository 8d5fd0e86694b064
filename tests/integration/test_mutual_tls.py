"""Mutual TLS between the planes: the only way in which keys of providers leave their host."""
import socket
import ssl
import unittest

from support import checks
from support.case import ChainCase, rows
from support.certificates import Authority
from support.fleet import Fleet, quiet_port
from support.poll import stays, until
from support.programs import Program, run
from support.raw_client import Client


def own_address():
    """An address of this host that is not loopback; None where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address


def flags(authority, pair):
    return ["--control-ca", authority.cert, "--control-cert", pair.cert, "--control-key", pair.key]


class Planes(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.authority, cls.stranger = Authority("ours"), Authority("another")
        cls.proxy_pair = cls.authority.issue("proxy", subject="DNS:any-proxy")

    def config(self):
        self.up = self.upstream()
        return {"version": 1,
                "providers": {"p": {"kind": "openai", "base_url": self.up.base_url, "credentials": [{"name": "k", "env": "KEY"}]}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}

    def start(self, grpc="127.0.0.1:0", subject="DNS:localhost,IP:127.0.0.1", proxies=1, proxy_flags=None):
        self.pair = self.authority.issue(f"control-{self.id().rsplit('.', 1)[1][:40]}", subject=subject)
        self.fleet = Fleet(self.config(), proxies=proxies, env={"KEY": "sk-secret-of-the-provider"},
                           control_flags=flags(self.authority, self.pair),
                           proxy_flags=proxy_flags or flags(self.authority, self.proxy_pair))
        self.fleet.control.grpc = grpc if grpc != "127.0.0.1:0" else f"127.0.0.1:{quiet_port()}"
        self.addCleanup(self.fleet.stop)
        self._fleets = [self.fleet]
        self.fleet.start()

    def another_proxy(self, *extra, control=None):
        program = Program("429chain-proxy", ["--control", control or self.fleet.control.grpc, "--listen", "127.0.0.1:0",
                                             "--admin", "127.0.0.1:0", "--node", "other", *extra],
                          directory=self.fleet.directory, label="other")
        self.addCleanup(program.kill)
        admin = program.wait_for(r"admin=\"?(127\.0\.0\.1:\d+)").group(1)
        return program, Client(admin, timeout=5)

    def test_requests_are_served_with_the_key_that_came_over_it(self):
        """Configuration, keys and permits travel over mutual TLS."""
        self.start()
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        self.assertEqual("Bearer sk-secret-of-the-provider", self.up.last().header("authorization"))

    def test_beyond_loopback_it_is_required_and_suffices(self):
        """With mutual TLS the control plane may listen beyond loopback and hand keys to proxies there; without, it refuses."""
        address = own_address()
        if address is None:
            self.skipTest("this host has no address beyond loopback")
        self.start(grpc=f"{address}:{quiet_port()}", subject=f"IP:{address}")
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)

    @rows({"nothing": [], "insecure_listen": ["--insecure-listen"], "tls_cert_is_not_enough": None})
    def test_without_it_there_is_no_flag_that_opens_the_port(self, extra):
        """Keys leave over a Unix socket, loopback or mutual TLS only."""
        if extra is None:
            pair = self.authority.issue("http")
            extra = ["--tls-cert", pair.cert, "--tls-key", pair.key]
        code, _, err = run("429chain-control", ["--grpc-listen", "0.0.0.0:0", "--http-listen", "127.0.0.1:0", *extra], timeout=10)
        self.assertEqual(2, code, err)
        self.assertIn("mutual TLS", err)

    def test_who_shows_no_certificate_of_ours_gets_nothing(self):
        """A plain proxy, one with another authority's certificate, and one that trusts another authority."""
        self.start()
        strange = self.stranger.issue("strange")
        for name, extra in {"plain": [], "their_certificate": ["--control-ca", self.authority.cert, "--control-cert", strange.cert,
                                                              "--control-key", strange.key],
                            "their_authority": flags(self.stranger, self.proxy_pair)}.items():
            with self.subTest(name):
                program, admin = self.another_proxy(*extra)
                stays(lambda admin=admin: admin.get("/ready").status == 503, 1.5, "not ready")
                self.assertNotIn("attached to the control plane address", program.output)
                program.kill()
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)

    def test_a_control_plane_of_another_name_is_not_believed(self):
        """The name that the proxy calls must stand in the certificate."""
        self.start(subject="DNS:control.example", proxies=0)
        _, admin = self.another_proxy(*flags(self.authority, self.proxy_pair))
        stays(lambda: admin.get("/ready").status == 503, 1.5, "not ready")

    def test_429ctl_speaks_it_too(self):
        """--control-ca, --control-cert, --control-key, and the variables; without them it says that nobody answers."""
        self.start()
        control = ["--control", self.fleet.control.grpc]
        operator = self.authority.issue("operator", subject="DNS:operator")
        code, out, err = run("429ctl", [*control, *flags(self.authority, operator), "proxies"])
        self.assertEqual(0, code, err)
        self.assertIn("node-0", out)
        env = {"CHAIN429_CONTROL": self.fleet.control.grpc, "CHAIN429_CONTROL_CA": str(self.authority.cert),
               "CHAIN429_CONTROL_CERT": str(operator.cert), "CHAIN429_CONTROL_KEY": str(operator.key)}
        self.assertEqual(0, run("429ctl", ["status"], env=env)[0])
        self.assertEqual(3, run("429ctl", [*control, "status"])[0])
        code, _, err = run("429ctl", [*control, "--control-ca", self.authority.cert, "status"])
        self.assertEqual(2, code)
        self.assertIn("--control-cert and --control-key", err)

    def test_a_unix_socket_needs_none(self):
        """Whoever may open the socket's file is this user."""
        self.pair = self.authority.issue("unix")
        fleet = Fleet(self.config(), proxies=0, env={"KEY": "sk"})
        self.addCleanup(fleet.stop)
        path = f"unix:{fleet.directory}/s.sock"
        control = Program("429chain-control", ["--config", fleet.config_path, "--grpc-listen", path, "--http-listen", "127.0.0.1:0",
                                               *flags(self.authority, self.pair)], {"KEY": "sk"}, fleet.directory, "control")
        self.addCleanup(control.kill)
        control.wait_for("listening grpc")
        self.fleet = fleet
        _, admin = self.another_proxy(control=path)
        until(lambda: admin.get("/ready").status == 200, 10, "ready")

    def test_a_renewed_certificate_of_the_control_plane_is_taken(self):
        """New connections get it, open ones go on; one without its key is told and leaves the last."""
        self.start()
        host, port = self.fleet.control.grpc.rsplit(":", 1)

        def shown():
            """The server's certificate as a client sees it that has one of ours."""
            context = ssl.create_default_context(cafile=str(self.authority.cert))
            context.load_cert_chain(self.proxy_pair.cert, self.proxy_pair.key)
            context.set_alpn_protocols(["h2"])
            with socket.create_connection((host, int(port)), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname=host) as secure:
                    return secure.getpeercert()["serialNumber"]
        first = shown()
        self.pair.key.write_bytes(self.authority.issue("unrelated").key.read_bytes())
        self.fleet.control.program.wait_for("a changed certificate is not taken", 10)
        self.assertEqual(first, shown())
        _, admin = self.another_proxy(*flags(self.authority, self.proxy_pair))
        until(lambda: admin.get("/ready").status == 200, 10, "a new proxy to attach")
        self.pair.become(self.authority.issue("renewed"))
        until(lambda: shown() != first, 5, "the new certificate")
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        code, out, _ = run("429ctl", ["--control", self.fleet.control.grpc, *flags(self.authority, self.proxy_pair), "-o", "json",
                                      "proxies"])
        self.assertEqual(0, code)
        self.assertIn("node-0", out)

    def test_a_renewed_certificate_of_the_proxy_is_used_for_the_next_connection(self):
        """Also when the old authority is no longer believed."""
        mine = self.authority.issue("mine", subject="DNS:mine")
        self.start(proxy_flags=flags(self.authority, mine))
        mine.become(self.authority.issue("mine-renewed", subject="DNS:mine"))
        self.fleet.control.program.kill()
        self.fleet.control.start()
        self.fleet.proxy.program.wait_for(r"(?s)attached to the control plane.*attached to the control plane", 15)
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)


if __name__ == "__main__":
    unittest.main()
