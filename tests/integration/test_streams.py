"""Streams that end well, and what is held back until the first real content of an attempt has come."""
import json
import socket
import time
import unittest

from support import answers, checks, sse, trail
from support.answers import DONE, ROLE, STOP, chunk, delta, event
from support.case import SlotCase, TIMEOUTS, rows
from support.poll import until
from support.raw_client import Connection

CONTENT = delta(content="x")


def nothing_yet(connection, duration=0.4):
    """True if the server sends nothing for a while."""
    connection.settimeout(duration)
    try:
        connection.more()
        return not connection.buffer
    except (TimeoutError, socket.timeout):
        return True
    finally:
        connection.settimeout(15)


class Payloads(SlotCase):
    SLOTS = 40

    LONG = [ROLE, delta(content="Hé\u2028llo 日本 😀"), delta(content="a\\n\"b"), delta(content=None), '{"x":1}',
            delta(tool_calls=[{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": "{\"a\":"}}]), delta(reasoning="hm"), STOP]

    @rows({
        "one_write": 10 ** 9, "each_byte": 1, "three_bytes": 3, "seventeen_bytes": 17, "a_kilobyte": 1000,
    })
    def test_payloads_arrive_in_order_whatever_the_split(self, size):
        """The `data` payloads are kept, in order, byte for byte, for any split of bytes."""
        data = b"".join(event(p) for p in self.LONG) + DONE
        slot = self.slot(answers.stream(pieces=[data[i:i + size] for i in range(0, len(data), size)]))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([p.encode() for p in self.LONG], checks.whole_stream(self, answer))

    @rows({
        "crlf": b"data: %s\r\n\r\n", "cr": b"data: %s\r\r", "no_space": b"data:%s\n\n", "id_and_retry": b"id: 7\nretry: 10\ndata: %s\n\n",
        "event_field": b"event: message\ndata: %s\n\n", "comment_inside": b": hi\ndata: %s\n: ho\n\n",
        "comment_between": b": OPENROUTER PROCESSING\n\ndata: %s\n\n", "extra_blank_lines": b"\n\ndata: %s\n\n\n\n",
        "unknown_field": b"foo: bar\nbaz\ndata: %s\n\n",
    })
    def test_every_form_of_event_is_understood(self, form):
        """Keep-alive comments, other fields and every line ending are handled."""
        for size in (10 ** 9, 1):
            data = b"".join(form.replace(b"%s", p.encode()) for p in [*self.LONG, "[DONE]"])
            slot = self.slot(answers.stream(pieces=[data[i:i + size] for i in range(0, len(data), size)]))
            answer = self.client.chat(slot.chain, stream=True)
            self.assertEqual([p.encode() for p in self.LONG], checks.whole_stream(self, answer))

    def test_a_multi_line_event_is_one_payload(self):
        """An event whose JSON is spread over several data lines."""
        spread = json.dumps(json.loads(CONTENT), indent=1).encode()
        data = event(ROLE) + b"".join(b"data: " + line + b"\n" for line in spread.split(b"\n")) + b"\n" + event(STOP) + DONE
        slot = self.slot(answers.stream(data))
        got = checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        self.assertEqual([ROLE.encode(), spread, STOP.encode()], got)

    def test_a_byte_order_mark_is_no_obstacle(self):
        """The stream's one permitted BOM."""
        slot = self.slot(answers.stream(b"\xef\xbb\xbf" + answers.stream_bytes("ab")))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual(200, answer.status)
        body = answer.body.removeprefix(b"\xef\xbb\xbf")
        self.assertEqual([p.encode() for p in answers.stream_payloads("ab")] + [b"[DONE]"], sse.payloads(body))
        checks.served_by(self, answer, slot.names[0], 1)

    @rows({"without_length_or_chunks": "close", "content_length": "length"})
    def test_other_framings_of_a_stream_are_taken(self, framing):
        """A stream may end with its connection or have a length."""
        data = answers.stream_bytes("abc")
        fields = {"content-type": "text/event-stream"}
        if framing == "length":
            fields["content-length"] = len(data)
        slot = self.slot(answers.raw(answers.head(200, fields) + data, "close"))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([p.encode() for p in answers.stream_payloads("abc")], checks.whole_stream(self, answer))

    def test_chunks_pass_as_they_come(self):
        """Content is handed on when it comes, not gathered."""
        def answer(exchange):
            exchange.send(answers.stream_head())
            for letter in "abc":
                exchange.send(chunk(event(delta(content=letter))))
                seen.append(letter)
                until(lambda: len(seen) == len(allowed), 10, "the client to have read")
            exchange.send(chunk(event(STOP) + DONE) + answers.END)
        seen, allowed = [], []
        slot = self.slot(answer)
        with self.client.open_chat(slot.chain, stream=True) as connection:
            reply = connection.head()
            for _ in connection.pieces(reply):
                while len(allowed) < reply.body.count(b'"content"'):
                    allowed.append(1)
            self.assertTrue(reply.complete)
        self.assertEqual(3, len(allowed))

    @rows({"2m": 2 << 20, "7m": 7 << 20})
    def test_a_large_event_passes(self, size):
        """A single event may be up to 8 MiB."""
        large = delta(content="y" * size)
        slot = self.slot(answers.stream(event(ROLE) + event(large) + event(STOP) + DONE))
        got = checks.whole_stream(self, self.client.chat(slot.chain, stream=True, timeout=30))
        self.assertEqual([ROLE.encode(), large.encode(), STOP.encode()], got)

    def test_a_first_event_larger_than_what_is_held_passes(self):
        """The first content itself may be larger than 64 KiB."""
        large = delta(content="z" * 300000)
        slot = self.slot(answers.stream(event(large) + event(STOP) + DONE))
        got = checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        self.assertEqual([large.encode(), STOP.encode()], got)

    def test_an_event_without_end_is_bounded(self):
        """One beyond 8 MiB is not taken, and costs no memory without bound."""
        def endless(exchange):
            exchange.send(answers.stream_head() + chunk(event(CONTENT)) + chunk(b"data: {\"a\":\""))
            piece = chunk(b"z" * 65536)
            for _ in range(1600):
                if not exchange.send(piece):
                    return
            exchange.close()
        slot = self.slot(endless)
        before = self.fleet.proxy.program.rss_kib()
        answer = self.client.chat(slot.chain, stream=True, timeout=40)
        checks.broken_stream(self, answer)
        self.assertLess(self.fleet.proxy.program.rss_kib() - before, 64 * 1024)

    def test_a_stream_to_http_1_0_ends_with_the_connection(self):
        """HTTP/1.0 is answered and closed, a stream too: without chunks."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "stream": True, "messages": []}).encode()
        with Connection(self.client.address) as connection:
            connection.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                            % len(body) + body)
            answer = connection.answer()
            self.assertEqual([], answer.all("transfer-encoding"))
            self.assertEqual([p.encode() for p in answers.stream_payloads()], checks.whole_stream(self, answer))
            self.assertTrue(connection.closed_by_peer())


class FirstContent(SlotCase):
    SLOTS = 40
    CHAIN = {"timeouts": {**TIMEOUTS, "first_token": "8s"}}

    @rows({
        "content": delta(content="x"), "tool_calls": delta(tool_calls=[{"index": 0, "id": "t"}]),
        "reasoning": delta(reasoning="hm"), "reasoning_content": delta(reasoning_content="hm"),
        "refusal": delta(refusal="no"), "finish_reason": delta(finish="stop"),
        "content_parts": delta(content=[{"type": "text", "text": "x"}]),
        "escaped_keys": '{"choices":[{"index":0,"de\\u006cta":{"c\\u006fntent":"x"},"finish_reason":null}]}',
        "spaced": '{ "choices" : [ { "index":0 , "delta" : { "content" : "x" } } ] }',
        "second_choice": '{"choices":[{"index":0,"delta":{}},{"index":1,"delta":{"content":"x"}}]}',
    })
    def test_content_is_sent_on_with_all_that_was_held(self, payload):
        """First content = non-empty content, tool_calls, reasoning, refusal or a finish_reason; what was held comes along."""
        slot = self.slot(answers.stream(pieces=[event(ROLE), event(payload)], end=False, then="hold"))
        with self.client.open_chat(slot.chain, stream=True, timeout=5) as connection:
            reply = connection.head()
            self.assertEqual(200, reply.status)
            for _ in connection.pieces(reply):
                if len(sse.payloads(reply.body)) >= 2:
                    break
            self.assertEqual([ROLE.encode(), payload.encode()], sse.payloads(reply.body))

    @rows({
        "role_only": ROLE, "role_without_content": delta(role="assistant"), "empty_content": delta(content=""),
        "null_content": delta(content=None), "empty_delta": delta(), "no_choices": '{"choices":[]}', "no_keys": "{}",
        "usage_null": '{"choices":[],"usage":null}', "empty_tool_calls": delta(tool_calls=[]), "empty_reasoning": delta(reasoning=""),
        "null_finish": '{"choices":[{"index":0,"delta":{},"finish_reason":null}]}',
        "content_elsewhere": '{"content":"x","choices":[{"index":0,"delta":{"role":"assistant"}}],"x":{"delta":{"content":"y"}}}',
    })
    def test_status_and_headers_wait_for_the_first_content(self, payload):
        """A role-only chunk is not content: held; status and headers go with the first content, not before."""
        def answer(exchange):
            exchange.send(answers.stream_head() + chunk(event(payload)))
            until(lambda: go, 10, "the test to go on")
            exchange.send(chunk(event(CONTENT) + event(STOP) + DONE) + answers.END)
        go = []
        slot = self.slot(answer)
        with self.client.open_chat(slot.chain, stream=True) as connection:
            slot.a.wait_calls(1)
            self.assertTrue(nothing_yet(connection), connection.buffer)
            go.append(1)
            reply = connection.answer()
        self.assertEqual([payload.encode(), CONTENT.encode(), STOP.encode()], checks.whole_stream(self, reply))

    def test_what_was_held_of_a_failed_attempt_is_dropped(self):
        """The held chunks of an attempt that fell through are never seen."""
        poison = delta(role="assistant", note="poison")
        slot = self.slot(answers.stream(event(poison), end=True, then="close"))
        answer = self.client.chat(slot.chain, stream=True)
        checks.fell_through(self, answer, slot)
        self.assertNotIn(b"poison", answer.body)
        self.assertEqual([p.encode() for p in answers.stream_payloads()], checks.whole_stream(self, answer))

    def test_much_before_the_first_content_is_bounded_and_ends_well(self):
        """At most 64 KiB are held before the first content; a provider that sends more still gives an answer, or the next."""
        pieces = [event(delta(role="assistant", note="n" * 1000)) for _ in range(200)]
        slot = self.slot(answers.stream(pieces=[*pieces, event(CONTENT), event(STOP), DONE]))
        answer = self.client.chat(slot.chain, stream=True)
        got = checks.whole_stream(self, answer)
        self.assertIn(got[-2:], ([CONTENT.encode(), STOP.encode()], [p.encode() for p in answers.stream_payloads()][-2:]))

    def test_below_64_kib_everything_held_is_delivered(self):
        """Held, delivered later."""
        pieces = [event(delta(role="assistant", note="n" * 1000)) for _ in range(40)]
        slot = self.slot(answers.stream(pieces=[*pieces, event(CONTENT), event(STOP), DONE]))
        got = checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        self.assertEqual(42, len(got))


class FallsThrough(SlotCase):
    SLOTS = 40
    CHAIN = {"timeouts": {**TIMEOUTS, "first_token": "700ms"}}

    ERROR = '{"error":{"message":"we are full","type":"server_error","param":null,"code":null}}'

    @rows({
        "error_status": (answers.error(503), {"error", "overloaded"}),
        "error_object_first": (answers.stream(event(ERROR)), {"error", "overloaded"}),
        "error_object_then_done": (answers.stream(event(ERROR) + DONE), {"error", "overloaded"}),
        "error_after_role": (answers.stream(event(ROLE) + event(ERROR)), {"error", "overloaded"}),
        "error_after_comments": (answers.stream(b": hi\n\n: ho\n\n" + event(ERROR)), {"error", "overloaded"}),
        "event_error": (answers.stream(b"event: error\ndata: {\"message\":\"x\"}\n\n"), {"error", "overloaded"}),
        "event_error_after_role": (answers.stream(event(ROLE) + b"event: error\ndata: {\"type\":\"error\",\"error\":"
                                                  b"{\"type\":\"overloaded_error\"}}\n\n"), {"error", "overloaded"}),
        "plain_json_error": (answers.plain(200, ERROR), {"error", "overloaded"}),
        "no_event": (answers.stream(b""), {"empty"}),
        "no_event_closed": (answers.raw(answers.head(200, {"content-type": "text/event-stream"}), "close"), {"empty", "broken"}),
        "only_done": (answers.stream(DONE), {"empty"}),
        "only_comments": (answers.stream(b": hi\n\n" * 5), {"empty"}),
        "only_role": (answers.stream(event(ROLE)), {"empty", "broken"}),
        "role_and_done": (answers.stream(event(ROLE) + DONE), {"empty"}),
        "only_usage": (answers.stream(event(answers.USAGE) + DONE), {"empty"}),
        "break_before_content": (answers.stream(event(ROLE), end=False, then="close"), {"broken", "empty"}),
        "reset_before_content": (answers.stream(event(ROLE), end=False, then="reset"), {"broken", "empty"}),
        "half_content_event": (answers.stream(event(ROLE) + event(CONTENT)[:40], end=False, then="close"), {"broken", "empty"}),
        "half_content_event_ended": (answers.stream(event(ROLE) + event(CONTENT)[:40]), {"broken", "empty"}),
        "head_then_nothing": (answers.stream(b"", end=False, then="hold"), {"timeout"}),
        "comments_for_ever": (answers.stream(pieces=[b": hi\n\n"] * 100, pause=0.05, end=False), {"timeout"}),
        "roles_for_ever": (answers.stream(pieces=[event(ROLE)] * 100, pause=0.05, end=False), {"timeout"}),
        "html": (answers.plain(200, b"<html></html>", content_type="text/html"), {"broken", "empty", "error"}),
        "garbage_event": (answers.stream(event("this is no json") + DONE), {"broken", "empty", "error"}),
        "bad_chunk_size": (answers.raw(answers.stream_head() + b"zz\r\n" + event(CONTENT) + b"\r\n", "close"), {"broken"}),
    })
    def test_falls_through_unseen(self, failure, outcomes):
        """Falls through unseen: error status or object, no event, only [DONE], comments or role, timeout, early break."""
        slot = self.slot(failure)
        answer = self.client.chat(slot.chain, stream=True)
        checks.fell_through(self, answer, slot, outcomes)
        self.assertEqual([p.encode() for p in answers.stream_payloads()], checks.whole_stream(self, answer))

    def test_all_failed_before_content_is_a_plain_error(self):
        """The status is still free: an error's status, not a broken stream."""
        slot = self.slot(answers.stream(event(ROLE)), answers.stream(DONE))
        answer = self.client.chat(slot.chain, stream=True)
        checks.own_error(self, answer, 502, "chain_exhausted")
        self.assertEqual(2, len(trail.outcomes(answer)))


