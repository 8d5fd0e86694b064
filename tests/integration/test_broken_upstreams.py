"""Providers that break HTTP or answer what nobody asked: the next target, or a clean error; memory stays bounded."""
import gzip
import json
import threading
import unittest
import zlib

from support import answers, checks
from support.answers import END, chunk, head, raw
from support.case import SlotCase, TIMEOUTS, rows

BODY = json.dumps(answers.completion_body("poison")).encode()
TYPE = {"content-type": "application/json"}
WHOLE = {**TYPE, "content-length": len(BODY)}


def line(first, headers=None):
    """A head with any first line."""
    rest = head(200, headers or WHOLE).split(b"\r\n", 1)[1]
    return first + b"\r\n" + rest


def endless(piece, first=b"HTTP/1.1 200 OK\r\n"):
    def answer(exchange):
        exchange.send(first)
        for _ in range(40000):
            if not exchange.send(piece):
                return
        exchange.close()
    return answer


# What can't be read: never an answer.
UNREADABLE = {
    "no_version": raw(line(b"200 OK") + BODY, "close"),
    "other_protocol": raw(line(b"ICY 200 OK") + BODY, "close"),
    "http_2": raw(line(b"HTTP/2.0 200 OK") + BODY, "close"),
    "status_letters": raw(line(b"HTTP/1.1 abc OK") + BODY, "close"),
    "status_two_digits": raw(line(b"HTTP/1.1 20 OK") + BODY, "close"),
    "status_1000": raw(line(b"HTTP/1.1 1000 OK") + BODY, "close"),
    "version_0_9": raw(line(b"HTTP/0.9 200 OK") + BODY, "close"),
    "two_status_lines": raw(b"HTTP/1.1 200 OK\r\n" + line(b"HTTP/1.1 200 OK") + BODY, "close"),
    "bare_lf": raw(b"HTTP/1.1 200 OK\ncontent-length: %d\n\n" % len(BODY) + BODY, "close"),
    "folded_field": raw(b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY, "close"),
    "empty_field_name": raw(b"HTTP/1.1 200 OK\r\n: b\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY, "close"),
    "nul_in_status_line": raw(line(b"HTTP/1.1 200 O\x00K") + BODY, "close"),
    "nothing": answers.close,
    "reset_at_once": answers.reset,
    "cut_in_body": raw(head(200, WHOLE) + BODY[:20], "close"),
    "reset_in_body": raw(head(200, WHOLE) + BODY[:20], "reset"),
    "cut_in_chunk_size": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + b"1", "close"),
    "cl_plus": raw(head(200, {**TYPE, "content-length": f"+{len(BODY)}"}) + BODY, "close"),
    "cl_hex": raw(head(200, {**TYPE, "content-length": hex(len(BODY))}) + BODY, "close"),
    "cl_list": raw(head(200, {**TYPE, "content-length": f"{len(BODY)}, {len(BODY) + 1}"}) + BODY, "close"),
    "te_twice": raw(head(200, {**TYPE, "transfer-encoding": "chunked, chunked"}) + chunk(BODY) + END, "close"),
    "chunk_without_end_of_line": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + chunk(BODY)[:-2] + END, "close"),
    "chunk_bare_lf": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + chunk(BODY).replace(b"\r\n", b"\n") + END, "close"),
    "no_content_with_a_body": raw(head(204, WHOLE) + BODY, "close"),
    "no_content": raw(head(204)),
    "empty_body": raw(head(200, {**TYPE, "content-length": 0})),
    "gzip_with_more_behind": answers.plain(200, gzip.compress(BODY) + b"x", {"content-encoding": "gzip"}),
    "gzip_bomb": answers.plain(200, gzip.compress(b" " * (40 << 20)), {"content-encoding": "gzip"}),
    "status_four_digits": raw(line(b"HTTP/1.1 2000 OK") + BODY, "close"),
    "status_zero": raw(line(b"HTTP/1.1 000 OK") + BODY, "close"),
    "status_999": raw(line(b"HTTP/1.1 999 OK") + BODY, "close"),
    "status_negative": raw(line(b"HTTP/1.1 -200 OK") + BODY, "close"),
    "status_missing": raw(line(b"HTTP/1.1") + BODY, "close"),
    "cut_in_status_line": raw(b"HTTP/1.1 20", "close"),
    "cut_in_head": raw(b"HTTP/1.1 200 OK\r\ncontent-type: appl", "close"),
    "cut_after_head": raw(head(200, WHOLE), "close"),
    "reset_after_head": raw(head(200, WHOLE), "reset"),
    "cl_and_te": raw(head(200, {**WHOLE, "transfer-encoding": "chunked"}) + chunk(BODY) + END, "close"),
    "differing_cl": raw(head(200, [("content-length", len(BODY)), ("content-length", len(BODY) + 1)]) + BODY + b"x", "close"),
    "cl_letters": raw(head(200, {**TYPE, "content-length": "abc"}) + BODY, "close"),
    "cl_negative": raw(head(200, {**TYPE, "content-length": "-5"}) + BODY, "close"),
    "cl_huge": raw(head(200, {**TYPE, "content-length": "9" * 30}) + BODY, "close"),
    "te_unknown": raw(head(200, {**TYPE, "transfer-encoding": "br"}) + BODY, "close"),
    "space_before_colon": raw(b"HTTP/1.1 200 OK\r\ncontent-length : %d\r\n\r\n" % len(BODY) + BODY, "close"),
    "header_without_colon": raw(b"HTTP/1.1 200 OK\r\nfoo\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY, "close"),
    "nul_in_header": raw(b"HTTP/1.1 200 OK\r\nx-a: b\x00c\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY, "close"),
    "injected_cr": raw(b"HTTP/1.1 200 OK\r\nx-request-note: a\rset-cookie: b=poison\r\ncontent-length: %d\r\n\r\n" % len(BODY)
                       + BODY, "close"),
    "chunk_size_letters": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + b"xyz\r\n" + BODY + b"\r\n" + END, "close"),
    "chunk_size_huge": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + b"ffffffffffffffffff\r\n" + BODY, "close"),
    "chunk_size_negative": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + b"-1\r\n" + BODY, "close"),
    "chunk_too_long": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + b"5\r\n" + BODY + b"\r\n" + END, "close"),
    "chunk_cut": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + chunk(BODY)[:-20], "close"),
    "no_last_chunk": raw(head(200, {**TYPE, "transfer-encoding": "chunked"}) + chunk(BODY), "reset"),
    "bad_gzip": answers.plain(200, b"\x1f\x8b\x08\x00garbage, not gzip", {"content-encoding": "gzip"}),
    "cut_gzip": answers.plain(200, gzip.compress(BODY)[:-12], {"content-encoding": "gzip"}),
    "unknown_coding": answers.plain(200, b"\x01\x02\x03", {"content-encoding": "snappy"}),
    "upgrade": raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n" + BODY, "close"),
    "interim_without_end": raw(head(103) * 150 + head(200, WHOLE) + BODY, "close"),
    "interim_cut": raw(head(100), "close"),
    "interim_for_ever": endless(head(103) * 10, b""),
    "endless_head_one_line": endless(b"x" * 4096),
    "endless_head_many_lines": endless(b"x-filler: yes it is\r\n" * 100),
    "endless_status_line": endless(b"O" * 4096, b"HTTP/1.1 200 "),
    "endless_trailers": endless(b"x-filler: yes it is\r\n" * 100,
                                head(200, {**TYPE, "transfer-encoding": "chunked"}) + chunk(BODY) + b"0\r\n"),
    "only_empty_lines": endless(b"\r\n" * 2000, b""),
    "other_language": raw(b"220 smtp.example.org ESMTP\r\n", "close"),
    "tls_alert": raw(b"\x15\x03\x03\x00\x02\x02\x46", "close"),
}


