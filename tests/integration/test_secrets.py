"""Provider keys: used, and nowhere to be seen."""
import json
import unittest

from support import answers, checks
from support.answers import END, chunk, delta, event
from support.case import ChainCase, TIMEOUTS, rows
from support.fleet import Fleet
from support.programs import run
from support.raw_client import Client
from support.raw_upstream import RawUpstream

KEY = "sk-live-9f8e7d6c5b4a-secret-0123"
ESCAPED = "\\u0073k-live-9f8e7d6c5b4a-secret-0123"  # the same key in JSON


def echo(status, body, headers=None, content_type="application/json"):
    return answers.plain(status, body, headers, content_type)


def nested(text):
    return {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}


class Echoes(ChainCase):
    """A provider that repeats the key in whatever it says."""

    @classmethod
    def setUpClass(cls):
        cls.count = 24
        cls.ups = [RawUpstream(answers.usual()) for _ in range(cls.count)]
        config = {"version": 1, "providers": {}, "chains": {}}
        for i, upstream in enumerate(cls.ups):
            config["providers"][f"p{i}"] = {"kind": "openai", "base_url": upstream.base_url, "credentials": [{"name": "main", "env": "KEY"}]}
            config["chains"][f"c{i}"] = {"targets": [{"provider": f"p{i}", "model": "m"}], "timeouts": TIMEOUTS}
        cls.fleet = Fleet(config, env={"KEY": KEY})
        cls.fleet.control.flags = ["--store", f"sqlite:{cls.fleet.directory}/state.db"]
        cls.fleet.start()
        cls.free = list(range(cls.count))

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()

    def all_fleets(self):
        return [self.fleet]

    def take(self, answer):
        number = self.free.pop(0)
        self.ups[number].answer = answer
        return f"c{number}", self.ups[number]

    def unseen(self, *texts):
        for text in texts:
            text = text if isinstance(text, str) else text.decode("latin-1")
            self.assertNotIn(KEY, text)
            self.assertNotIn(ESCAPED, text)
            self.assertNotIn(KEY[:-4], text)

    def everywhere(self):
        """Logs, dumps, stored files, and what is shown."""
        proxy, control = Client(self.fleet.proxy.admin), self.fleet.control.client
        for path in ("/config_dump", "/metrics", "/pools", "/ready"):
            self.unseen(proxy.get(path).body)
        for path in ("/metrics", "/api/v1/config", "/api/v1/status"):
            self.unseen(control.get(path).body)
        for command in (["status"], ["pools"], ["proxies"], ["get", "config"], ["pools", "--output", "json"]):
            self.unseen("".join(map(str, run("429ctl", ["--control", self.fleet.control.grpc, *command]))))
        for file in self.fleet.directory.rglob("*"):
            if file.is_file():
                self.unseen(file.read_bytes())

    @rows({
        "401": echo(401, nested(f"Incorrect API key provided: {KEY}.")), "403": echo(403, nested(f"key {KEY} may not")),
        "429": echo(429, nested(f"Rate limit for {KEY}. try again in 20s")), "500": echo(500, nested(f"oops {KEY} {KEY}")),
        "400_handed_back": echo(400, nested(f"bad request of {KEY}")), "404_handed_back": echo(404, {"detail": f"no route for Bearer {KEY}"}),
        "422_handed_back": echo(422, {"detail": [{"input": {"authorization": f"Bearer {KEY}"}}]}),
        "400_text": echo(400, f"bad: Authorization: Bearer {KEY}\n", content_type="text/plain"),
        "400_escaped": echo(400, '{"error":{"message":"' + ESCAPED + '","type":"x","param":null,"code":null}}'),
        "500_escaped": echo(500, '{"error":{"message":"' + ESCAPED + '","type":"x","param":null,"code":null}}'),
        "200_error": echo(200, nested(f"key {KEY}")), "in_code": echo(500, {"error": {"message": "x", "type": KEY, "param": KEY, "code": KEY}}),
        "400_header": echo(400, nested("no"), {"x-debug-authorization": f"Bearer {KEY}"}),
        "cut_in_two_at_300": echo(500, nested("y" * 285 + KEY)),
    })
    def test_a_key_echoed_in_an_error_is_never_shown(self, answer):
        """A provider that echoes the key in an error: the client, logs, stored files and dumps never show it."""
        chain, upstream = self.take(answer)
        for stream in (False, True):
            got = self.fleet.client.chat(chain, stream=stream)
            self.assertNotEqual(200, got.status)
            self.unseen(got.body, str(got.headers))
            if got.body.strip().startswith(b"{"):
                got.json()
        self.assertEqual(f"Bearer {KEY}", upstream.requests[0].header("authorization"), "it was used")
        self.everywhere()

    @rows({"first": (b"",), "after_content": (event(delta(content="x")),)})
    def test_a_key_echoed_in_a_stream_is_never_shown(self, before):
        """Also in an error inside a stream, and split over writes."""
        error = event(json.dumps(nested(f"bad key {KEY}")))
        middle = error.index(KEY.encode()) + 9

        def answer(exchange):
            exchange.send(answers.stream_head() + (chunk(before) if before else b""))
            exchange.send(chunk(error[:middle]))
            exchange.send(chunk(error[middle:]) + END)
        chain, _ = self.take(answer)
        got = self.fleet.client.chat(chain, stream=True)
        self.unseen(got.body, str(got.headers))
        if before:
            checks.broken_stream(self, got)
        self.everywhere()

    def test_the_key_is_in_no_command_line(self):
        """Who may run ps sees nothing."""
        for program in (self.fleet.proxy.program, self.fleet.control.program):
            with open(f"/proc/{program.pid}/cmdline", "rb") as file:
                self.unseen(file.read())

    def test_the_dump_says_that_there_is_a_key_but_not_which(self):
        """/config_dump: secrets redacted, at most their last 4 characters."""
        dump = Client(self.fleet.proxy.admin).get("/config_dump")
        self.assertEqual(200, dump.status)
        dump.json()
        self.assertIn(b"p0", dump.body)
        self.unseen(dump.body)


