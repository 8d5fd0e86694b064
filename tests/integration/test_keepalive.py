"""Comments that keep a waiting client of a stream from giving up: what goes out when, and how such a stream ends."""
import json
import ssl
import threading
import unittest

from support import answers, checks, log_lines, prometheus, sse, trail
from support.answers import DONE, END, ROLE, chunk, delta, event
from support.case import ChainCase, SlotCase, TIMEOUTS, rows
from support.certificates import Authority
from support.poll import until
from support.raw_client import Client, Connection
from support.raw_upstream import SilentPort

COMMENT = b": keep-alive"
USUAL = [payload.encode() for payload in answers.stream_payloads()]
OFTEN = {**TIMEOUTS, "keepalive": "50ms"}


class Gate:
    """An answer that comes when the test says so, with pieces of a stream sent before."""

    def __init__(self, then, *early):
        self.then, self.early = then, early
        self.opened = threading.Event()

    def __call__(self, exchange):
        if self.early:
            exchange.send(answers.stream_head())
        for piece in self.early:
            exchange.send(chunk(piece))
        if not self.opened.wait(30):
            raise AssertionError("the gate was never opened")
        self.then(exchange)

    def open(self):
        self.opened.set()


def rest_of_stream(exchange):
    exchange.send(chunk(answers.stream_bytes()) + END)


class Waiting:
    """A stream whose first comments have been read."""

    def __init__(self, connection, comments=1):
        self.connection = connection
        self.answer = connection.head()
        self.pieces = connection.pieces(self.answer)
        while self.comments < comments:
            next(self.pieces)

    @property
    def comments(self):
        return self.answer.body.count(COMMENT + b"\n\n")

    def finish(self):
        for _ in self.pieces:
            pass
        return self.answer


def fields_of(answer):
    """What stands in the comment that takes the place of header fields."""
    pairs = (line[2:].split(b": ", 1) for line in sse.comments(answer.body) if line != COMMENT)
    return {name.decode(): value.decode() for name, value in pairs}


