"""Client keys: who may call what; and where the programs refuse to listen without them."""
import threading
import unittest
import urllib.parse
from pathlib import Path

from support import answers, checks
from support.case import ChainCase, rows
from support.fleet import Fleet
from support.poll import until
from support.programs import Program
from support.raw_client import Client, ProtocolError
from support.raw_upstream import RawUpstream


class ClientKeys(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.up = RawUpstream(answers.usual())
        cls.fleet = None
        fleet = Fleet({
            "version": 1,
            "auth": {"client_keys": [
                {"name": "app", "env": "APP_KEY"},
                {"name": "limited", "env": "LIMITED_KEY", "chains": ["coding"]},
                {"name": "from-file", "file": "KEYFILE"},
                {"name": "unset", "env": "NOT_SET_ANYWHERE"}]},
            "providers": {"p": {"kind": "openai", "base_url": cls.up.base_url}},
            "chains": {"coding": {"aliases": ["gpt-4o"], "targets": [{"provider": "p", "model": "m"}]},
                       "other": {"targets": [{"provider": "p", "model": "n"}]}}},
            env={"APP_KEY": "sk-app-0123456789", "LIMITED_KEY": "sk-limited-0123456789"})
        key_file = fleet.directory / "client-key"
        key_file.write_text("sk-file-0123456789\n")
        fleet.write(Path(fleet.config_path).read_text().replace("KEYFILE", str(key_file)))
        cls.fleet = fleet
        fleet.start()

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()
        cls.up.stop()

    def all_fleets(self):
        return [self.fleet]

    def chat(self, key=None, model="coding", **headers):
        if key is not None:
            headers["Authorization"] = key
        return self.fleet.client.chat(model, headers=headers)

    @rows({
        "missing": None, "wrong": "Bearer sk-wrong", "empty": "", "only_bearer": "Bearer", "bearer_space": "Bearer ",
        "prefix": "Bearer sk-app-012345678", "longer": "Bearer sk-app-01234567890", "basic": "Basic c2stYXBwOg==",
        "no_scheme": "sk-app-0123456789", "upper_case": "Bearer SK-APP-0123456789", "two": "Bearer sk-app-0123456789, Bearer x",
        "name_of_the_key": "Bearer app", "name_of_the_variable": "Bearer APP_KEY", "empty_of_an_unset_key": "Bearer \"\"",
    })
    def test_a_missing_or_wrong_key_is_401(self, key):
        """Missing or wrong: 401 in OpenAI's shape, and nobody is called."""
        before = self.up.calls
        answer = self.chat(key)
        error = checks.own_error(self, answer, 401)
        self.assertEqual("invalid_api_key", error["code"])
        self.assertTrue((answer.header("www-authenticate") or "").startswith("Bearer"), repr(answer))
        self.assertEqual(before, self.up.calls)
        if key:
            self.assertNotIn(key.split()[-1] if len(key) > 20 else "sk-app", str(answer.body))

    @rows({"env": "Bearer sk-app-0123456789", "file_without_its_newline": "Bearer sk-file-0123456789",
           "scheme_in_any_case": "bearer sk-app-0123456789"})
    def test_a_right_key_is_taken(self, key):
        """Client keys from variables and files (a trailing newline is dropped)."""
        checks.served_by(self, self.chat(key), "p/m", 1)

    def test_two_authorization_headers_are_not_a_key(self):
        """No guessing which one counts."""
        with self.fleet.client.connect() as connection:
            connection.request("POST", "/v1/chat/completions", {"model": "coding", "messages": []},
                               [("Authorization", "Bearer wrong"), ("Authorization", "Bearer sk-app-0123456789")])
            self.assertIn(connection.answer().status, (400, 401))

    def test_x_api_key_is_for_anthropics_paths_only(self):
        """`x-api-key` only on Anthropic's paths."""
        checks.own_error(self, self.chat(**{"x-api-key": "sk-app-0123456789"}), 401)

    def test_health_needs_no_key_and_models_does(self):
        """/health needs no key, /v1/models does."""
        client = self.fleet.client
        self.assertEqual(200, client.get("/health").status)
        checks.own_error(self, client.get("/v1/models"), 401)
        checks.own_error(self, client.get("/v1/models/coding"), 401)
        key = {"Authorization": "Bearer sk-app-0123456789"}
        self.assertEqual(200, client.get("/v1/models", headers=key).status)
        self.assertEqual(200, client.get("/v1/models/coding", headers=key).status)

    def test_without_a_key_a_body_is_not_looked_at(self):
        """Bad bodies and unknown models are 401 too: strangers learn nothing."""
        answer = self.fleet.client.post("/v1/chat/completions", b"not json")
        checks.own_error(self, answer, 401)
        message = checks.own_error(self, self.chat("Bearer wrong", model="unknown"), 401)["message"]
        self.assertNotIn("coding", message)

    def test_a_key_limited_to_chains_calls_nothing_else(self):
        """`chains` limits what a key may call: chains and their aliases, not others, not provider/model."""
        key = "Bearer sk-limited-0123456789"
        checks.served_by(self, self.chat(key), "p/m", 1)
        checks.served_by(self, self.chat(key, "gpt-4o"), "p/m", 1)
        before = self.up.calls
        for model in ("other", "p/m", "p/n", "p/anything"):
            error = checks.own_error(self, self.chat(key, model), 403, "model_not_allowed")
            self.assertNotIn("other", error["message"].replace(model, ""))
            self.assertIn("coding", error["message"])
            answer = self.fleet.client.get("/v1/models/" + urllib.parse.quote(model, safe=""), headers={"Authorization": key})
            checks.own_error(self, answer, 404, "model_not_found")
        self.assertEqual(before, self.up.calls)
        listed = self.fleet.client.get("/v1/models", headers={"Authorization": key}).json()["data"]
        self.assertEqual(["coding", "gpt-4o"], [m["id"] for m in listed])

    def test_a_401_keeps_or_closes_the_connection_cleanly(self):
        """The body of a refused request is not read as the next request."""
        with self.fleet.client.connect() as connection:
            connection.request("POST", "/v1/chat/completions", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(401, connection.answer().status)
            try:
                connection.request("GET", "/v1/models")
                self.assertEqual(401, connection.answer("GET").status)
            except (OSError, ProtocolError):
                self.assertTrue(connection.at_end, connection.buffer)
            self.assertEqual(b"", connection.buffer)

    def test_keys_are_in_no_log_and_no_dump(self):
        """Client keys are never logged, never in a dump."""
        self.chat("Bearer sk-wrong-9876543210")
        self.chat("Bearer sk-app-0123456789")
        dump = Client(self.fleet.proxy.admin).get("/config_dump").body.decode()
        for text in (dump, self.fleet.logs(100000)):
            for key in ("sk-app-0123456789", "sk-file-0123456789", "sk-limited-0123456789", "sk-wrong-9876543210"):
                self.assertNotIn(key, text)


class KeyChanges(ChainCase):
    def test_a_new_key_is_taken_and_an_old_one_refused_after_a_reload(self):
        """Client keys follow the configuration."""
        upstream = self.upstream()
        config = {"version": 1, "auth": {"client_keys": [{"name": "a", "env": "A"}]},
                  "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                  "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}
        fleet = self.start_fleet(config, env={"A": "sk-first-key", "B": "sk-second-key"})

        def status(key):
            return fleet.client.chat("c", headers={"Authorization": f"Bearer {key}"}).status
        self.assertEqual((200, 401), (status("sk-first-key"), status("sk-second-key")))
        config["auth"]["client_keys"] = [{"name": "b", "env": "B"}]
        fleet.write(config)
        fleet.reload()
        until(lambda: (status("sk-first-key"), status("sk-second-key")) == (401, 200), 5, "the new key")


    def one_chain(self, keys, upstream):
        return {"version": 1, "auth": {"client_keys": keys}, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}

    def test_a_key_that_is_not_set_is_disabled_with_a_warning_and_never_opens_the_proxy(self):
        """With no usable key left authentication stays required: everything is 401."""
        upstream = self.upstream()
        fleet = self.start_fleet(self.one_chain([{"name": "app", "env": "NOT_SET_ANYWHERE"}], upstream))
        fleet.control.program.wait_for("NOT_SET_ANYWHERE.*app.*disabled", 5.0)
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer NOT_SET_ANYWHERE"}):
            checks.own_error(self, fleet.client.chat("c", headers=headers), 401, "invalid_api_key")
        checks.own_error(self, fleet.client.get("/v1/models"), 401)
        self.assertEqual((200, 0), (fleet.client.get("/health").status, upstream.calls))

    def test_a_request_under_way_outlives_its_key(self):
        """A removed key takes effect with the configuration; what is open is finished."""
        go = threading.Event()

        def slow(exchange):
            go.wait(20)
            answers.usual()(exchange)
        upstream = self.upstream(slow)
        self.addCleanup(go.set)
        keys = [{"name": "a", "env": "A"}, {"name": "b", "env": "B"}]
        fleet = self.start_fleet(self.one_chain(keys, upstream), env={"A": "sk-first-key", "B": "sk-second-key"})
        first = {"Authorization": "Bearer sk-first-key"}
        with fleet.client.open_chat("c", headers=first) as connection:
            until(lambda: upstream.calls == 1, 10, "the call")
            fleet.write(self.one_chain(keys[1:], upstream))
            fleet.reload()
            until(lambda: fleet.client.get("/v1/models", headers=first).status == 401, 5, "the removed key to be refused")
            go.set()
            self.assertEqual(200, connection.answer().status)

    def test_a_keys_file_that_is_rewritten_changes_the_key(self):
        """Rotating a client key needs no change of the configuration."""
        upstream = self.upstream()
        fleet = self.start_fleet(self.one_chain([{"name": "x", "env": "X"}], upstream), proxies=0, env={"X": "sk-x"})
        path = fleet.directory / "client-key"
        path.write_text("sk-old-key\n")
        fleet.write(self.one_chain([{"name": "app", "file": str(path)}], upstream))
        fleet.reload()
        fleet.add_proxy("node").wait_ready()

        def status(key):
            return fleet.client.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status
        until(lambda: (status("sk-old-key"), status("sk-new-key")) == (200, 401), 5, "the key of the file")
        path.write_text("sk-new-key\n")
        until(lambda: (status("sk-old-key"), status("sk-new-key")) == (401, 200), 5, "the new key")


class Listening(ChainCase):
    def config(self, keys):
        upstream = self.upstream()
        return {"version": 1, **({"auth": {"client_keys": [{"name": "a", "env": "A"}]}} if keys else {}),
                "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}

    def proxy_beyond_loopback(self, keys, *flags):
        fleet = self.start_fleet(self.config(keys), env={"A": "sk-key"})
        program = Program("429chain-proxy", ["--control", fleet.control.grpc, "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0",
                                             "--node", "wide", *flags], directory=fleet.directory, label="wide")
        self.addCleanup(program.kill)
        return program

    def test_the_proxy_refuses_to_listen_beyond_loopback_without_keys(self):
        """Listening beyond loopback without authentication: the proxy exits non-zero with the reason."""
        program = self.proxy_beyond_loopback(False)
        self.assertNotEqual(0, program.wait(10))
        self.assertIn("insecure-listen", program.stderr)

    def test_with_client_keys_it_listens(self):
        """With authentication there is nothing to refuse."""
        program = self.proxy_beyond_loopback(True)
        port = program.wait_for(r"listening api=\S*?:(\d+) ").group(1)
        admin = program.wait_for(r"admin=\"?(127\.0\.0\.1:\d+)").group(1)
        until(lambda: Client(admin).get("/ready").status == 200, 10, "ready")
        client = Client(f"127.0.0.1:{port}")
        self.assertEqual(401, client.chat("c").status)
        self.assertEqual(200, client.chat("c", headers={"Authorization": "Bearer sk-key"}).status)

    def test_told_so_it_listens_without(self):
        """Unless --insecure-listen is given."""
        program = self.proxy_beyond_loopback(False, "--insecure-listen")
        port = program.wait_for(r"listening api=\S*?:(\d+) ").group(1)
        until(lambda: Client(f"127.0.0.1:{port}").chat("c").status == 200, 10, "an answer")

    def test_keys_removed_later_do_not_open_it(self):
        """A wide-open listener does not become one without authentication by a reload."""
        config = self.config(True)
        fleet = self.start_fleet(config, env={"A": "sk-key"})
        program = Program("429chain-proxy", ["--control", fleet.control.grpc, "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0",
                                             "--node", "wide"], directory=fleet.directory, label="wide")
        self.addCleanup(program.kill)
        port = program.wait_for(r"listening api=\S*?:(\d+) ").group(1)
        client = Client(f"127.0.0.1:{port}")
        until(lambda: client.chat("c", headers={"Authorization": "Bearer sk-key"}).status == 200, 10, "an answer")
        del config["auth"]
        fleet.write(config)
        fleet.reload()
        until(lambda: fleet.client.chat("c").status == 200, 5, "the loopback proxy to have the new configuration")

        def shut():
            try:
                return client.chat("c").status != 200
            except OSError:
                return True
        for _ in range(20):
            self.assertTrue(shut(), "anybody may call")

    @rows({"http": ("--http-listen", "--grpc-listen"), "grpc": ("--grpc-listen", "--http-listen")})
    def test_the_control_plane_refuses_to_listen_beyond_loopback(self, wide, narrow):
        """The control plane exits non-zero at once with the reason."""
        fleet = Fleet(self.config(False))
        program = Program("429chain-control", ["--config", fleet.config_path, wide, "0.0.0.0:0", narrow, "127.0.0.1:0"],
                          directory=fleet.directory, label="control")
        self.addCleanup(program.kill)
        self.assertNotEqual(0, program.wait(10))
        self.assertIn("0.0.0.0", program.stderr)
        self.assertRegex(program.stderr.lower(), "loopback|authentication")

    def test_on_loopback_nothing_is_needed(self):
        """On loopback without TLS, client key or further flag."""
        fleet = self.start_fleet(self.config(False))
        self.assertEqual(200, fleet.client.chat("c").status)


if __name__ == "__main__":
    unittest.main()
