"""Names, durations, limits, addresses, credentials and flags: which values are taken and which are refused."""
import socket
import unittest

from support.case import rows
from support.config_case import GOOD, ConfigCase, good
from support.programs import Program


class Values(ConfigCase):
    @rows({name: (value,) for name, value in {
        "upper": "Coding", "dash_first": "-a", "dot_first": ".a", "underscore_first": "_a", "space": "a b", "slash": "a/b", "long": "a" * 64,
        "unicode": "žluť", "colon": "a:b", "newline": "a\nb", "empty": ""}.items()})
    def test_bad_names_are_refused(self, name):
        """Names of chains, providers, credentials: [a-z0-9][a-z0-9._-]{0,62}."""
        target = {"provider": "local", "model": "m"}
        self.refuse(good(chains={name: {"targets": [target]}}))
        self.refuse(good(providers={name: {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
                         chains={"c": {"targets": [{"provider": name, "model": "m"}]}}))
        self.refuse(good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1",
                                              "credentials": [{"name": name, "env": "A"}]}}), env={"A": "k"})

    def test_good_names_are_taken(self):
        """The whole alphabet, up to 63 characters, and names that YAML reads as numbers."""
        target = {"provider": "local", "model": "m"}
        self.accept(good(chains={name: {"targets": [target]} for name in ("a", "0", "a.b_c-d", "x" * 63, "123", "null", "true", "1e3")}))

    @rows({name: (value,) for name, value in {
        "bare_number": 10, "zero_number": 0, "negative": "-5s", "unknown_unit": "5y", "no_unit": "5", "only_unit": "s", "empty": "",
        "space": "5 s", "words": "soon", "float_number": 1.5, "bool": True, "null": None, "list": ["5s"], "two_units": "1m30",
        "huge": "99999999999999999999h", "plus": "+5s", "hex": "0x5s"}.items()})
    def test_bad_durations_are_refused(self, value):
        """A bare number, a negative, an unknown unit is refused."""
        config = good()
        config["chains"]["coding"]["timeouts"] = {"total": value}
        self.assertIn("chains.coding.timeouts", self.refuse(config))

    def test_good_durations_are_taken(self):
        """Durations 500ms 3s 10m 1h 0s."""
        config = good()
        config["chains"]["coding"].update(timeouts={"connect": "500ms", "first_token": "3s", "idle": "10m", "total": "1h"}, wait="0s")
        self.accept(config)

    @rows({name: (value,) for name, value in {
        "zero": 0, "negative": -1, "float": 1.5, "text": "10", "bool": True, "null": None, "huge": 10 ** 30, "list": [1]}.items()})
    def test_limits_are_positive_integers(self, value):
        """Limits are positive integers."""
        config = good()
        config["providers"]["local"]["limits"] = {"rpm": value}
        self.assertIn("providers.local.limits.rpm", self.refuse(config))

    @rows({"zero": 0, "negative": -1, "text": "3", "float": 2.5})
    def test_max_attempts_is_at_least_1(self, value):
        """Max_attempts >= 1."""
        config = good()
        config["chains"]["coding"]["max_attempts"] = value
        self.assertIn("chains.coding.max_attempts", self.refuse(config))

    @rows({name: (value,) for name, value in {
        "no_host": "http://", "no_host_path": "http:///v1", "only_port": "http://:80/v1", "port_65536": "http://127.0.0.1:65536/v1",
        "port_zero": "http://127.0.0.1:0/v1", "port_letters": "http://127.0.0.1:abc/v1", "ftp": "ftp://127.0.0.1/v1",
        "file": "file:///etc/passwd", "no_scheme": "127.0.0.1:8000/v1", "crlf": "http://127.0.0.1/v1\r\nx-a: b", "lf": "http://127.0.0.1/v1\n",
        "space": "http://127.0.0.1/v 1", "empty": "", "number": 8000, "unix": "unix:/tmp/x", "plain_elsewhere": "http://example.org/v1",
        "plain_lookalike": "http://127.0.0.1.example.org/v1", "plain_userinfo": "http://127.0.0.1@example.org/v1",
        "plain_localhost_lookalike": "http://localhost.example.org/v1", "plain_private": "http://192.168.1.10:8000/v1",
        "plain_any": "http://0.0.0.0:8000/v1"}.items()})
    def test_bad_base_urls_are_refused(self, value):
        """Base_url without host, with a port over 65535, of another scheme, with CR/LF; http beyond loopback."""
        self.assertIn("providers.local.base_url", self.refuse(good(providers={"local": {"kind": "openai", "base_url": value}})))

    @rows({name: (value,) for name, value in {
        "https": {"base_url": "https://api.example.org/v1"}, "https_port": {"base_url": "https://api.example.org:8443/v1"},
        "localhost": {"base_url": "http://localhost:8000/v1"}, "ipv6": {"base_url": "http://[::1]:8000/v1"},
        "loopback_net": {"base_url": "http://127.1.2.3/v1"}, "no_path": {"base_url": "http://127.0.0.1:8000"},
        "allowed": {"base_url": "http://models.internal:8000/v1", "allow_http": True}}.items()})
    def test_good_base_urls_are_taken(self, value):
        """Https anywhere; http to loopback always, elsewhere with allow_http: true."""
        self.accept(good(providers={"local": {"kind": "openai", **value}}))

    @rows({name: (value,) for name, value in {
        "none": {"name": "a"}, "two": {"name": "a", "env": "A", "file": "/a"}, "two_proxy": {"name": "a", "env": "A", "proxy_env": "B"},
        "number": {"name": "a", "env": 7}, "empty": {"name": "a", "env": ""}, "no_name": {"env": "A"},
        "env_name": {"name": "a", "env": "A=B"}}.items()})
    def test_a_credential_has_exactly_one_source(self, credential):
        """A credential with no or two sources is refused."""
        output = self.refuse(good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1",
                                                       "credentials": [credential]}}), env={"A": "k"})
        self.assertIn("providers.local.credentials[0]", output)

    @rows({name: (value,) for name, value in {
        "empty": "", "null": None, "number": 5, "list": ["m"], "spaces_only": "   "}.items()})
    def test_an_empty_model_is_refused(self, model):
        """An empty model."""
        self.assertIn("chains.c.targets[0].model", self.refuse(good(chains={"c": {"targets": [{"provider": "local", "model": model}]}})))

    @rows({name: (value,) for name, value in {
        "cr": {"x-a": "b\rc"}, "lf": {"x-a": "b\nc"}, "name": {"x a": "b"}, "colon": {"x:a": "b"}, "nul": {"x-a": "a\0b"}, "empty": {"": "b"},
        "framing": {"content-length": "5"}, "te": {"Transfer-Encoding": "chunked"}, "host": {"Host": "x"}}.items()})
    def test_headers_that_would_break_http_are_refused(self, headers):
        """What would let a configuration break a request."""
        config = good()
        config["providers"]["local"]["headers"] = headers
        self.assertIn("providers.local.headers", self.refuse(config))


