"""One line for each request: what it says of good ones, bad ones and those whose client left, and what it must not say."""
import re
import unittest

from support import answers, checks, log_lines, trail
from support.answers import ROLE, chunk, delta, event
from support.case import ChainCase, SlotCase, rows
from support.poll import until
from support.raw_client import Client, Connection

CLIENT_KEY = "client-key-0123456789abcdef"
PROVIDER_KEY = "provider-key-0123456789abcdef"
ENV = {"CLIENT": CLIENT_KEY, "PROVIDER": PROVIDER_KEY}
BEARER = {"authorization": f"Bearer {CLIENT_KEY}"}


class LogCase(SlotCase):
    SLOTS = 24
    ENV = ENV

    @classmethod
    def configure(cls, config):
        config["auth"] = {"client_keys": [{"name": "app", "env": "CLIENT"}]}
        config["log"] = {"format": "json"}
        for name, provider in config["providers"].items():
            provider["credentials"] = [{"name": "main", "env": "PROVIDER"}]

    @property
    def client(self):
        return Client(self.fleet.proxy.api, BEARER)

    def line(self, answer=None, **wanted):
        """The one line about this answer."""
        if answer is not None:
            wanted["request_id"] = answer.header("x-request-id")
        found = until(lambda: log_lines.requests(self.fleet.proxy.program.stderr, **wanted), 5.0, f"a line with {wanted}")
        self.assertEqual(1, len(found), found)
        return found[0]