class ProxysOwn(ChainCase):
    def test_a_proxys_own_key_never_reaches_the_control_plane(self):
        """`proxy_env:`/`proxy_file:` are resolved by each proxy itself, and never seen by the control plane."""
        upstream = self.upstream()
        fleet = Fleet({
            "version": 1,
            "providers": {"p": {"kind": "openai", "base_url": upstream.base_url, "credentials": [{"name": "own", "proxy_env": "OWN_KEY"}]},
                          "q": {"kind": "openai", "base_url": upstream.base_url,
                                "credentials": [{"name": "own", "proxy_file": "KEYFILE"}]}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}, "d": {"targets": [{"provider": "q", "model": "m"}]}}}, proxies=0)
        (fleet.directory / "key").write_text("sk-own-file-key\n")
        fleet.write(fleet.config_path.read_text().replace("KEYFILE", str(fleet.directory / "key")))
        self.addCleanup(fleet.stop)
        fleet.start()
        fleet.add_proxy("one", env={"OWN_KEY": "sk-own-one"}).wait_ready()
        fleet.add_proxy("two", env={"OWN_KEY": "sk-own-two"}).wait_ready()
        for number, key in ((0, "sk-own-one"), (1, "sk-own-two")):
            checks.served_by(self, fleet.client_of(number).chat("c"), "p/m", 1)
            self.assertEqual(f"Bearer {key}", upstream.last().header("authorization"))
            checks.served_by(self, fleet.client_of(number).chat("d"), "q/m", 1)
            self.assertEqual("Bearer sk-own-file-key", upstream.last().header("authorization"))
        for key in ("sk-own-one", "sk-own-two", "sk-own-file-key"):
            self.assertNotIn(key, fleet.logs(100000))


class Sources(ChainCase):
    @rows({"newline": b"sk-from-file\n", "crlf": b"sk-from-file\r\n", "none": b"sk-from-file"})
    def test_a_key_from_a_file_loses_its_trailing_newline(self, text):
        """A file's trailing newline is dropped."""
        upstream = self.upstream()
        fleet = Fleet({
            "version": 1,
            "providers": {"p": {"kind": "openai", "base_url": upstream.base_url, "credentials": [{"name": "k", "file": "KEYFILE"}]}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        self.addCleanup(fleet.stop)
        (fleet.directory / "key").write_bytes(text)
        fleet.write(fleet.config_path.read_text().replace("KEYFILE", str(fleet.directory / "key")))
        fleet.start()
        checks.served_by(self, fleet.client.chat("c"), "p/m", 1)
        self.assertEqual(["Bearer sk-from-file"], upstream.last().all("authorization"))


if __name__ == "__main__":
    unittest.main()