class Usable(ConfigCase):
    def config(self, *credentials):
        return good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": list(credentials)},
                               "spare": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
                    chains={"c": {"targets": [{"provider": "local", "model": "m"}]},
                            "d": {"targets": [{"provider": "spare", "model": "m"}]}})

    def test_a_chain_with_no_usable_target_left_is_refused(self):
        """A variable that is not set disables the credential; a chain with no usable target left is refused."""
        output = self.refuse(self.config({"name": "a", "env": "NOT_SET_ANYWHERE"}))
        self.assertIn("NOT_SET_ANYWHERE", output)
        self.assertIn("chains.c", output)
        self.assertNotIn("chains.d", output)

    def test_a_variable_that_is_not_set_is_a_warning_where_others_are_left(self):
        """The credential is disabled with a warning naming it."""
        output = self.accept(self.config({"name": "a", "env": "NOT_SET_ANYWHERE"}, {"name": "b", "env": "SET"}), env={"SET": "key"})
        self.assertIn("NOT_SET_ANYWHERE", output)

    def test_a_key_file_that_is_missing_or_empty_disables_its_credential(self):
        """`file:` likewise."""
        empty = self.file("\n", ".key")
        for path in ("/nowhere/key", str(empty)):
            self.assertIn(path, self.refuse(self.config({"name": "a", "file": path})))