class Unreadable(SlotCase):
    SLOTS = 3 * len(UNREADABLE)
    CHAIN = {"timeouts": {**TIMEOUTS, "first_token": "3s", "total": "10s"}}

    @rows({name: (answer,) for name, answer in UNREADABLE.items()})
    def test_goes_to_the_next_target(self, broken):
        """Broken upstream answers: the next target, nothing of them seen, memory bounded."""
        slot = self.slot(broken, answers.usual("from b"))
        before = self.fleet.proxy.program.rss_kib()
        answer = self.client.chat(slot.chain)
        checks.fell_through(self, answer, slot)
        self.assertNotIn(b"poison", answer.body)
        self.assertNotIn("poison", str(answer.headers))
        # A gzip bomb may grow to the size of the largest answer, and twice that while it grows.
        self.assertLess(self.fleet.proxy.program.rss_kib() - before, 96 * 1024)

    @rows({name: (answer,) for name, answer in UNREADABLE.items()})
    def test_goes_to_the_next_target_for_a_stream_too(self, broken):
        """Whatever was asked for; and the proxy answers afterwards."""
        slot = self.slot(broken, answers.usual("from b"))
        answer = self.client.chat(slot.chain, stream=True)
        checks.fell_through(self, answer, slot)
        self.assertEqual(answers.stream_payloads("from b"), [p.decode() for p in checks.whole_stream(self, answer)])
        slot.a.answer = answers.usual("from a")
        checks.served_by(self, self.client.chat(slot.chain), slot.names[0], attempts=1)

    @rows({name: (answer,) for name, answer in UNREADABLE.items()})
    def test_is_a_clean_error_where_none_is_left(self, broken):
        """Or a clean error: 502 in our shape (or 504, should it take too long)."""
        slot = self.slot(broken, answers.close)
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, (502, 504), "chain_exhausted")
        self.assertNotIn(b"poison", answer.body)
        self.assertTrue(self.fleet.proxy.program.running)


