"""What the gateway itself answers when something is wrong: shapes, statuses, and what an exhausted chain tells."""
import json
import threading
import unittest

from support import answers, checks, trail
from support.case import ChainCase, SlotCase, TIMEOUTS, rows
from support.poll import until
from support.raw_client import Connection


class OwnErrors(SlotCase):
    SLOTS = 8

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.free_slots.pop(0)  # slot-0 is what the bad bodies name

    @rows({
        "missing_model": b'{"messages":[]}', "empty_model": b'{"model":"","messages":[]}',
        "number_model": b'{"model":7,"messages":[]}', "null_model": b'{"model":null,"messages":[]}',
        "array_model": b'{"model":["slot-0"],"messages":[]}', "object_model": b'{"model":{},"messages":[]}',
        "invalid_json": b'{"model":"slot-0",', "trailing_comma": b'{"model":"slot-0",}',
        "two_documents": b'{"model":"slot-0"}{"model":"slot-0"}', "trailing_garbage": b'{"model":"slot-0"} x',
        "single_quotes": b"{'model':'slot-0'}", "comment": b'{"model":"slot-0"/* hi */}',
        "array": b'[{"model":"slot-0"}]', "string": b'"slot-0"', "number": b"42", "null": b"null",
        "empty": b"", "spaces": b"   \n", "bare_nan": b'{"model":"slot-0","temperature":NaN}',
        "control_in_string": b'{"model":"slot-0","x":"a\x01b"}', "leading_zero": b'{"model":"slot-0","x":01}',
        "broken_escape": b'{"model":"slot-0","x":"\\u12"}', "unquoted_key": b'{model:"slot-0"}',
    })
    def test_a_bad_body_is_400(self, body):
        """Missing, empty or non-string model, invalid JSON, not an object: 400, and nobody is called."""
        answer = self.client.post("/v1/chat/completions", body)
        error = checks.own_error(self, answer, 400)
        self.assertEqual("invalid_request_error", error["type"])
        self.assertEqual(0, self.slots[0].a.calls)

    def test_a_bad_body_calls_nobody(self):
        """Nothing of it reaches a provider."""
        slot = self.slot()
        for body in (b'{"model":"%s","messages":[' % slot.chain.encode(), b'{"model":"%s","x":tru}' % slot.chain.encode()):
            checks.own_error(self, self.client.post("/v1/chat/completions", body), 400)
        self.assertEqual(0, slot.a.calls)

    def test_a_bad_body_leaves_the_connection_usable_or_closed(self):
        """After our 400 the connection carries the next request, or says that it closes."""
        slot = self.slot()
        with self.client.connect() as connection:
            connection.request("POST", "/v1/chat/completions", b"not json")
            first = connection.answer()
            self.assertEqual(400, first.status)
            if (first.header("connection") or "").lower() != "close":
                connection.request("POST", "/v1/chat/completions", {"model": slot.chain, "messages": []})
                self.assertEqual(200, connection.answer().status)

    @rows({
        "get_chat": ("GET", "/v1/chat/completions", "POST"), "put_chat": ("PUT", "/v1/chat/completions", "POST"),
        "delete_chat": ("DELETE", "/v1/chat/completions", "POST"), "post_models": ("POST", "/v1/models", "GET"),
        "post_health": ("POST", "/health", "GET"), "delete_model": ("DELETE", "/v1/models/slot-0", "GET"),
        "patch_chat": ("PATCH", "/v1/chat/completions", "POST"),
    })
    def test_a_wrong_method_is_405_with_allow(self, method, path, allowed):
        """405 with Allow."""
        answer = self.client.request(method, path, None if method in ("GET", "DELETE") else b"{}")
        checks.own_error(self, answer, 405)
        self.assertIn(allowed, [m.strip() for m in (answer.header("allow") or "").split(",")], repr(answer))

    @rows({"root": "/", "other": "/v1/other", "chat": "/chat/completions", "v2": "/v2/chat/completions",
           "double_slash": "//v1/chat/completions", "dots": "/v1/../v1/models", "config_dump": "/config_dump",
           "metrics": "/metrics", "drain": "/drain", "pools": "/pools", "ready": "/ready", "live": "/live",
           "completions_tail": "/v1/chat/completions/x"})
    def test_an_unknown_path_is_404(self, path):
        """Unknown path 404; the admin's paths and / don't exist on the API port."""
        checks.own_error(self, self.client.get(path), 404)
        checks.own_error(self, self.client.post(path, b"{}"), 404)

    def test_a_query_does_not_change_the_path(self):
        """SDKs add query parameters."""
        slot = self.slot()
        answer = self.client.post("/v1/chat/completions?api-version=2024-10-21", {"model": slot.chain, "messages": []})
        checks.served_by(self, answer, slot.names[0], 1)

    def test_a_body_that_claims_too_much_is_413_at_once(self):
        """A body over the limit (claimed): 413 without reading it all."""
        with self.client.connect(timeout=5) as connection:
            connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connection.address}\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {10 * 1024 ** 3}\r\n\r\n".encode())
            checks.own_error(self, connection.answer(), 413)
            self.assertTrue(connection.closed_by_peer())

    def test_a_body_that_grows_too_large_is_413(self):
        """A body over the limit (sent, in chunks): 413 without reading it all."""
        most = 256 * 1024 * 1024
        piece = answers.chunk(b" " * 65536)
        sent = 0
        with self.client.connect(timeout=10) as connection:
            connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connection.address}\r\nContent-Type: application/json\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n".encode())
            try:
                while sent < most:
                    connection.send(piece)
                    sent += 65536
            except OSError:
                pass
            self.assertLess(sent, most, "the proxy reads on for ever")
            try:
                checks.own_error(self, connection.answer(), 413)
            except ConnectionResetError:
                pass  # the answer may be lost when the peer closes with our bytes unread
        self.assertEqual(200, self.client.get("/health").status)

    def test_a_chunked_request_is_taken(self):
        """Chunked requests are taken, and reach the provider whole."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": [{"role": "user", "content": "x" * 3000}]}).encode()
        pieces = b"".join(answers.chunk(body[i:i + 700]) for i in range(0, len(body), 700)) + b"0\r\n\r\n"
        with self.client.connect() as connection:
            connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connection.address}\r\nContent-Type: application/json\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n".encode())
            for i in range(0, len(pieces), 333):
                connection.send(pieces[i:i + 333])
            checks.served_by(self, connection.answer(), slot.names[0], 1)
        expected = body.replace(slot.chain.encode(), b"vendor/model-a")
        self.assertEqual(expected, slot.a.last().body)

    def test_a_chunked_request_with_extensions_and_trailers_is_taken(self):
        """Chunk extensions and trailers belong to chunked requests; trailers go no further."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        with self.client.connect() as connection:
            connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connection.address}\r\nTransfer-Encoding: chunked\r\n"
                            "Content-Type: application/json\r\n\r\n".encode())
            connection.send(b"%x;name=\"value\"\r\n%s\r\n0\r\nX-Trailer: authorization\r\n\r\n" % (len(body), body))
            checks.served_by(self, connection.answer(), slot.names[0], 1)
        self.assertIsNone(slot.a.last().header("x-trailer"))

    def test_expect_100_continue_is_answered(self):
        """A client that waits for 100 before it sends its body is told to go on."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        with self.client.connect(timeout=5) as connection:
            connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connection.address}\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
            self.assertEqual(100, connection.head(wanted_interim=True).status)
            connection.send(body)
            checks.served_by(self, connection.answer(), slot.names[0], 1)
        self.assertIsNone(slot.a.last().header("expect"))


class UnknownModel(ChainCase):
    def fleet_with(self, chains):
        upstream = self.upstream()
        return self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
            "chains": {name: {"targets": [{"provider": "p", "model": "m"}]} for name in chains}})

    def test_an_unknown_model_is_404_and_names_every_chain(self):
        """Model_not_found: 404, message names every chain."""
        fleet = self.fleet_with(["coding", "chat", "long-context"])
        answer = fleet.client.chat("nothing-like-it")
        error = checks.own_error(self, answer, 404, "model_not_found")
        for name in ("coding", "chat", "long-context"):
            self.assertIn(name, error["message"])
        self.assertIn("nothing-like-it", error["message"])

    def test_of_many_chains_twenty_are_named_and_the_rest_counted(self):
        """At most 20, then a count."""
        names = [f"chain{chr(97 + i)}x" for i in range(26)]
        fleet = self.fleet_with(names)
        message = checks.own_error(self, fleet.client.chat("unknown"), 404, "model_not_found")["message"]
        self.assertEqual(20, sum(name in message for name in names), message)
        self.assertIn("6", message)

    def test_a_strange_model_name_is_shown_safely(self):
        """Whatever the name, the answer is JSON in our shape, of bounded size."""
        fleet = self.fleet_with(["coding"])
        for name in ("\n\r\t\"\\", "x" * 100000, "\u0000", "日本語", "../../etc/passwd", " coding", "coding ", "unknown/model"):
            answer = fleet.client.chat(name)
            checks.own_error(self, answer, (404, 400))
            self.assertLess(len(answer.body), 16384)


class Exhausted(SlotCase):
    SLOTS = 24
    CHAIN = {"timeouts": {**TIMEOUTS, "first_token": "300ms", "total": "5s"}}

    def test_429_if_any_target_only_waits_for_a_limit(self):
        """All failed: 429 if any of them is only waiting for a limit, with Retry-After = the soonest recovery."""
        slot = self.slot(answers.error(500), answers.rate_limited({"retry-after": "9"}))
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual("9", answer.header("retry-after"))

    def test_retry_after_is_the_soonest_of_all(self):
        """Retry-After is the soonest recovery, integer seconds, rounded up."""
        slot = self.slot(answers.rate_limited({"retry-after": "40"}), answers.rate_limited({"retry-after-ms": "7300"}))
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual("8", answer.header("retry-after"))

    def test_502_otherwise(self):
        """Else 502, without Retry-After."""
        slot = self.slot(answers.error(500), answers.close)
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 502, "chain_exhausted")
        self.assertIsNone(answer.header("retry-after"))

    def test_502_if_only_some_timed_out(self):
        """504 only if all timed out."""
        slot = self.slot(answers.silent, answers.error(500))
        checks.own_error(self, self.client.chat(slot.chain, stream=True), 502, "chain_exhausted")

    def test_504_if_all_timed_out(self):
        """504 if all timed out."""
        slot = self.slot(answers.silent, answers.silent)
        checks.own_error(self, self.client.chat(slot.chain, stream=True), 504, "chain_exhausted")

    def test_a_refused_credential_is_not_a_limit(self):
        """Nobody waits for a limit where keys are refused: 502."""
        slot = self.slot(answers.error(401), answers.error(403))
        for _ in range(2):
            checks.own_error(self, self.client.chat(slot.chain), 502, "chain_exhausted")
        self.assertEqual((1, 1), (slot.a.calls, slot.b.calls))

    def test_the_message_names_every_target_and_why(self):
        """`message` names every target and why."""
        slot = self.slot(answers.error(503, "we are full"), answers.rate_limited({"retry-after": "42"}))
        message = self.client.chat(slot.chain).error["message"]
        for word in (*slot.names, "503", "429", "42 s"):
            self.assertIn(word, message)
        self.assertIn("2 targets", message)

    def test_error_attempts_is_the_same_as_data(self):
        """Error.attempts: one object per target in order, with what is known of it."""
        slot = self.slot(answers.error(503, "we are full"), answers.rate_limited({"retry-after": "42"}, "slow down, please"))
        attempts = self.client.chat(slot.chain).error["attempts"]
        self.assertEqual(slot.names, [a["target"] for a in attempts])
        for attempt in attempts:
            self.assertIn(attempt["outcome"], trail.OUTCOMES)
            self.assertLessEqual(set(attempt), {"target", "outcome", "status", "retry_after_s", "latency_ms", "message"})
            self.assertIsInstance(attempt["latency_ms"], (int, float))
        self.assertEqual([503, 429], [a["status"] for a in attempts])
        self.assertEqual(["we are full", "slow down, please"], [a["message"] for a in attempts])
        self.assertTrue(41 <= attempts[1]["retry_after_s"] <= 42, attempts)
        self.assertNotIn("retry_after_s", attempts[0])

    def test_a_skipped_target_is_among_the_attempts(self):
        """One object per target, also for those that were not called."""
        slot = self.slot(answers.rate_limited({"retry-after": "42"}), answers.error(500))
        self.client.chat(slot.chain)
        error = self.client.chat(slot.chain).error
        self.assertEqual(["skipped_cooldown", "error"],
                         [a["outcome"].replace("overloaded", "error") for a in error["attempts"]])
        self.assertTrue(1 <= error["attempts"][0]["retry_after_s"] <= 42)
        self.assertNotIn("status", error["attempts"][0])

    def test_a_long_message_is_cut_to_300_characters(self):
        """`message` is the provider's, at most 300 characters, and still valid JSON and UTF-8."""
        for filler in ("x", "é", "日", "😀", "\\\"", "\n"):
            with self.subTest(filler=filler):
                slot = self.slot(answers.error(500, filler * 2000), answers.close)
                attempt = self.client.chat(slot.chain).error["attempts"][0]
                self.assertLessEqual(len(attempt["message"]), 300)
                self.assertGreater(len(attempt["message"]), 60)

    def test_a_message_in_any_shape_is_found_or_left_out(self):
        """Providers put their message in many places; what isn't JSON doesn't break ours."""
        for body, expected in ((b'{"message":"flat one","type":"x"}', "flat one"), (b'{"error":"a string"}', "a string"),
                               (b'{"detail":"a detail"}', "a detail"), (b'[{"error":{"message":"in an array"}}]', "in an array"),
                               (b"\xff\xfe not utf-8 \x00", None), (b"<html><body>502</body></html>", None)):
            with self.subTest(body=body):
                slot = self.slot(answers.plain(500, body), answers.close)
                attempt = self.client.chat(slot.chain).error["attempts"][0]
                if expected:
                    self.assertEqual(expected, attempt["message"])

    def test_no_recovery_within_a_minute_says_so_to_sdks(self):
        """When no target recovers within a minute, exhaustion also carries x-should-retry: false."""
        late = self.slot(answers.rate_limited({"retry-after": "300"}), answers.rate_limited({"retry-after": "3600"}))
        answer = self.client.chat(late.chain)
        self.assertEqual(("false", "300"), (answer.header("x-should-retry"), answer.header("retry-after")))
        soon = self.slot(answers.rate_limited({"retry-after": "300"}), answers.rate_limited({"retry-after": "30"}))
        self.assertNotEqual("false", self.client.chat(soon.chain).header("x-should-retry"))