class CommandLine(ConfigCase):
    def test_without_a_configuration_it_starts_empty(self):
        """`--config` is optional for the control plane."""
        control = Program("429chain-control", ["--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        self.addCleanup(control.kill)
        control.wait_for("listening grpc")

    def test_store_is_accepted(self):
        """--store sqlite:PATH is accepted from the first day."""
        path = self.file(GOOD)
        control = Program("429chain-control", [*self.arguments(path), "--store", f"sqlite:{path.parent}/state.db"], None, path.parent)
        self.addCleanup(control.kill)
        control.wait_for("listening grpc")

    @rows({"control": ("429chain-control",), "proxy": ("429chain-proxy",), "ctl": ("429ctl",)})
    def test_unknown_flags_are_refused_and_help_is_given(self, name):
        """The command lines that others rely on."""
        wrong = Program(name, ["--no-such-flag"])
        self.assertGreater(wrong.wait(10), 0)
        helped = Program(name, ["--help"])
        self.assertEqual(0, helped.wait(10))
        self.assertGreater(len(helped.output), 100)

    @rows({"no_port": "127.0.0.1", "bad_port": "127.0.0.1:99999", "letters": "127.0.0.1:http", "empty": "", "host_only_colon": ":"})
    def test_bad_addresses_are_refused(self, address):
        """Explicit ADDR:PORT."""
        path = self.file(GOOD)
        control = Program("429chain-control", ["--config", path, "--grpc-listen", address, "--http-listen", "127.0.0.1:0"], None, path.parent)
        self.assertGreater(control.wait(10), 0)
        proxy = Program("429chain-proxy", ["--control", "127.0.0.1:1", "--listen", address, "--admin", "127.0.0.1:0"], None, path.parent)
        self.assertGreater(proxy.wait(10), 0)

    def test_a_port_in_use_is_said_at_once(self):
        """Ends non-zero and names the address."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            path = self.file(GOOD)
            for arguments in (["--grpc-listen", address, "--http-listen", "127.0.0.1:0"],
                              ["--grpc-listen", "127.0.0.1:0", "--http-listen", address]):
                control = Program("429chain-control", ["--config", path, *arguments], None, path.parent)
                self.addCleanup(control.kill)
                self.assertGreater(control.wait(10), 0)
                self.assertIn(address, control.output)

    def test_flags_may_come_from_the_environment(self):
        """Every flag is also an environment variable."""
        path = self.file(GOOD)
        control = Program("429chain-control", [], {"CHAIN429_CONFIG": str(path), "CHAIN429_GRPC_LISTEN": "127.0.0.1:0",
                                                   "CHAIN429_HTTP_LISTEN": "127.0.0.1:0"}, path.parent)
        self.addCleanup(control.kill)
        grpc = control.wait_for(r"listening grpc=\"?(127\.0\.0\.1:\d+)").group(1)
        proxy = Program("429chain-proxy", [], {"CHAIN429_CONTROL": grpc, "CHAIN429_LISTEN": "127.0.0.1:0", "CHAIN429_ADMIN": "127.0.0.1:0",
                                               "CHAIN429_NODE": "from-env"}, path.parent)
        self.addCleanup(proxy.kill)
        proxy.wait_for(r"listening api=")


if __name__ == "__main__":
    unittest.main()