def deflated(data, window_bits, pieces=1):
    """Compressed in pieces, each of which can be read as soon as it is there."""
    packer = zlib.compressobj(6, zlib.DEFLATED, window_bits)
    size = -(-len(data) // pieces)
    parts = [packer.compress(data[at:at + size]) + packer.flush(zlib.Z_SYNC_FLUSH) for at in range(0, len(data), size)]
    return [*parts[:-1], parts[-1] + packer.flush()]


class CompressedStreams(SlotCase):
    """Streams are asked for without compression; a provider that compresses nevertheless is read."""
    SLOTS = 24
    CODINGS = {"gzip": ("gzip", 31), "x_gzip": ("X-GZip", 31), "deflate": ("deflate", 15), "raw_deflate": ("deflate", -15)}

    @rows(CODINGS)
    def test_are_passed_on_as_text(self, coding, window_bits):
        """Whole, event by event, without the field that says how they came."""
        text = "a longer text, " * 50
        slot = self.slot(answers.stream(pieces=deflated(answers.stream_bytes(text), window_bits, 60),
                                        headers={"content-encoding": coding}))
        for _ in range(2):
            answer = self.client.chat(slot.chain, stream=True)
            checks.served_by(self, answer, slot.names[0], attempts=1)
            self.assertIsNone(answer.header("content-encoding"))
            self.assertEqual(answers.stream_payloads(text), [p.decode() for p in checks.whole_stream(self, answer)])
        self.assertEqual(1, slot.a.opened, "the connection is used again")

    def test_events_go_out_as_they_come(self):
        """The first content reaches the client while the provider still has the rest."""
        parts = deflated(answers.stream_bytes("ab"), 31, 4)
        more = threading.Event()

        def paced(exchange):
            exchange.send(answers.stream_head({"content-encoding": "gzip"}) + b"".join(map(chunk, parts[:-1])))
            more.wait(20)
            exchange.send(chunk(parts[-1]) + END)
        slot = self.slot(paced)
        self.addCleanup(more.set)
        with self.client.open_chat(slot.chain, stream=True) as connection:
            answer = connection.head()
            for _ in connection.pieces(answer):
                if b'"content":"a"' in answer.body:
                    more.set()
        self.assertTrue(more.is_set())
        self.assertEqual(answers.stream_payloads("ab"), [p.decode() for p in checks.whole_stream(self, answer)])

    @rows({"cut": (lambda packed: packed[:-30], "broken"), "garbage": (lambda packed: b"this is no gzip at all", "broken"),
           "damaged": (lambda packed: packed[:12] + b"\xff\xff" + packed[14:], "broken"), "nothing": (lambda packed: b"", ("broken", "empty")),
           "more_behind": (lambda packed: packed + b"x", None)})
    def test_broken_ones_are_breaks(self, spoil, outcome):
        """Before the first content: the next target. After it: an error event, or whole where [DONE] was read."""
        packed = b"".join(deflated(answers.stream_bytes("x"), 31))
        slot = self.slot(answers.stream(spoil(packed), headers={"content-encoding": "gzip"}, then="close"), answers.usual("b"))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual(200, answer.status)
        self.assertTrue(answer.complete)
        if answer.header("x-429chain-target") == slot.names[1]:
            checks.fell_through(self, answer, slot, outcome)
            checks.whole_stream(self, answer)
        elif b"[DONE]" in answer.body:
            checks.whole_stream(self, answer)
        else:
            checks.broken_stream(self, answer)

    def test_a_bomb_stays_small(self):
        """Comments without end, a thousand to one: read in small steps, nothing kept."""
        bomb = b"".join(deflated(b": nothing\n\n" * (4 << 20), 31))
        slot = self.slot(answers.stream(bomb, headers={"content-encoding": "gzip"}), answers.usual("b"))
        before = self.fleet.proxy.program.rss_kib()
        checks.fell_through(self, self.client.chat(slot.chain, stream=True), slot, ("empty", "broken"))
        self.assertLess(self.fleet.proxy.program.rss_kib() - before, 16 * 1024)

    def test_an_endless_event_is_a_break(self):
        """8 MiB is the most that one event may be, compressed or not."""
        bomb = b"".join(deflated(b"data: " + b"x" * (64 << 20), 31))
        slot = self.slot(answers.stream(bomb, headers={"content-encoding": "gzip"}), answers.usual("b"))
        checks.fell_through(self, self.client.chat(slot.chain, stream=True), slot, "broken")

    def test_an_unknown_coding_is_a_failure(self):
        """What cannot be read is not passed on."""
        slot = self.slot(answers.stream(b"\x01\x02", headers={"content-encoding": "br"}), answers.usual("b"))
        checks.fell_through(self, self.client.chat(slot.chain, stream=True), slot, "broken")


class Redirects(SlotCase):
    SLOTS = 8

    @rows({"301": 301, "302": 302, "303": 303, "307": 307, "308": 308, "304": 304, "300": 300})
    def test_redirects_are_failures_never_followed(self, status):
        """Provider redirects are failures, never followed."""
        canary = self.upstream(answers.completion("poison"))
        body = b"" if status == 304 else b"{}"
        fields = {"location": canary.base_url + "/chat/completions"}
        slot = self.slot(raw(head(status, {**fields, **({} if status == 304 else {"content-length": 2})}) + body))
        checks.fell_through(self, self.client.chat(slot.chain), slot)
        self.assertEqual(0, canary.calls)
        # With no other target it is our error, and leads nobody anywhere.
        slot.b.answer = answers.close
        answer = self.client.chat(slot.chain)
        self.assertIn(answer.status, (502, 429, 504))
        self.assertIsNone(answer.header("location"))


class SecondAnswers(SlotCase):
    SLOTS = 8

    def poisoned(self, slot):
        for _ in range(6):
            answer = self.client.chat(slot.chain)
            self.assertEqual(200, answer.status)
            self.assertNotIn(b"poison", answer.body)
            streamed = self.client.chat(slot.chain, stream=True)
            self.assertNotIn(b"poison", streamed.body)

    @rows({"whole": head(200, WHOLE) + BODY, "error": head(500, {"content-length": 0}), "half": head(200, WHOLE) + BODY[:10],
           "garbage": b"\r\n\r\ngarbage"})
    def test_a_second_unasked_answer_is_never_given_to_anybody(self, second):
        """A second, unasked answer on a reused connection is never given to anybody."""
        fine = json.dumps(answers.completion_body("fine")).encode()

        def twice(exchange):
            if exchange.request.json().get("stream"):
                exchange.send(answers.stream_head() + chunk(answers.stream_bytes("fine")) + END + second)
            else:
                exchange.send(head(200, {**TYPE, "content-length": len(fine)}) + fine + second)
        self.poisoned(self.slot(twice))

    def test_nor_one_that_comes_while_the_connection_is_idle(self):
        """Also when it comes later."""
        fine = json.dumps(answers.completion_body("fine")).encode()

        def late(exchange):
            if exchange.request.json().get("stream"):
                answers.stream(answers.stream_bytes("fine"))(exchange)
            else:
                exchange.send(head(200, {**TYPE, "content-length": len(fine)}) + fine)
            if not exchange.wait_gone(0.05):
                exchange.send(head(200, WHOLE) + BODY)
        slot = self.slot(late)
        for _ in range(4):
            self.poisoned(slot)

    def test_a_body_longer_than_its_length_poisons_nothing(self):
        """What follows the declared length is not part of anything."""
        fine = json.dumps(answers.completion_body("fine")).encode()
        slot = self.slot(raw(head(200, {**TYPE, "content-length": len(fine)}) + fine + b"poison"))
        for _ in range(4):
            answer = self.client.chat(slot.chain)
            self.assertEqual(fine, answer.body)


class Injection(SlotCase):
    SLOTS = 4

    def test_what_a_provider_says_cannot_become_a_header(self):
        """No header injection through messages, ids or models in our headers."""
        nasty = "x\r\nset-cookie: a=poison\r\n\r\n<html>"
        slot = self.slot(answers.error(500, nasty, nasty, nasty), answers.error(429, nasty, headers={"retry-after": "5"}))
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual([], answer.all("set-cookie"))
        self.assertNotIn("poison", str(answer.headers))

    def test_what_a_client_says_cannot_become_a_header(self):
        """Nor through the model's name or the request id."""
        for model in ("a\r\nset-cookie: b=poison", "p/a\r\nset-cookie: b=poison"):
            answer = self.client.chat(model)
            self.assertEqual([], answer.all("set-cookie"))
            self.assertIn(answer.status, (400, 404))


if __name__ == "__main__":
    unittest.main()