class DirectCalls(ChainCase):
    def test_a_limited_model_called_directly_is_chain_exhausted_too(self):
        """A limited provider/model called directly answers chain_exhausted 429 too."""
        upstream = self.upstream(answers.rate_limited({"retry-after": "11"}))
        other = self.upstream()
        fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url},
                                        "q": {"kind": "openai", "base_url": other.base_url, "limits": {"rpm": 1}}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        answer = fleet.client.chat("p/some/model")
        error = checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual("11", answer.header("retry-after"))
        self.assertEqual(["p/some/model"], [a["target"] for a in error["attempts"]])
        self.assertEqual("some/model", upstream.last().json()["model"])
        again = fleet.client.chat("p/some/model")
        checks.own_error(self, again, 429, "chain_exhausted")
        self.assertEqual("0", again.header("x-429chain-attempts"))
        self.assertEqual(1, upstream.calls)
        # A limit of the configuration, used up, says the same.
        checks.served_by(self, fleet.client.chat("q/m"), "q/m")
        answer = fleet.client.chat("q/m")
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertTrue(50 <= int(answer.header("retry-after")) <= 61, repr(answer))
        self.assertEqual([("q/m", "skipped_quota")], trail.outcomes(answer))
        self.assertEqual(1, other.calls)


