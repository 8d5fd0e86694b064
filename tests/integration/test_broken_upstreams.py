"""Providers that break HTTP or answer what nobody asked: the next target, or a clean error; memory stays bounded."""
import gzip
import json
import unittest

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
    SLOTS = 2 * len(UNREADABLE) + 8
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
        self.assertLess(self.fleet.proxy.program.rss_kib() - before, 48 * 1024)

    @rows({name: (answer,) for name, answer in UNREADABLE.items()})
    def test_is_a_clean_error_where_none_is_left(self, broken):
        """Or a clean error: 502 in our shape (or 504, should it take too long)."""
        slot = self.slot(broken, answers.close)
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, (502, 504), "chain_exhausted")
        self.assertNotIn(b"poison", answer.body)
        self.assertTrue(self.fleet.proxy.program.running)


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