class KeepAlive(SlotCase):
    SLOTS = 40
    CHAIN = {"timeouts": OFTEN}

    @classmethod
    def configure(cls, config):
        config["log"] = {"format": "json"}

    def wait_for(self, slot, comments=1):
        connection = self.client.open_chat(slot.chain, stream=True)
        self.addCleanup(connection.close)
        return Waiting(connection, comments)

    def line_of(self, answer):
        """Of the log."""
        program, wanted = self.fleet.proxy.program, answer.header("x-request-id")
        return until(lambda: log_lines.requests(program.stderr, request_id=wanted), 5.0, "the request's line")[0]

    def assert_usable(self, connection):
        connection.request("GET", "/health")
        self.assertEqual(200, connection.answer("GET").status)

    @rows({"before_the_head": (), "after_the_head": (b": provider\n\n",), "after_the_role": (event(ROLE),)})
    def test_comments_come_before_the_content_and_change_nothing_of_it(self, *early):
        """The head, comments for as long as it takes, then the provider's events byte for byte."""
        gate = Gate(rest_of_stream if early else answers.stream(), *early)
        slot = self.slot(gate)
        waiting = self.wait_for(slot, 3)
        self.assertEqual(0, waiting.answer.body.count(b"data:"))
        gate.open()
        answer = waiting.finish()
        payloads = checks.whole_stream(self, answer)
        self.assertEqual([ROLE.encode()] + USUAL if event(ROLE) in early else USUAL, payloads)
        self.assertLess(answer.body.rindex(COMMENT + b"\n\n"), answer.body.index(b"data:"), "none after the content")
        self.assertEqual(1, slot.a.calls)
        self.assertEqual(0, slot.b.calls)
        self.assert_usable(waiting.connection)

    def test_the_head_says_what_is_known_and_a_comment_the_rest(self):
        """Who answers is known with the content only."""
        gate = Gate(answers.stream(headers={"x-provider": "1"}))
        slot = self.slot(answers.error(503), gate)
        waiting = self.wait_for(slot)
        head = waiting.answer
        self.assertEqual((200, "text/event-stream", "no-cache", slot.chain),
                         (head.status, *map(head.header, ("content-type", "cache-control", "x-429chain-chain"))))
        self.assertTrue(head.header("x-request-id"))
        for name in ("x-429chain-target", "x-429chain-attempts", "x-429chain-trail", "x-provider"):
            self.assertIsNone(head.header(name))
        gate.open()
        fields = fields_of(waiting.finish())
        self.assertEqual((slot.chain, slot.names[1], "2"),
                         tuple(fields[f"x-429chain-{name}"] for name in ("chain", "target", "attempts")))
        self.assertEqual(["overloaded", "ok"],
                         [item["outcome"] for item in trail.parse(fields["x-429chain-trail"])])

    def test_the_log_and_metrics_tell_of_the_real_content(self):
        """Status 200, and the first content when it came."""
        gate = Gate(answers.stream())
        slot = self.slot(gate)
        waiting = self.wait_for(slot, 4)
        gate.open()
        answer = waiting.finish()
        line = self.line_of(answer)
        self.assertEqual((200, slot.names[0], 1, True, len(answer.body)),
                         tuple(line[key] for key in ("status", "target", "attempts", "stream", "bytes_out")))
        self.assertGreaterEqual(line["first_content_ms"], 4 * 50 - 20)
        self.assertNotIn("error", line)

    @rows({
        "error": (answers.error(500), "api_error"), "closed": (answers.close, "api_error"),
        "no_content": (answers.stream(event(ROLE) + DONE), "api_error"),
        "limited": (answers.rate_limited({"retry-after": "30"}), "rate_limit_error"),
    })
    def test_when_all_targets_fail_the_error_is_an_event(self, failure, type):
        """The very object that would have been the body, no [DONE], a proper end, and the connection lives on."""
        gate = Gate(failure)
        slot = self.slot(gate, failure)
        waiting = self.wait_for(slot, 2)
        gate.open()
        answer = waiting.finish()
        payloads, error = checks.broken_stream(self, answer)
        self.assertEqual([], payloads)
        self.assertEqual(("chain_exhausted", type), (error["code"], error["type"]))
        self.assertEqual(slot.names, [attempt["target"] for attempt in error["attempts"]])
        self.assertEqual("2", fields_of(answer)["x-429chain-attempts"])
        self.assert_usable(waiting.connection)
        line = self.line_of(answer)
        self.assertEqual((200, "chain_exhausted", 2, "warning"),
                         tuple(line[key] for key in ("status", "error", "attempts", "level")))
        self.assertNotIn("first_content_ms", line)

    @rows({
        "of_openai": (answers.error(400, "no such role", "invalid_request_error", "bad_role"), "no such role", "bad_role"),
        "over_lines": (answers.plain(400, json.dumps({"error": {"message": "a\nb", "type": "t", "param": None, "code": "x"}},
                                                     indent=2).replace("\n", "\r\n")), "a\nb", "x"),
        "of_another_shape": (answers.plain(422, {"detail": "messages: too few"}),
                             "The provider refused the request with 422: messages: too few", None),
        "a_page": (answers.plain(400, "<p>no</p>\n", content_type="text/html"),
                   "The provider refused the request with 400: <p>no</p>", None),
        "empty": (answers.plain(400, b""), "The provider refused the request with 400.", None),
    })
    def test_a_refusal_is_an_event(self, refusal, message, code):
        """What a provider says of the request reaches the client as an error that it knows."""
        gate = Gate(refusal)
        slot = self.slot(gate)
        waiting = self.wait_for(slot)
        gate.open()
        answer = waiting.finish()
        payloads, error = checks.broken_stream(self, answer)
        self.assertEqual([], payloads)
        self.assertEqual((message, code), (error["message"], error["code"]))
        self.assertNotIn(b"\n", sse.payloads(answer.body)[0], "on one line")
        self.assertEqual(slot.names[0], fields_of(answer)["x-429chain-target"])
        self.assertEqual(0, slot.b.calls)
        self.assert_usable(waiting.connection)
        line = self.line_of(answer)
        self.assertEqual((200, "provider_refused", slot.names[0], "info"),
                         tuple(line[key] for key in ("status", "error", "target", "level")))

    def test_a_break_after_the_content_is_as_ever(self):
        """One error event, not two."""
        gate = Gate(answers.stream(event(delta(content="x")), end=False, then="close"))
        slot = self.slot(gate)
        waiting = self.wait_for(slot)
        gate.open()
        payloads, error = checks.broken_stream(self, waiting.finish())
        self.assertEqual([delta(content="x").encode()], payloads)
        self.assertEqual("stream_broken", error["code"])

    def test_plain_requests_are_left_alone(self):
        """Nothing goes out before the answer: it has its status to say."""
        gate = Gate(answers.completion("late"))
        slot, other = self.slot(gate), self.slot(answers.silent)
        with self.client.open_chat(slot.chain) as plain, self.client.open_chat(other.chain, stream=True) as stream:
            slot.a.wait_calls(1)
            Waiting(stream, 5)
            self.assert_nothing_came(plain)
            gate.open()
            answer = plain.answer()
            checks.served_by(self, answer, slot.names[0], 1)
            self.assertEqual("late", answer.content)

    def assert_nothing_came(self, connection):
        connection.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            connection.socket.recv(1)
        connection.settimeout(20)

    @rows({"close": "close", "reset": "reset"})
    def test_a_client_that_leaves_after_a_comment_is_noticed(self, how):
        """Its call is ended within a second, and nobody else is called."""
        seen = []

        def watching(exchange):
            seen.append(exchange.wait_gone(15))
            exchange.close()
        slot = self.slot(watching)
        waiting = self.wait_for(slot, 2)
        getattr(waiting.connection, how)()
        until(lambda: seen, 1.0, "the call to be ended")
        self.assertEqual([True], seen)
        self.assertEqual(0, slot.b.calls)
        self.assertEqual("client_gone", self.line_of(waiting.answer)["error"])

    def test_http_1_0_gets_no_chunks(self):
        """Its stream ends with the connection."""
        gate = Gate(answers.stream())
        slot = self.slot(gate)
        body = json.dumps({"model": slot.chain, "stream": True, "messages": []}).encode()
        with Connection(self.client.address) as connection:
            connection.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(body) + body)
            waiting = Waiting(connection)
            self.assertEqual([], waiting.answer.all("transfer-encoding"))
            gate.open()
            self.assertEqual(USUAL, checks.whole_stream(self, waiting.finish()))

    def test_http_1_0_gets_the_error_without_chunks(self):
        """A failure after the comment ends with the connection as well."""
        gate = Gate(answers.error(500))
        slot = self.slot(gate, answers.error(500))
        body = json.dumps({"model": slot.chain, "stream": True, "messages": []}).encode()
        with Connection(self.client.address) as connection:
            connection.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(body) + body)
            waiting = Waiting(connection)
            gate.open()
            _, error = checks.broken_stream(self, waiting.finish())
            self.assertEqual("chain_exhausted", error["code"])

    def test_a_second_request_on_the_connection_begins_anew(self):
        """What was said of one answer is not said of the next."""
        gate = Gate(answers.stream())
        slot, other = self.slot(gate), self.slot(answers.completion("plain"))
        waiting = self.wait_for(slot)
        # Sent while the first is waited for.
        waiting.connection.request("POST", "/v1/chat/completions", {"model": other.chain, "messages": []})
        gate.open()
        waiting.finish()
        answer = waiting.connection.answer()
        checks.served_by(self, answer, other.names[0], 1)
        self.assertNotEqual(waiting.answer.header("x-request-id"), answer.header("x-request-id"))

    def test_answers_are_counted_once(self):
        """As 2xx, whatever the end."""
        def counted(**labels):
            return prometheus.scrape(Client(self.fleet.proxy.admin)).sum("chain429_chain_requests_total", **labels)
        gate = Gate(answers.error(500))
        slot = self.slot(gate, answers.error(500))
        waiting = self.wait_for(slot)
        gate.open()
        waiting.finish()
        until(lambda: counted(chain=slot.chain) > 0, 5.0, "the count")
        self.assertEqual((1, 1), (counted(chain=slot.chain), counted(chain=slot.chain, status="2xx")))