class Lines(LogCase):
    def test_a_plain_request(self):
        """Everything that is known of it, once."""
        slot = self.slot(answers.completion("hi"))
        answer = self.client.chat(slot.chain)
        line = self.line(answer)
        self.assertEqual({"level": "info", "method": "POST", "path": "/v1/chat/completions", "client_key": "app",
                          "chain": slot.chain, "model": slot.chain, "target": slot.names[0], "status": 200, "attempts": 1,
                          "stream": False, "prompt_tokens": 3, "completion_tokens": 2, "bytes_out": len(answer.body)},
                         {key: line.get(key) for key in (
                             "level", "method", "path", "client_key", "chain", "model", "target", "status", "attempts",
                             "stream", "prompt_tokens", "completion_tokens", "bytes_out")})
        self.assertEqual(answer.header("x-429chain-trail"), line["trail"])
        self.assertRegex(line["client"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(len(slot.a.requests[0].body), line["bytes_in"] - len(slot.chain) + len(slot.names[0].split("/", 1)[1]))
        self.assertGreater(line["latency_ms"], 0)
        self.assertLessEqual(line["first_content_ms"], line["latency_ms"])
        self.assertNotIn("error", line)
        self.assertNotIn("trace_id", line)
        self.assertNotIn("request_body", line)

    def test_a_stream(self):
        """Its first content is sooner than its end, its tokens those of its usage chunk."""
        slot = self.slot(answers.stream(pieces=[event(ROLE), event(delta(content="a")), event(delta(content="b")),
                                                event(answers.STOP), event(answers.USAGE), answers.DONE], pause=0.05))
        answer = self.client.chat(slot.chain, stream=True, stream_options={"include_usage": True})
        self.assertEqual(200, answer.status)
        line = self.line(answer)
        self.assertIs(True, line["stream"])
        self.assertEqual((3, 2), (line["prompt_tokens"], line["completion_tokens"]))
        self.assertGreaterEqual(line["latency_ms"] - line["first_content_ms"], 100)
        self.assertEqual(len(answer.body), line["bytes_out"])

    def test_a_stream_whose_client_leaves_with_its_last_byte(self):
        """It has had all of it, though the provider has not yet ended its own framing."""
        slot = self.slot(answers.stream(end=False, then="hold"))
        with self.client.open_chat(slot.chain, stream=True) as connection:
            answer = connection.answer()
        checks.whole_stream(self, answer)
        line = self.line(answer)
        self.assertEqual((200, "info"), (line["status"], line["level"]))
        self.assertNotIn("error", line)

    def test_a_waterfall(self):
        """The trail tells every hop, the target is the one that answered."""
        slot = self.slot(answers.error(503), answers.completion())
        answer = self.client.chat(slot.chain)
        line = self.line(answer)
        self.assertEqual((slot.names[1], 2, 200), (line["target"], line["attempts"], line["status"]))
        self.assertEqual(["overloaded", "ok"], [item["outcome"] for item in trail.parse(line["trail"])])

    def test_an_exhausted_chain_is_a_warning(self):
        """A 5xx of ours is worth a look."""
        slot = self.slot(answers.error(500), answers.error(500))
        answer = self.client.chat(slot.chain)
        self.assertEqual(502, answer.status)
        line = self.line(answer)
        self.assertEqual(("warning", 502, "chain_exhausted", 2),
                         (line["level"], line["status"], line["error"], line["attempts"]))
        self.assertNotIn("target", line)

    def test_what_the_provider_refused_is_handed_back(self):
        """The provider's status, by its target."""
        slot = self.slot(answers.error(400, "bad", "invalid_request_error"))
        line = self.line(self.client.chat(slot.chain))
        self.assertEqual(("info", 400, slot.names[0]), (line["level"], line["status"], line["target"]))

    def test_a_broken_stream(self):
        """It began well: 200, and what went wrong."""
        slot = self.slot(answers.stream(event(ROLE) + event(delta(content="x")), end=False, then="reset"))
        line = self.line(self.client.chat(slot.chain, stream=True))
        self.assertEqual(("warning", 200, "stream_broken"), (line["level"], line["status"], line["error"]))

    @rows({"no_key": ({}, "POST", "/v1/chat/completions", b"{}", 401, "invalid_api_key"),
           "no_json": (BEARER, "POST", "/v1/chat/completions", b"{", 400, "invalid_body"),
           "no_such_model": (BEARER, "POST", "/v1/chat/completions", b'{"model":"nobody"}', 404, "model_not_found"),
           "no_such_path": (BEARER, "GET", "/nothing", None, 404, "not_found"),
           "wrong_method": (BEARER, "GET", "/v1/chat/completions", None, 405, "method_not_allowed"),
           "odd_method": (BEARER, "BREW", "/v1/models", None, 501, "unknown_method")})
    def test_refusals(self, headers, method, path, body, status, code):
        """Refused requests have their line too."""
        answer = Client(self.fleet.proxy.api, headers).request(method, path + "?secret=1", body)
        line = self.line(answer)
        self.assertEqual((status, code, method, path),
                         (line["status"], line["error"], line["method"], line["path"]))
        self.assertEqual("warning" if status >= 500 else "info", line["level"])
        self.assertNotIn("attempts", line)

    def test_a_head_that_cannot_be_read(self):
        """Nothing of it is known but its client."""
        with Connection(self.fleet.proxy.api) as connection:
            connection.send(b"GET / HTTP/1.1\nHost: x\r\n\r\n")
            answer = connection.body(connection.head())
        line = self.line(answer)
        self.assertEqual((400, "malformed_request"), (line["status"], line["error"]))
        self.assertNotIn("path", line)

    def test_a_client_that_leaves_before_its_answer(self):
        """499: nothing was sent. The target is the one that was being called."""
        slot = self.slot(answers.silent)
        connection = self.client.open_chat(slot.chain)
        slot.a.wait_calls(1)
        connection.reset()
        line = self.line(chain=slot.chain)
        self.assertEqual((499, "client_gone", slot.names[0], 1),
                         (line["status"], line["error"], line["target"], line["attempts"]))

    def test_a_client_that_leaves_in_mid_stream(self):
        """Its answer was begun with 200; the error says how it ended."""
        def going(exchange):
            exchange.send(answers.stream_head())
            exchange.send(chunk(event(ROLE) + event(delta(content="x"))))
            exchange.wait_gone(15)
            exchange.close()
        slot = self.slot(going)
        connection = self.client.open_chat(slot.chain, stream=True)
        self.assertEqual(200, connection.head().status)
        connection.reset()
        line = self.line(chain=slot.chain)
        self.assertEqual((200, "client_gone", slot.names[0]), (line["status"], line["error"], line["target"]))

    def test_each_request_of_a_connection_has_its_own_line(self):
        """Nothing of one is left in the next."""
        slot = self.slot(answers.completion())
        with Connection(self.fleet.proxy.api) as connection:
            ids = []
            for method, path, body in (("POST", "/v1/chat/completions", {"model": slot.chain, "messages": []}),
                                       ("GET", "/v1/models", None)):
                connection.request(method, path, body, BEARER)
                ids.append(connection.body(connection.head()).header("x-request-id"))
        self.assertEqual(slot.chain, self.line(request_id=ids[0])["chain"])
        second = self.line(request_id=ids[1])
        self.assertEqual(200, second["status"])
        for key in ("chain", "model", "target", "trail", "prompt_tokens", "first_content_ms"):
            self.assertNotIn(key, second)

    def test_nobody_forges_a_line_or_sees_a_secret(self):
        """A model's name may hold anything; keys never stand in a log."""
        slot = self.slot(answers.error(500, f"your key {PROVIDER_KEY} is odd\nsecond line"))
        slot.b.answer = slot.a.answer
        for model in (slot.chain, 'x"},\n{"message":"forged"}', "\u2028\u0000é" * 500):
            answer = self.client.chat(model)
            line = self.line(answer)
            self.assertTrue(model.encode().startswith(line["model"].rstrip("\ufffd").encode()), line)
        everything = self.fleet.proxy.program.output + self.fleet.control.program.output
        for secret in (CLIENT_KEY, PROVIDER_KEY):
            self.assertNotIn(secret, everything)
        self.assertNotIn('\n{"message":"forged"', everything)

    def test_every_line_is_a_json_object(self):
        """Also those of the program itself, from the configuration on."""
        text = self.fleet.proxy.program.stderr
        log_lines.of_json(text[text.index("\n{") + 1:text.rfind("\n") + 1])


class TextLines(ChainCase):
    def test_a_text_line_is_one_line_that_reads_back(self):
        """What would break it stands in quotes."""
        upstream = self.upstream()
        fleet = self.start_fleet({"version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                                  "chains": {"c": {"targets": [{"provider": "p", "model": "m x="}]}}})
        answer = fleet.client.chat("c")
        self.assertEqual(200, answer.status)
        text = until(lambda: [line for line in fleet.proxy.program.stderr.splitlines() if " proxy: request " in line], 5.0)
        line = log_lines.of_text(text[0])[0]
        self.assertEqual(("request", "c", "p/m x=", "200", answer.header("x-request-id")),
                         (line["message"], line["chain"], line["target"], line["status"], line["request_id"]))

    def test_health_checks_do_not_fill_the_log(self):
        """They are debug."""
        fleet = self.start_fleet({"version": 1, "providers": {"p": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
                                  "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        fleet.client.get("/health")
        fleet.client.get("/v1/models")
        until(lambda: "path=/v1/models" in fleet.proxy.program.stderr, 5.0)
        self.assertNotIn("/health", fleet.proxy.program.stderr)

    def test_everything_is_written_before_the_end(self):
        """The line of a request that ended just before SIGTERM is there when the program has ended."""
        upstream = self.upstream()
        fleet = self.start_fleet({"version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                                  "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}, workers=2)
        ids = [fleet.client.chat("c").header("x-request-id") for _ in range(20)]
        self.assertEqual(0, fleet.proxy.program.terminate())
        text = fleet.proxy.program.stderr
        self.assertEqual([], [one for one in ids if f"request_id={one} " not in text])
        self.assertTrue(re.search(r"proxy: stopped\n$", text), text[-300:])


if __name__ == "__main__":
    unittest.main()