class LongTrails(ChainCase):
    def test_the_trail_stops_at_2_kb_and_the_body_has_all(self):
        """The trail header stops at 2 KB with `…+N`; error.attempts has all."""
        upstream = self.upstream(answers.error(500))
        models = [f"organisation/{'long-' * 12}model-{i:02}" for i in range(60)]
        fleet = self.start_fleet({
            "version": 1,
            "providers": {f"p{i}": {"kind": "openai", "base_url": upstream.base_url} for i in range(60)},
            "chains": {"long": {"targets": [{"provider": f"p{i}", "model": m} for i, m in enumerate(models)], "max_attempts": 60}}})
        answer = fleet.client.chat("long")
        checks.own_error(self, answer, 502, "chain_exhausted")
        text = answer.header("x-429chain-trail")
        self.assertLessEqual(len(text.encode()), 2048)
        self.assertGreater(len(text.encode()), 1500)
        items = trail.parse(text)
        self.assertTrue(text.endswith(f"…+{60 - len(items)}"), text[-60:])
        self.assertEqual([f"p{i}/{m}" for i, m in enumerate(models)], [a["target"] for a in answer.error["attempts"]])
        self.assertEqual("60", answer.header("x-429chain-attempts"))


class Pipelining(SlotCase):
    SLOTS = 6

    def test_requests_sent_at_once_are_answered_in_order(self):
        """Framing stays right when a client pipelines."""
        slot = self.slot(answers.after(0.1, answers.completion("first")))
        slot.a.script(answers.after(0.2, answers.completion("first")), answers.completion("second"))
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        one = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.client.address}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        with self.client.connect() as connection:
            connection.send(one + one + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual("first", connection.answer().content)
            self.assertEqual("second", connection.answer().content)
            self.assertEqual(200, connection.answer("GET").status)
            self.assertEqual(b"", connection.buffer)

    def begun_while_another_is_answered(self, framed):
        """Sends a request, and of a large one behind it the first bytes; the rest once the first is answered."""
        go = threading.Event()
        self.addCleanup(go.set)

        def waits(exchange):
            go.wait(20)
            answers.completion("first")(exchange)
        slot = self.slot()
        slot.a.script(waits, answers.completion("second"))
        small = json.dumps({"model": slot.chain, "messages": []}).encode()
        large = json.dumps({"model": slot.chain, "messages": [{"role": "user", "content": "x" * 200_000}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.client.address}\r\nContent-Type: application/json\r\n"
        framing, sent = framed(large)
        with self.client.connect() as connection:
            connection.send(f"{head}Content-Length: {len(small)}\r\n\r\n".encode() + small)
            until(lambda: slot.a.calls == 1, 10, "the first call")
            connection.send(f"{head}{framing}\r\n\r\n".encode() + sent[:100])
            go.set()
            self.assertEqual("first", connection.answer().content)
            connection.send(sent[100:])
            self.assertEqual("second", connection.answer().content)
            self.assertEqual("x" * 200_000, slot.a.last().json()["messages"][0]["content"])

    def test_a_large_request_may_begin_while_another_is_answered(self):
        """What has come of it stays, and what comes goes behind it."""
        self.begun_while_another_is_answered(lambda body: (f"Content-Length: {len(body)}", body))

    def test_a_chunked_request_may_begin_while_another_is_answered(self):
        """The same with chunks, whose framing is taken out in place."""
        def chunked(body):
            pieces = [body[at:at + 30] for at in range(0, len(body), 30)]
            return "Transfer-Encoding: chunked", b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
        self.begun_while_another_is_answered(chunked)

    def test_a_connection_is_kept_for_many_requests(self):
        """Plain answers and streams alternate on one connection."""
        slot = self.slot()
        with self.client.connect() as connection:
            for number in range(6):
                connection.request("POST", "/v1/chat/completions",
                                   {"model": slot.chain, "messages": [], "stream": bool(number % 2)})
                answer = connection.answer()
                self.assertEqual(200, answer.status)
                if number % 2:
                    checks.whole_stream(self, answer)
        self.assertEqual(1, slot.a.opened, "the upstream connection is kept too")

    def test_connection_close_is_obeyed(self):
        """A client that asks for close gets its answer and the end."""
        slot = self.slot()
        with self.client.connect() as connection:
            connection.request("POST", "/v1/chat/completions", {"model": slot.chain, "messages": []}, {"Connection": "close"})
            self.assertEqual(200, connection.answer().status)
            self.assertTrue(connection.closed_by_peer())


class Health(SlotCase):
    SLOTS = 1

    def test_health_answers(self):
        """GET /health."""
        self.assertEqual(200, self.client.get("/health").status)
        with Connection(self.client.address) as connection:
            connection.request("HEAD", "/health")
            answer = connection.answer("HEAD")
            self.assertIn(answer.status, (200, 405))
            until(lambda: connection.buffer == b"", 1, "no body after HEAD")


if __name__ == "__main__":
    unittest.main()