class Elsewhere(SlotCase):
    """Where a chain has no keepalive, or a long one."""
    SLOTS = 6

    @classmethod
    def configure(cls, config):
        for number, chain in enumerate(config["chains"].values()):
            chain["timeouts"] = {**TIMEOUTS, "keepalive": ("0s", "15s", "50ms")[number % 3]}

    @rows({"off": 0, "not_yet": 1})
    def test_nothing_is_sent_before_the_content(self, which):
        """Status and fields go out with the first content, while a client of another chain is kept waiting."""
        slots = [self.slot() for _ in range(3)]
        gate = slots[which].a.answer = Gate(rest_of_stream, event(ROLE))
        slots[2].a.answer = answers.silent
        with self.client.open_chat(slots[which].chain, stream=True) as quiet, \
                self.client.open_chat(slots[2].chain, stream=True) as kept:
            slots[which].a.wait_calls(1)
            Waiting(kept, 6)
            quiet.socket.setblocking(False)
            with self.assertRaises(BlockingIOError):
                quiet.socket.recv(1)
            quiet.settimeout(20)
            gate.open()
            answer = quiet.answer()
            checks.served_by(self, answer, slots[which].names[0], 1)
            self.assertEqual([], sse.comments(answer.body))
            self.assertEqual([ROLE.encode()] + USUAL, checks.whole_stream(self, answer))