class Ends(SlotCase):
    SLOTS = 12

    @rows({"ended": (True, "keep"), "closed": (False, "close")})
    def test_a_missing_done_is_added_after_a_finish_reason(self, end, then):
        """Finish_reason seen but no [DONE]: complete, [DONE] is added."""
        data = b"".join(event(p) for p in answers.stream_payloads("ab"))
        slot = self.slot(answers.stream(data, end=end, then=then))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([p.encode() for p in answers.stream_payloads("ab")], checks.whole_stream(self, answer))

    @rows({"closed": (False, "close"), "reset": (False, "reset"), "held": (False, "hold")})
    def test_after_done_nothing_matters(self, end, then):
        """[DONE] seen, then cut: complete; the client does not wait for the provider's end either."""
        slot = self.slot(answers.stream(answers.stream_bytes("ab"), end=end, then=then))
        answer = self.client.chat(slot.chain, stream=True, timeout=8)
        self.assertEqual([p.encode() for p in answers.stream_payloads("ab")], checks.whole_stream(self, answer))
        self.assertLess(answer.seconds, 4)

    def test_done_without_a_finish_reason_is_complete(self):
        """[DONE] after content is an end, and no finish_reason is made up."""
        slot = self.slot(answers.stream(event(CONTENT) + DONE))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([CONTENT.encode()], checks.whole_stream(self, answer))
        self.assertNotIn(b'"stop"', answer.body)

    def test_the_last_event_without_its_blank_line_before_done(self):
        """An end of stream in the middle of an event drops it; after a finish_reason the stream is still complete."""
        data = event(CONTENT) + event(STOP) + b"data: [DONE]"
        slot = self.slot(answers.stream(data))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([CONTENT.encode(), STOP.encode()], checks.whole_stream(self, answer))

    def test_comments_count_as_life_for_idle(self):
        """Comments count as life for `idle`."""
        pieces = [event(CONTENT), *[b": still here\n\n"] * 20, event(STOP) + DONE]
        slot = self.slot(answers.stream(pieces=pieces, pause=0.1))
        with self.subTest("idle of 1 s over 2 s of comments"):
            fleet = self.start_fleet({
                "version": 1, "providers": {"p": {"kind": "openai", "base_url": slot.a.base_url}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}], "timeouts": {**TIMEOUTS, "idle": "1s"}}}})
            answer = fleet.client.chat("c", stream=True)
            self.assertEqual([CONTENT.encode(), STOP.encode()], checks.whole_stream(self, answer))

    def test_streaming_does_not_hold_other_requests_up(self):
        """One worker carries many streams."""
        held = self.slot(answers.stream(event(CONTENT), end=False, then="hold"))
        quick = self.slot()
        streams = [self.client.open_chat(held.chain, stream=True) for _ in range(50)]
        try:
            for connection in streams:
                self.assertEqual(200, connection.head().status)
            started = time.monotonic()
            for _ in range(10):
                checks.served_by(self, self.client.chat(quick.chain), quick.names[0], 1)
            self.assertLess(time.monotonic() - started, 5)
        finally:
            for connection in streams:
                connection.close()


if __name__ == "__main__":
    unittest.main()
