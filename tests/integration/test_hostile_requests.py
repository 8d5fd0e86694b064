"""Requests that are not quite HTTP: refused, closed, and nothing of them reaches a provider. On both planes' HTTP ports."""
import json
import socket
import ssl
import unittest

from support import answers, checks
from support.case import SlotCase, rows
from support.poll import until
from support.raw_client import Client, Connection, ProtocolError

GOOD_BODY = b'{"model":"slot-0","messages":[]}'
N = len(GOOD_BODY)
HOST = b"Host: 127.0.0.1\r\n"
TYPE = b"Content-Type: application/json\r\n"


def post(*lines, body=GOOD_BODY, first=b"POST /v1/chat/completions HTTP/1.1\r\n", host=HOST):
    return first + host + TYPE + b"".join(lines) + b"\r\n" + body


def smuggled(path=b"/v1/chat/completions"):
    inner = b'{"model":"slot-0","messages":[],"x":"smuggled"}'
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner


CHUNKED = b"1f\r\n" + GOOD_BODY[:31] + b"\r\n%x\r\n" % (N - 31) + GOOD_BODY[31:] + b"\r\n0\r\n\r\n"
REFUSED = (400, 501)

# Each: the bytes, and the statuses that may come before the connection is closed.
FRAMING = {
    "cl_and_te": (post(b"Content-Length: %d\r\n" % N, b"Transfer-Encoding: chunked\r\n", body=CHUNKED + smuggled()), REFUSED),
    "te_and_cl": (post(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n", body=CHUNKED + smuggled()), REFUSED),
    "differing_cl": (post(b"Content-Length: %d\r\n" % N, b"Content-Length: %d\r\n" % (N + 1)), REFUSED),
    "differing_cl_list": (post(b"Content-Length: %d, %d\r\n" % (N, N + 1)), REFUSED),
    "cl_plus": (post(b"Content-Length: +%d\r\n" % N), REFUSED),
    "cl_minus": (post(b"Content-Length: -1\r\n"), REFUSED),
    "cl_hex": (post(b"Content-Length: 0x%x\r\n" % N), REFUSED),
    "cl_letters": (post(b"Content-Length: %dabc\r\n" % N), REFUSED),
    "cl_empty": (post(b"Content-Length: \r\n"), REFUSED),
    "cl_spaces": (post(b"Content-Length: 3 2\r\n"), REFUSED),
    "cl_huge": (post(b"Content-Length: 99999999999999999999999999\r\n"), (400, 413, 501)),
    "cl_point": (post(b"Content-Length: %d.0\r\n" % N), REFUSED),
    "te_unknown": (post(b"Transfer-Encoding: gzip\r\n"), REFUSED),
    "te_gzip_chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", body=CHUNKED), REFUSED),
    "te_chunked_twice": (post(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n", body=CHUNKED), REFUSED),
    "te_chunked_identity": (post(b"Transfer-Encoding: chunked, identity\r\n", body=CHUNKED), REFUSED),
    "te_obscured": (post(b"Transfer-Encoding: xchunked\r\n", body=CHUNKED), REFUSED),
    "te_vertical_tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", body=CHUNKED), REFUSED),
    "te_quoted": (post(b"Transfer-Encoding: \"chunked\"\r\n", body=CHUNKED), REFUSED),
    "te_in_http_1_0": (post(b"Transfer-Encoding: chunked\r\n", body=CHUNKED,
                            first=b"POST /v1/chat/completions HTTP/1.0\r\n"), REFUSED),
    "obs_fold": (post(b"X-A: 1\r\n folded\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "obs_fold_tab": (post(b"X-A: 1\r\n\tfolded\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "obs_fold_te": (post(b"Transfer-Encoding:\r\n chunked\r\n", body=CHUNKED), REFUSED),
    "first_line_fold": (b"POST /v1/chat/completions HTTP/1.1\r\n " + HOST + b"Content-Length: %d\r\n\r\n" % N + GOOD_BODY, REFUSED),
    "bare_lf_after_request_line": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat/completions HTTP/1.1\n"), REFUSED),
    "bare_lf_in_headers": (post(b"X-A: 1\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "bare_lf_everywhere": (post(b"Content-Length: %d\r\n" % N).replace(b"\r\n", b"\n"), REFUSED),
    "bare_lf_ends_head": (post(b"Content-Length: %d\r\n" % N).replace(b"\r\n\r\n", b"\r\n\n"), REFUSED),
    "bare_cr_in_value": (post(b"X-A: 1\rX-B: 2\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "space_before_colon": (post(b"Content-Length : %d\r\n" % N), REFUSED),
    "space_before_colon_te": (post(b"Transfer-Encoding : chunked\r\n", body=CHUNKED), REFUSED),
    "tab_before_colon": (post(b"X-A\t: 1\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "space_in_name": (post(b"X A: 1\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "empty_name": (post(b": 1\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "no_colon": (post(b"X-A\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "nul_in_value": (post(b"X-A: a\x00b\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "nul_in_name": (post(b"X-\x00A: b\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "nul_in_uri": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat\x00/completions HTTP/1.1\r\n"), REFUSED),
    "control_in_value": (post(b"X-A: a\x01b\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "high_byte_in_name": (post(b"X-\xe9: b\r\n", b"Content-Length: %d\r\n" % N), REFUSED),
    "chunk_size_letters": (post(b"Transfer-Encoding: chunked\r\n", body=b"zz\r\nabc\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_minus": (post(b"Transfer-Encoding: chunked\r\n", body=b"-1\r\nabc\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_0x": (post(b"Transfer-Encoding: chunked\r\n", body=b"0x20\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_huge": (post(b"Transfer-Encoding: chunked\r\n", body=b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), (400, 413, 501)),
    "chunk_size_wraps": (post(b"Transfer-Encoding: chunked\r\n", body=b"10000000000000020\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400, 413, 501)),
    "chunk_size_empty": (post(b"Transfer-Encoding: chunked\r\n", body=b"\r\nabc\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_space": (post(b"Transfer-Encoding: chunked\r\n", body=b" 20\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), REFUSED),
    "chunk_too_long": (post(b"Transfer-Encoding: chunked\r\n", body=b"3\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), REFUSED),
    "chunk_bare_lf": (post(b"Transfer-Encoding: chunked\r\n", body=b"%x\n" % N + GOOD_BODY + b"\n0\n\n"), REFUSED),
    "chunk_end_bare_lf": (post(b"Transfer-Encoding: chunked\r\n", body=b"%x\r\n" % N + GOOD_BODY + b"\n0\r\n\r\n"), REFUSED),
    "chunk_extension_lf": (post(b"Transfer-Encoding: chunked\r\n", body=b"%x;a\nb\r\n" % N + GOOD_BODY + b"\r\n0\r\n\r\n"), REFUSED),
    "trailer_bare_lf": (post(b"Transfer-Encoding: chunked\r\n", body=b"%x\r\n" % N + GOOD_BODY + b"\r\n0\r\nX: y\n\r\n"), REFUSED),
    "no_version": (b"POST /v1/chat/completions\r\n" + HOST + b"\r\n", REFUSED),
    "http_0_9": (b"GET /health\r\n", REFUSED),
    "version_2_0": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat/completions HTTP/2.0\r\n"), (400, 501, 505)),
    "version_1_2": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat/completions HTTP/1.2\r\n"), (400, 501, 505)),
    "version_1_11": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat/completions HTTP/1.11\r\n"), (400, 501, 505)),
    "version_lower_case": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat/completions http/1.1\r\n"), (400, 501, 505)),
    "two_spaces": (post(b"Content-Length: %d\r\n" % N, first=b"POST  /v1/chat/completions HTTP/1.1\r\n"), REFUSED),
    "space_in_uri": (post(b"Content-Length: %d\r\n" % N, first=b"POST /v1/chat completions HTTP/1.1\r\n"), REFUSED),
    "tab_separator": (post(b"Content-Length: %d\r\n" % N, first=b"POST\t/v1/chat/completions\tHTTP/1.1\r\n"), REFUSED),
    "missing_host": (post(b"Content-Length: %d\r\n" % N, host=b""), REFUSED),
    "doubled_host": (post(b"Content-Length: %d\r\n" % N, host=HOST + b"Host: other\r\n"), REFUSED),
    "doubled_equal_host": (post(b"Content-Length: %d\r\n" % N, host=HOST + HOST), REFUSED),
    "host_with_path": (post(b"Content-Length: %d\r\n" % N, host=b"Host: a/b\r\n"), REFUSED),
    "garbage": (b"\x16\x2e\x00\x99\xff\xfe" * 50 + b"\r\n\r\n", REFUSED),
    "only_empty_lines": (b"\r\n" * 3000, (400, 408, 431, 501)),
}

CL = b"Content-Length: %d\r\n" % N
TE = b"Transfer-Encoding: chunked\r\n"
TOO_LARGE = (400, 413, 431, 501)

# The same again from other sides: what proxies have been fooled with.
SMUGGLING = {
    "te_empty": (post(b"Transfer-Encoding: \r\n", CL), REFUSED),
    "te_identity": (post(b"Transfer-Encoding: identity\r\n", CL), REFUSED),
    "te_comma": (post(b"Transfer-Encoding: chunked,\r\n", body=CHUNKED), REFUSED),
    "te_with_parameter": (post(b"Transfer-Encoding: chunked;q=1\r\n", body=CHUNKED), REFUSED),
    "te_trailing_junk": (post(b"Transfer-Encoding: chunked x\r\n", body=CHUNKED), REFUSED),
    "te_then_identity_field": (post(TE, b"Transfer-Encoding: identity\r\n", body=CHUNKED), REFUSED),
    "te_obs_text": (post(b"Transfer-Encoding: chunked\xa0\r\n", body=CHUNKED), REFUSED),
    "te_nul": (post(b"Transfer-Encoding: chunked\x00\r\n", body=CHUNKED), REFUSED),
    "te_name_underscore_and_cl": (post(b"Transfer_Encoding: chunked\r\n", b"Content-Length: x\r\n", body=CHUNKED), REFUSED),
    "cl_zero_and_te": (post(b"Content-Length: 0\r\n", TE, body=CHUNKED), REFUSED),
    "cl_and_te_get": (b"GET /health HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + TE + b"\r\n0\r\n\r\n", REFUSED),
    "cl_underscore": (post(b"Content-Length: 3_2\r\n"), REFUSED),
    "cl_exponent": (post(b"Content-Length: 3e1\r\n"), REFUSED),
    "cl_other_digits": (post("Content-Length: \u0663\u0662\r\n".encode()), REFUSED),
    "cl_quoted": (post(b'Content-Length: "%d"\r\n' % N), REFUSED),
    "cl_semicolon": (post(b"Content-Length: %d;\r\n" % N), REFUSED),
    "cl_2_to_64": (post(b"Content-Length: 18446744073709551616\r\n"), TOO_LARGE),
    "cl_2_to_63": (post(b"Content-Length: 9223372036854775808\r\n"), TOO_LARGE),
    "cl_three": (post(CL, CL, b"Content-Length: 1\r\n"), REFUSED),
    "cl_fold": (post(b"Content-Length:\r\n %d\r\n" % N), REFUSED),
    "chunk_size_plus": (post(TE, body=b"+5\r\nabcde\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_underscore": (post(TE, body=b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_tab": (post(TE, body=b"\t5\r\nabcde\r\n0\r\n\r\n"), REFUSED),
    "chunk_size_32_digits": (post(TE, body=b"0" * 31 + b"5\r\nabcde\r\n0\r\n\r\n"), (200, 400, 501)),
    "chunk_size_2_to_64": (post(TE, body=b"10000000000000000\r\nabc\r\n0\r\n\r\n"), TOO_LARGE),
    "chunk_size_just_too_much": (post(TE, body=b"7fffffffffffffff\r\nabc\r\n"), TOO_LARGE),
    "chunk_size_cr_only": (post(TE, body=b"5\rabcde\r\n0\r\n\r\n"), REFUSED),
    "chunk_extension_nul": (post(TE, body=b"5;a=\x00\r\nabcde\r\n0\r\n\r\n"), REFUSED),
    "chunk_extension_cr": (post(TE, body=b"5;a\rb\r\nabcde\r\n0\r\n\r\n"), REFUSED),
    "chunk_extension_endless": (post(TE, body=b"5;" + b"a" * 300000), TOO_LARGE),
    "chunk_no_end": (post(TE, body=b"5\r\nabcde0\r\n\r\n"), REFUSED),
    "chunk_negative_zero": (post(TE, body=b"-0\r\n\r\n"), REFUSED),
    "last_chunk_bare_lf": (post(TE, body=b"%x\r\n" % N + GOOD_BODY + b"\r\n0\n\r\n"), REFUSED),
    "trailer_fold": (post(TE, body=b"%x\r\n" % N + GOOD_BODY + b"\r\n0\r\nX: y\r\n z\r\n\r\n"), REFUSED),
    "trailer_nul": (post(TE, body=b"%x\r\n" % N + GOOD_BODY + b"\r\n0\r\nX: \x00\r\n\r\n"), REFUSED),
    "trailers_endless": (post(TE, body=b"%x\r\n" % N + GOOD_BODY + b"\r\n0\r\n" + b"X: y\r\n" * 40000), TOO_LARGE),
    "lf_cr": (post(CL).replace(b"\r\n", b"\n\r"), REFUSED),
    "cr_cr_lf": (post(b"X-A: 1\r\r\n", CL), REFUSED),
    "leading_space": (b" " + post(CL), REFUSED),
    "trailing_space_after_version": (post(CL, first=b"POST /v1/chat/completions HTTP/1.1 \r\n"), REFUSED),
    "first_field_is_folded": (b"POST /v1/chat/completions HTTP/1.1\r\n X: y\r\n" + HOST + CL + b"\r\n" + GOOD_BODY, REFUSED),
    "del_in_value": (post(b"X-A: a\x7fb\r\n", CL), REFUSED),
    "escape_in_value": (post(b"X-A: \x1b[2J\r\n", CL), REFUSED),
    "quote_in_name": (post(b'X"A: b\r\n', CL), REFUSED),
    "at_in_name": (post(b"X@A: b\r\n", CL), REFUSED),
    "nul_after_version": (post(CL, first=b"POST /v1/chat/completions HTTP/1.1\x00\r\n"), (400, 501, 505)),
    "version_missing_slash": (post(CL, first=b"POST /v1/chat/completions HTTP1.1\r\n"), (400, 501, 505)),
    "version_short": (post(CL, first=b"POST /v1/chat/completions HTTP/1\r\n"), (400, 501, 505)),
    "version_3": (post(CL, first=b"POST /v1/chat/completions HTTP/3.0\r\n"), (400, 501, 505)),
    "version_0_9_named": (post(CL, first=b"POST /v1/chat/completions HTTP/0.9\r\n"), (400, 501, 505)),
    "version_plus": (post(CL, first=b"POST /v1/chat/completions HTTP/+1.1\r\n"), (400, 501, 505)),
    "control_in_uri": (post(CL, first=b"POST /v1/\x01chat HTTP/1.1\r\n"), REFUSED),
    "host_empty_twice": (post(CL, host=b"Host:\r\nHost:\r\n"), REFUSED),
    "host_with_user": (post(CL, host=b"Host: a@b\r\n"), REFUSED),
    "host_with_space": (post(CL, host=b"Host: a b\r\n"), REFUSED),
    "host_comma": (post(CL, host=b"Host: a, b\r\n"), REFUSED),
    "host_bad_port": (post(CL, host=b"Host: a:b\r\n"), REFUSED),
    "expect_other": (post(b"Expect: the-best\r\n", CL), (400, 417)),
    "expect_two": (post(b"Expect: 100-continue, x\r\n", CL), (400, 417)),
}

METHODS = {
    "trace_nowhere": (b"TRACE /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "trace_health": (b"TRACE /health HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "connect_path": (b"CONNECT /v1/chat/completions HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    "propfind": (b"PROPFIND /v1/models HTTP/1.1\r\n" + HOST + b"\r\n", (405, 501)),
    "absolute_https": (b"GET https://example.org/health HTTP/1.1\r\nHost: example.org\r\n\r\n", (400, 403, 404, 421)),
    "authority_form_get": (b"GET example.org:80 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
    "no_leading_slash": (b"GET health HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
    "method_with_colon": (b"GET: /health HTTP/1.1\r\n" + HOST + b"\r\n", (400, 501)),
    "trace": (b"TRACE /v1/chat/completions HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    "connect": (b"CONNECT 10.0.0.1:443 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    "absolute_other": (b"GET http://example.org/health HTTP/1.1\r\nHost: example.org\r\n\r\n", (400, 403, 404, 421)),
    "absolute_other_host_header_ours": (b"POST http://example.org/v1/chat/completions HTTP/1.1\r\n" + HOST
                                        + b"Content-Length: %d\r\n\r\n" % N + GOOD_BODY, (400, 403, 404, 421)),
    "unknown_method": (b"BREW /v1/chat/completions HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    "lower_case_method": (b"post /v1/chat/completions HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % N + GOOD_BODY,
                          (400, 405, 501)),
    "long_method": (b"A" * 5000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 414, 431, 501)),
    "asterisk": (b"POST * HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", (400, 404, 405, 501)),
}

SIZES = {
    "long_header": (post(b"X-A: " + b"a" * 70000 + b"\r\n", b"Content-Length: %d\r\n" % N), (431,)),
    "long_name": (post(b"X" * 70000 + b": a\r\n", b"Content-Length: %d\r\n" % N), (431, 400)),
    "many_bytes": (post(*[b"X-%d: %s\r\n" % (i, b"a" * 900) for i in range(100)]), (431,)),
    "many_fields": (post(*[b"X-%d: a\r\n" % i for i in range(140)]), (431,)),
    "many_equal_fields": (post(*[b"X-A: a\r\n"] * 140), (431,)),
    "long_uri": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    "long_query": (b"GET /health?" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    "endless_uri": (b"GET /" + b"a" * 200000, (414, 431)),
}


class Hostile(SlotCase):
    SLOTS = 12

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.free_slots.pop(0)

    def refuse(self, address, data, statuses, close=True):
        """Sends it; returns the status, None where the connection was closed without an answer."""
        answer = None
        with Connection(address, timeout=10) as connection:
            try:
                connection.send(data)
            except OSError:
                pass
            try:
                answer = connection.answer("GET")
            except ConnectionError:
                pass
            except ProtocolError as error:
                self.assertIn("connection ended after b''", str(error))
            if answer is not None:
                self.assertIn(answer.status, statuses, repr(answer))
                if close:
                    self.assertTrue(connection.closed_by_peer(), "not closed, or something followed the answer")
        return answer

    def after(self):
        """Nothing came through, and everybody else is served."""
        self.assertEqual([], self.slots[0].a.requests)
        self.assertEqual([], self.slots[0].b.requests)
        self.assertTrue(self.fleet.proxy.program.running)
        self.assertTrue(self.fleet.control.program.running)
        self.assertEqual(200, self.client.get("/health").status)

    @rows({**FRAMING, **SMUGGLING})
    def test_ambiguous_framing_is_refused_and_closed(self, data, statuses):
        """Ambiguous framing: 400 (or 501) and closed, nothing of it reaches a provider."""
        answer = self.refuse(self.client.address, data, statuses)
        if answer is not None and answer.body:
            checks.own_error(self, answer, statuses)
        self.after()

    @rows(METHODS)
    def test_strange_methods_and_targets_are_refused(self, data, statuses):
        """TRACE, CONNECT: 405/501; unknown methods, absolute-form URIs to other hosts are refused."""
        self.refuse(self.client.address, data, statuses, close=False)
        self.after()

    @rows(SIZES)
    def test_too_large_heads_are_refused(self, data, statuses):
        """Head at most 64 KiB and 128 fields (431), URI at most 8 KiB (414)."""
        self.refuse(self.client.address, data, statuses)
        self.after()

    @rows({**FRAMING, **SMUGGLING, **METHODS, **SIZES})
    def test_the_control_plane_refuses_it_too(self, data, statuses):
        """All of it also on 4293."""
        data = data.replace(b"POST /v1/chat/completions ", b"POST /api/v1/status ")
        self.refuse(self.fleet.control.http, data, (*statuses, 404, 405, 413), close=False)
        self.after()
        self.assertIsNotNone(Client(self.fleet.control.http).get("/metrics").status)

    def test_the_129th_field_is_one_too_many(self):
        """128 fields are taken, 129 are 431; nearly 8 KiB of a URI are taken, 9 KiB are 414. On both ports."""
        for address, path in ((self.client.address, b"/health"), (self.fleet.control.http, b"/live")):
            for count, status in ((128, 200), (129, 431)):
                fields = HOST + b"".join(b"X-%d: a\r\n" % i for i in range(count - 1))
                with Connection(address) as connection:
                    connection.send(b"GET " + path + b" HTTP/1.1\r\n" + fields + b"\r\n")
                    self.assertEqual(status, connection.answer("GET").status, (address, count))
            for size, status in ((8000, 200), (9 * 1024, 414)):
                with Connection(address) as connection:
                    connection.send(b"GET " + path + b"?" + b"a" * size + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                    self.assertEqual(status, connection.answer("GET").status, (address, size))

    def test_garbage_behind_a_good_request_spoils_only_itself(self):
        """The good one is answered; what follows on its connection is refused, and it is closed."""
        for address, path in ((self.client.address, b"/health"), (self.fleet.control.http, b"/live")):
            good = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"
            for garbage in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
                with self.subTest(address, garbage=garbage), Connection(address) as connection:
                    connection.send(good + garbage + good)
                    self.assertEqual(200, connection.answer("GET").status)
                    self.assertIn(connection.answer("GET").status, (400, 501, 505))
                    self.assertTrue(connection.closed_by_peer(), "what came after it was read")

    def test_an_upgrade_is_never_agreed_to(self):
        """Neither h2c nor WebSocket: the request is answered as HTTP/1.1, or refused."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        for upgrade in (b"h2c", b"websocket", b"TLS/1.0"):
            with self.client.connect() as connection:
                connection.send(post(b"Connection: Upgrade, HTTP2-Settings\r\n", b"Upgrade: " + upgrade + b"\r\n",
                                     b"HTTP2-Settings: AAMAAABk\r\n", b"Content-Length: %d\r\n" % len(body), body=body))
                checks.served_by(self, connection.answer(), slot.names[0], 1)
            for name in ("upgrade", "http2-settings"):
                self.assertEqual([], slot.a.last().all(name))

    def test_extensions_and_trailers_of_chunks_are_dropped(self):
        """They are HTTP's, not the provider's."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        with self.client.connect() as connection:
            connection.send(post(TE, body=b"%x;name=value;x=\"y\"\r\n" % len(body) + body + b"\r\n0;last\r\nX-Trailer: a\r\n\r\n"))
            checks.served_by(self, connection.answer(), slot.names[0], 1)
        self.assertEqual(len(body), len(slot.a.last().body) + len(slot.chain) - len(slot.names[0].split("/", 1)[1]))
        self.assertEqual([], slot.a.last().all("x-trailer"))

    def test_what_is_just_within_the_limits_is_taken(self):
        """A head of nearly 64 KiB, 100 fields, a URI of nearly 8 KiB are fine."""
        slot = self.slot()
        for headers in ({"X-Long": "a" * 60000}, {f"X-{i}": "a" * 10 for i in range(100)}):
            checks.served_by(self, self.client.chat(slot.chain, headers=headers), slot.names[0], 1)
        answer = self.client.post("/v1/chat/completions?" + "a" * 7900, {"model": slot.chain, "messages": []})
        checks.served_by(self, answer, slot.names[0], 1)

    def test_equal_content_lengths_are_one_or_refused(self):
        """RFC 9110 lets a server take a repeated equal length as one, or refuse it."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        with self.client.connect() as connection:
            connection.send(post(b"Content-Length: %d\r\n" % len(body) * 2, body=body))
            self.assertIn(connection.answer().status, (200, 400))
        if slot.a.calls:
            self.assertEqual(1, len(slot.a.last().all("content-length")))

    def test_http_1_0_is_answered_and_closed(self):
        """HTTP/1.0 is answered and closed, without a Host too."""
        slot = self.slot()
        body = json.dumps({"model": slot.chain, "messages": []}).encode()
        for host in (b"", HOST):
            with self.client.connect() as connection:
                connection.send(b"POST /v1/chat/completions HTTP/1.0\r\n" + host + TYPE + b"Content-Length: %d\r\n\r\n" % len(body)
                                + body)
                answer = connection.answer()
                checks.served_by(self, answer, slot.names[0], 1)
                self.assertEqual([], answer.all("transfer-encoding"))
                self.assertTrue(connection.closed_by_peer())

    def test_absolute_form_to_ourselves_may_be_taken(self):
        """Only absolute-form URIs to *other* hosts must be refused."""
        with self.client.connect() as connection:
            connection.send(f"GET http://{connection.address}/health HTTP/1.1\r\nHost: {connection.address}\r\n\r\n".encode())
            self.assertIn(connection.answer("GET").status, (200, 400, 421))

    @rows({
        "http2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "tls_hello_bytes": b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + bytes(range(200)) + b"\n" * 60,
        "ssh": b"SSH-2.0-OpenSSH_9.2\r\n", "socks5": b"\x05\x01\x00", "smtp": b"EHLO example.org\r\n",
        "proxy_protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        "redis": b"*1\r\n$4\r\nPING\r\n",
    })
    def test_other_protocols_are_refused_or_closed(self, data):
        """HTTP/2 preface or TLS hello on the plain port: 400/505 or closed."""
        for address in (self.client.address, self.fleet.control.http):
            with Connection(address, timeout=20) as connection:
                connection.send(data)
                connection.finish()
                try:
                    answer = connection.answer("GET")
                    self.assertIn(answer.status, (400, 405, 408, 501, 505), repr(answer))
                except (ProtocolError, ConnectionError) as error:
                    self.assertNotIn("HTTP/1.1 2", str(error))
                self.assertTrue(connection.closed_by_peer())
        self.after()

    def test_a_real_tls_client_is_told_off_quickly(self):
        """A TLS client on the plain port is not left hanging."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host, port = self.client.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
                context.wrap_socket(sock)
        self.after()

    def test_nothing_of_a_refused_request_is_read_as_the_next(self):
        """What follows an ambiguous request on its connection is never served."""
        slot = self.slot()
        inner = json.dumps({"model": slot.chain, "messages": []}).encode()
        hidden = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
        for first in (post(b"Content-Length: %d\r\n" % N, b"Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"),
                      post(b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", body=b"12345"),
                      post(b"Transfer-Encoding: chunked\r\n", body=b"x\r\n\r\n"),
                      post(b"X-A : 1\r\n", b"Content-Length: 0\r\n", body=b"")):
            self.refuse(self.client.address, first + hidden, REFUSED)
        self.assertEqual(0, slot.a.calls)

    def test_a_slow_head_is_ended(self):
        """Head not complete in 15 s: 408 or closed; meanwhile others are served."""
        slot = self.slot()
        with Connection(self.client.address, timeout=25) as connection, Connection(self.fleet.control.http, timeout=25) as other:
            for victim in (connection, other):
                victim.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)

            def drip(victim):
                try:
                    victim.send(b"a")
                    victim.settimeout(0.05)
                    return not victim.more() or bool(victim.buffer)
                except (TimeoutError, socket.timeout):
                    return False
                except OSError:
                    return True
            for victim in (connection, other):
                until(lambda victim=victim: drip(victim), 20, "the slow head to be ended", every=0.2)
                if victim.buffer:
                    self.assertTrue(victim.buffer.startswith(b"HTTP/1.1 408"), victim.buffer[:80])
        self.after()

    def test_many_idle_connections_do_not_keep_others_out(self):
        """Never another client disturbed."""
        idle = [Connection(self.client.address) for _ in range(400)]
        half = [Connection(self.client.address).send(b"POST /v1/chat") for _ in range(100)]
        try:
            slot = self.slot()
            for _ in range(5):
                checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)
        finally:
            for connection in idle + half:
                connection.close()

    def test_a_client_that_ends_in_the_middle_disturbs_nobody(self):
        """At any byte of a request."""
        whole = post(b"Content-Length: %d\r\n" % N)
        for cut in range(0, len(whole) - 1, 7):
            with Connection(self.client.address) as connection:
                connection.send(whole[:cut])
                connection.reset() if cut % 2 else connection.close()
        self.after()


class Bodies(SlotCase):
    SLOTS = 6

    @rows({
        "arrays_1100": b"[" * 1100 + b"]" * 1100, "objects_1100": b'{"a":' * 1100 + b"1" + b"}" * 1100,
        "arrays_million": b"[" * 1000000 + b"]" * 1000000, "unclosed_million": b"[" * 1000000,
    })
    def test_nesting_beyond_1024_is_400(self, deep):
        """Nesting beyond 1,024: 400."""
        slot = self.slot()
        checks.own_error(self, self.client.post("/v1/chat/completions", b'{"model":"%s","x":%s}' % (slot.chain.encode(), deep)), 400)
        self.assertEqual(0, slot.a.calls)
        self.free_slots.insert(0, slot)

    def test_nesting_within_1024_is_taken(self):
        """Up to 1,024 it is fine."""
        slot = self.slot()
        deep = b"[" * 1000 + b"]" * 1000
        answer = self.client.post("/v1/chat/completions", b'{"model":"%s","x":%s}' % (slot.chain.encode(), deep))
        checks.served_by(self, answer, slot.names[0], 1)

    @rows({
        "lone_continuation": b"\x80", "overlong": b"\xc0\xaf", "overlong_nul": b"\xc0\x80", "surrogate": b"\xed\xa0\x80",
        "beyond_unicode": b"\xf4\x90\x80\x80", "cut": b"\xe2\x82", "latin1": b"caf\xe9", "ff": b"\xff",
    })
    def test_invalid_utf8_is_400(self, bad):
        """Invalid UTF-8 in a body: 400, wherever it stands."""
        slot = self.slot()
        for template in (b'{"model":"%s","messages":[{"role":"user","content":"%s"}]}', b'{"model":"%s","%s":1}'):
            checks.own_error(self, self.client.post("/v1/chat/completions", template % (slot.chain.encode(), bad)), 400)
        self.assertEqual(0, slot.a.calls)
        self.free_slots.insert(0, slot)

    def test_a_byte_order_mark_is_refused_or_taken_but_never_crashes(self):
        """UTF-8 with a BOM; UTF-16 is no UTF-8."""
        slot = self.slot()
        body = '{"model":"%s","messages":[]}' % slot.chain
        self.assertIn(self.client.post("/v1/chat/completions", b"\xef\xbb\xbf" + body.encode()).status, (200, 400))
        checks.own_error(self, self.client.post("/v1/chat/completions", body.encode("utf-16")), 400)


class HostileAdmin(SlotCase):
    SLOTS = 1

    def test_the_admin_port_survives_it_too(self):
        """Never a crash, on the admin port either."""
        for name, (data, _) in {**FRAMING, **SMUGGLING, **METHODS, **SIZES}.items():
            with self.subTest(name), Connection(self.fleet.proxy.admin, timeout=5) as connection:
                try:
                    connection.send(data)
                    connection.finish()
                    while connection.more():
                        pass
                except (OSError, TimeoutError):
                    pass
        self.assertEqual(200, self.fleet.proxy.ready())


if __name__ == "__main__":
    unittest.main()