class Phases(ChainCase):
    """The client is kept whatever the request waits for."""

    def start(self, targets, timeouts=None, **keys):
        config = {"version": 1, "providers": {}, "chains": {"c": {
            "targets": [{"provider": name, "model": "m"} for name in targets],
            "timeouts": {**OFTEN, **(timeouts or {})}, **keys}}}
        for name, (base_url, further) in targets.items():
            config["providers"][name] = {"kind": "openai", "base_url": base_url, **further}
        return self.start_fleet(config)

    def test_while_it_waits_for_a_recovery(self):
        """A limit that opens within `wait`."""
        limited = self.upstream().script(answers.rate_limited({"retry-after": "1"}))
        fleet = self.start({"p": (limited.base_url, {})}, wait="10s")
        answer = fleet.client.chat("c", stream=True)
        self.assertEqual(USUAL, checks.whole_stream(self, answer))
        self.assertIn(COMMENT, sse.comments(answer.body))
        self.assertEqual(2, limited.calls)
        self.assertEqual("2", fields_of(answer)["x-429chain-attempts"])

    def test_while_it_connects(self):
        """To a host that does not answer."""
        silent, good = SilentPort(), self.upstream()
        self.addCleanup(silent.stop)
        fleet = self.start({"p": (silent.base_url, {}), "q": (good.base_url, {})})
        answer = fleet.client.chat("c", stream=True)
        self.assertEqual(USUAL, checks.whole_stream(self, answer))
        self.assertIn(COMMENT, sse.comments(answer.body))
        self.assertEqual("q/m", fields_of(answer)["x-429chain-target"])

    def test_while_it_waits_for_a_permit(self):
        """A place that another request has."""
        gates = [Gate(answers.stream()), Gate(answers.stream())]
        up = self.upstream().script(*gates)
        fleet = self.start({"p": (up.base_url, {"limits": {"concurrency": 1}})}, wait="15s")
        with fleet.client.open_chat("c", stream=True) as first, fleet.client.open_chat("c", stream=True) as second:
            streams = [Waiting(first, 2), Waiting(second, 2)]
            self.assertEqual(1, up.calls, "the other waits for its turn")
            for gate in gates:
                gate.open()
            for stream in streams:
                self.assertEqual(USUAL, checks.whole_stream(self, stream.finish()))

    def test_the_end_of_the_whole_time_is_an_event_too(self):
        """timeouts.total ends a stream that has had comments only."""
        silent = self.upstream(answers.silent)
        fleet = self.start({"p": (silent.base_url, {})}, {"total": "1s"})
        answer = fleet.client.chat("c", stream=True)
        self.assertIn(COMMENT, sse.comments(answer.body))
        _, error = checks.broken_stream(self, answer)
        self.assertEqual(("chain_exhausted", "timeout"), (error["code"], error["attempts"][0]["outcome"]))

    def test_through_tls(self):
        """Records of TLS carry the comments like everything else."""
        authority = Authority()
        pair = authority.issue("server-keepalive")
        gate = Gate(answers.stream())
        up = self.upstream(gate)
        fleet = self.start_fleet(
            {"version": 1, "providers": {"p": {"kind": "openai", "base_url": up.base_url}},
             "chains": {"c": {"targets": [{"provider": "p", "model": "m"}], "timeouts": OFTEN}}},
            proxy_flags=["--tls-cert", pair.cert, "--tls-key", pair.key])
        client = Client(fleet.proxy.api, tls=ssl.create_default_context(cafile=str(authority.cert)))
        with client.open_chat("c", stream=True) as connection:
            waiting = Waiting(connection, 3)
            gate.open()
            self.assertEqual(USUAL, checks.whole_stream(self, waiting.finish()))


if __name__ == "__main__":
    unittest.main()
