"""Flags, variables, exit codes, --help and the probe ports of both programs."""
import re
import unittest

from support.case import ChainCase
from support.programs import Program, run
from support.raw_client import Client

PROXY = ["--control", "127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
CONTROL = ["--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]


class Flags(unittest.TestCase):
    def wrong(self, name, arguments, env=None):
        """Ends with 2 and a reason of one line or two."""
        code, out, err = run(name, arguments, env=env, timeout=10)
        self.assertEqual((2, ""), (code, out), err)
        self.assertTrue(err.startswith(name + ": "), err)
        return err

    def test_every_flag_has_its_variable_and_stands_in_help(self):
        """Every flag is also an environment variable: --listen is CHAIN429_LISTEN."""
        for name in ("429chain-proxy", "429chain-control"):
            code, out, _ = run(name, ["--help"])
            self.assertEqual(0, code)
            flags = re.findall(r"^  (--[a-z0-9-]+)(.*)$", out, re.M)
            self.assertGreater(len(flags), 9, out)
            for flag, rest in flags:
                if flag not in ("--version", "--help"):
                    self.assertIn("Env:CHAIN429_" + flag[2:].upper().replace("-", "_") + ")", rest, flag)

    def test_help_says_what_a_newcomer_asks(self):
        """Keys, TLS, probes, exit codes; groups and defaults."""
        for name, groups in {"429chain-proxy": ("Control plane:", "Where it listens:", "Ending:"),
                             "429chain-control": ("What it serves:", "Where it listens:", "TLS:")}.items():
            out = run(name, ["--help"])[1]
            for text in (*groups, "Keys", "--tls-cert", "--control-ca", "/ready", "healthcheck", "Exit codes", "127.0.0.1:429"):
                self.assertIn(text, out, name)

    def test_version(self):
        """Both say the same."""
        versions = {run(name, ["--version"])[:2] for name in ("429chain-proxy", "429chain-control")}
        self.assertEqual(1, len(versions))
        self.assertEqual(0, versions.pop()[0])

    def test_a_wrong_flag_is_2(self):
        """Usage errors are 2 in both programs, whatever found them."""
        for extra in (["--no-such-flag"], ["surplus"], ["--workers", "257"], ["--workers", "-1"], ["--workers", "x"],
                      ["--listen", "127.0.0.1"], ["--listen", "127.0.0.1:70000"], ["--listen", "example.org:1"], ["--admin", "x"],
                      ["--probe-listen", "nowhere"], ["--drain-grace", "5"], ["--drain-delay", "-1s"], ["--max-body-mb", "0"],
                      ["--max-connections", "-5"], ["--admin", "0.0.0.0:0"]):
            with self.subTest(extra):
                self.assertIn(extra[0], self.wrong("429chain-proxy", [*PROXY, *extra] if extra[0] not in PROXY else extra))
        for extra in (["--no-such-flag"], ["--grpc-listen", "127.0.0.1"], ["--http-listen", "127.0.0.1:x"], ["--probe-listen", ":1"],
                      ["--http-listen", "0.0.0.0:0", "--grpc-listen", "127.0.0.1:0"], ["--grpc-listen", "0.0.0.0:0"]):
            with self.subTest(extra):
                self.assertIn(extra[0], self.wrong("429chain-control", extra))

    def test_a_bad_value_in_a_variable_names_the_variable(self):
        """Not only the flag that nobody wrote."""
        for name, variable, value in (("429chain-proxy", "CHAIN429_WORKERS", "many"), ("429chain-proxy", "CHAIN429_WORKERS", "1000"),
                                      ("429chain-proxy", "CHAIN429_LISTEN", "4290"), ("429chain-proxy", "CHAIN429_ADMIN", "::1:5"),
                                      ("429chain-proxy", "CHAIN429_DRAIN_GRACE", "30"),
                                      ("429chain-proxy", "CHAIN429_PROBE_LISTEN", "x"),
                                      ("429chain-proxy", "CHAIN429_MAX_BODY_MB", "big"),
                                      ("429chain-proxy", "CHAIN429_LOG_LEVEL", "loud"),
                                      ("429chain-proxy", "CHAIN429_INSECURE_LISTEN", "perhaps"),
                                      ("429chain-control", "CHAIN429_GRPC_LISTEN", "x"),
                                      ("429chain-control", "CHAIN429_HTTP_LISTEN", "x"),
                                      ("429chain-control", "CHAIN429_LOG_FORMAT", "xml")):
            with self.subTest(variable, value=value):
                self.assertIn(variable, self.wrong(name, [], env={variable: value}))

    def test_a_flag_wins_over_its_variable(self):
        """And is the one that is named."""
        err = self.wrong("429chain-proxy", ["--listen", "nonsense"], env={"CHAIN429_LISTEN": "127.0.0.1:0"})
        self.assertNotIn("CHAIN429_LISTEN", err)

    def test_what_fails_while_starting_is_1(self):
        """A port in use, a configuration that is not there."""
        holder = Program("429chain-control", CONTROL)
        self.addCleanup(holder.kill)
        found = holder.wait_for(r"listening grpc=(\S+:\d+) http=(\S+:\d+)")
        code, _, err = run("429chain-control", ["--grpc-listen", "127.0.0.1:0", "--http-listen", found.group(2)], timeout=10)
        self.assertEqual(1, code, err)
        self.assertIn(found.group(2), err)
        code, _, err = run("429chain-control", ["--grpc-listen", found.group(1), "--http-listen", "127.0.0.1:0"], timeout=10)
        self.assertEqual(1, code, err)
        self.assertEqual(1, run("429chain-control", [*CONTROL, "--config", "/nowhere/chains.yaml"], timeout=10)[0])
        code, _, err = run("429chain-proxy", ["--listen", found.group(2), "--admin", "127.0.0.1:0"], timeout=10)
        self.assertEqual(1, code, err)
        self.assertIn(found.group(2), err)


class Probes(ChainCase):
    READ_ONLY = ("/live", "/ready", "/metrics")

    def start_with_probes(self):
        self.up = self.upstream()
        flags = ["--probe-listen", "0.0.0.0:0"]
        self.fleet = self.start_fleet(
            {"version": 1, "providers": {"p": {"kind": "openai", "base_url": self.up.base_url}},
             "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}, proxy_flags=flags, control_flags=flags)
        ports = [re.search(r"probe=\"?0\.0\.0\.0:(\d+)", p.output).group(1)
                 for p in (self.fleet.proxy.program, self.fleet.control.program)]
        return [Client(f"127.0.0.1:{port}") for port in ports]

    def test_both_programs_have_a_port_with_probes_alone(self):
        """Read-only, beyond loopback, without authentication: /live, /ready, /metrics and nothing else."""
        for client, own in zip(self.start_with_probes(), ("chain429_uptime_seconds", "chain429_control_proxies")):
            for path in self.READ_ONLY:
                self.assertEqual(200, client.get(path).status, path)
                self.assertEqual(405, client.post(path, b"").status, path)
            self.assertIn(own, client.get("/metrics").body.decode())
            for path in ("/", "/config_dump", "/pools", "/drain", "/api/v1/status", "/api/v1/pools", "/api/v1/proxies", "/v1/models"):
                self.assertEqual(404, client.get(path).status, path)
                self.assertIn(client.post(path, b"").status, (404, 405), path)
        self.assertTrue(self.fleet.proxy.program.running)

    def test_healthcheck_of_both(self):
        """0 when ready, 1 when not."""
        self.start_with_probes()
        self.assertEqual(0, run("429chain-proxy", ["healthcheck", "--admin", self.fleet.proxy.admin])[0])
        self.assertEqual(0, run("429chain-control", ["healthcheck", "--http-listen", self.fleet.control.http])[0])
        self.assertEqual(1, run("429chain-proxy", ["healthcheck", "--admin", "127.0.0.1:9"])[0])
        self.assertEqual(1, run("429chain-control", ["healthcheck", "--http-listen", "127.0.0.1:9"])[0])
        self.assertEqual(2, run("429chain-proxy", ["healthcheck", "--admin", "nonsense"])[0])


if __name__ == "__main__":
    unittest.main()
