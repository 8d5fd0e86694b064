"""--bootstrap: a proxy that serves before its control plane is there."""
import json
import os
import stat
import unittest

from support import checks, trail
from support.case import ChainCase, rows
from support.fleet import Control, Proxy, quiet_port
from support.poll import until
from support.programs import run
from support.raw_client import Client

KEY = "gsk_bootstrap0123456789abcdefghij"


class Bootstrap(ChainCase):
    def setUp(self):
        self.open, self.keyed = self.upstream(name="open"), self.upstream(name="keyed")

    def config(self, **more):
        providers = {
            "open": {"kind": "openai", "base_url": self.open.base_url, "headers": {"x-team": "blue", "x-api-key": KEY}},
            "own": {"kind": "openai", "base_url": self.keyed.base_url, "credentials": [{"name": "o", "proxy_env": "OWN"}]},
            "far": {"kind": "openai", "base_url": self.keyed.base_url, "credentials": [{"name": "f", "env": "FAR"}]},
            "tight": {"kind": "openai", "base_url": self.open.base_url, "limits": {"rpm": 3}},
            "shut": {"kind": "openai", "base_url": self.open.base_url, "limits": {"rpm": 3}, "when_disconnected": "deny"},
            "wide": {"kind": "openai", "base_url": self.open.base_url, "limits": {"rpm": 3}, "when_disconnected": "open"}}
        chains = {name: {"targets": [{"provider": name, "model": "m"}]} for name in providers}
        chains["both"] = {"targets": [{"provider": "far", "model": "m"}, {"provider": "open", "model": "m"}]}
        return {"version": 1, "providers": providers, "chains": chains, **more}

    def saved(self, config=None, **env):
        """The file that `429ctl snapshot` writes, the control plane that it was asked of, and what it said."""
        fleet = self.start_fleet(config or self.config(), proxies=0, env={"FAR": KEY, **env})
        path = fleet.directory / "bootstrap.json"
        code, out, err = run("429ctl", ["--control", fleet.control.grpc, "snapshot", "--out", str(path)])
        self.assertEqual((0, ""), (code, out), err)
        return fleet, path, err

    def alone(self, fleet, path, control=None, env=None, **options):
        """A proxy with nobody at its control plane's address."""
        proxy = Proxy(control or f"127.0.0.1:{quiet_port()}", fleet.directory, "sidecar", flags=["--bootstrap", str(path)],
                      env=env or {"OWN": "sk-own"}, **options)
        fleet.proxies.append(proxy)
        return proxy.start().wait_ready()

    def test_the_file_holds_no_key_and_is_its_owners_alone(self):
        """A snapshot without secrets."""
        _, path, said = self.saved()
        text = path.read_text()
        self.assertNotIn(KEY, text)
        self.assertIn("blue", text)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertRegex(said, '"f" of "far"')
        self.assertRegex(said, '"x-api-key" of "open"')
        self.assertEqual(["both", "far", "open", "own", "shut", "tight", "wide"],
                         sorted(chain["name"] for chain in json.loads(text)["chains"]))

    def test_it_is_ready_and_serves_without_a_control_plane(self):
        """Providers without credentials, and credentials that the proxy resolves itself, work at once."""
        fleet, path, _ = self.saved()
        client = self.alone(fleet, path).client
        checks.served_by(self, client.chat("open"), "open/m", 1)
        self.assertEqual("blue", self.open.last().header("x-team"))
        checks.served_by(self, client.chat("own"), "own/m", 1)
        self.assertEqual("Bearer sk-own", self.keyed.last().header("authorization"))
        checks.served_by(self, client.chat("open/other"), "open/other", 1)
        self.assertIn("both", [model["id"] for model in client.get("/v1/models").json()["data"]])

    def test_a_target_whose_key_is_at_the_control_plane_is_passed_over(self):
        """Unusable until the control plane sends its key; the trail, the message and the log say so."""
        fleet, path, _ = self.saved()
        proxy = self.alone(fleet, path)
        answer = proxy.client.chat("both")
        checks.served_by(self, answer, "open/m", 1)
        self.assertEqual([("far/m", "skipped_unfit"), ("open/m", "ok")], trail.outcomes(answer))
        error = checks.own_error(self, proxy.client.chat("far"), 502, "chain_exhausted")
        self.assertIn("no key", error["message"])
        self.assertIn("no key", error["attempts"][0]["message"])
        self.assertEqual(0, self.keyed.calls)
        proxy.program.wait_for(r"chain=\"?far", 5.0)
        self.assertNotRegex(proxy.program.stderr, r"chain=\"?both")

    def test_the_control_planes_snapshot_replaces_it(self):
        """Whatever its version."""
        fleet, path, _ = self.saved()
        address = f"127.0.0.1:{quiet_port()}"
        client = self.alone(fleet, path, control=address).client
        self.assertEqual(502, client.chat("far").status)
        config = self.config()
        config["chains"]["new"] = config["chains"].pop("open")
        fleet.write(config)
        later = Control(fleet.config_path, fleet.directory, {"FAR": KEY}, grpc=address)
        later.start()
        self.addCleanup(later.program.kill)
        until(lambda: client.chat("new").status == 200, 20, "the real snapshot")
        checks.own_error(self, client.chat("open"), 404, "model_not_found")
        checks.served_by(self, client.chat("far"), "far/m", 1)
        self.assertEqual(f"Bearer {KEY}", self.keyed.last().header("authorization"))

    def test_limits_hold_for_this_proxy_alone(self):
        """share: the whole limit, counted by this proxy; deny: nothing; open: everything."""
        fleet, path, _ = self.saved()
        client = self.alone(fleet, path, workers=1).client
        statuses = {name: [client.chat(name).status for _ in range(5)] for name in ("tight", "shut", "wide")}
        self.assertEqual({"tight": [200] * 3 + [429] * 2, "shut": [429] * 5, "wide": [200] * 5}, statuses)

    def test_client_keys_hold_too(self):
        """Hashes of client keys are part of it: nobody gets in who could not before."""
        fleet, path, _ = self.saved(self.config(auth={"client_keys": [{"name": "app", "env": "APP", "chains": ["open"]}]}), APP="sk-app-12345")
        client = self.alone(fleet, path).client
        self.assertEqual(401, client.chat("open").status)
        key = {"Authorization": "Bearer sk-app-12345"}
        self.assertEqual(200, client.chat("open", headers=key).status)
        self.assertEqual(403, client.chat("own", headers=key).status)

    def test_a_dump_can_be_one(self):
        """/config_dump of another proxy is taken too; it has no client keys and no headers."""
        fleet, path, _ = self.saved()
        first = self.alone(fleet, path)
        dump = fleet.directory / "dump.json"
        dump.write_bytes(Client(first.admin).get("/config_dump").body)
        self.assertNotIn("sk-own", dump.read_text())
        second = self.alone(fleet, dump)
        checks.served_by(self, second.client.chat("open"), "open/m", 1)
        checks.served_by(self, second.client.chat("own"), "own/m", 1)
        self.assertIsNone(self.open.last().header("x-team"))

    def test_the_environment_names_it_as_well(self):
        """Every flag is also an environment variable."""
        fleet, path, _ = self.saved()
        proxy = Proxy(f"127.0.0.1:{quiet_port()}", fleet.directory, "sidecar", env={"CHAIN429_BOOTSTRAP": str(path)})
        fleet.proxies.append(proxy)
        self.assertEqual(200, proxy.start().wait_ready().client.chat("open").status)

    @rows({"missing": None, "empty": "", "yaml": "version: 1\n", "list": "[]", "other": '{"chainz": 1}',
           "broken": '{"chains": [{"name": "c", "max_attempts": 1, "targets": [7]}]}'})
    def test_a_bad_file_ends_the_start_and_says_how_to_get_a_good_one(self, text):
        """A clear error and a non-zero exit."""
        fleet = self.start_fleet(self.config(), proxies=0, env={"FAR": KEY})
        path = fleet.directory / "bad.json"
        if text is not None:
            path.write_text(text)
        proxy = Proxy(fleet.control.grpc, fleet.directory, "sidecar", flags=["--bootstrap", str(path)])
        fleet.proxies.append(proxy)
        proxy.start(wait=False)
        self.assertNotEqual(0, proxy.program.wait(10))
        self.assertIn(str(path), proxy.program.stderr)
        self.assertIn("429ctl snapshot --out", proxy.program.stderr)

    def test_without_a_configuration_there_is_nothing_to_save(self):
        """An error that says what to do first."""
        fleet = self.start_fleet(self.config(), proxies=0, env={"FAR": KEY})
        empty = Control(None, fleet.directory)
        empty.start()
        self.addCleanup(empty.program.kill)
        code, out, err = run("429ctl", ["--control", empty.grpc, "snapshot"])
        self.assertEqual((1, ""), (code, out))
        self.assertIn("429ctl apply", err)


if __name__ == "__main__":
    unittest.main()
