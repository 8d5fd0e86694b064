"""Byte identity: what the client sent reaches the provider, and what the provider sent reaches the client."""
import gzip
import json
import os
import unittest

from support import answers, checks, sse
from support.case import ChainCase, SlotCase, rows
from support.poll import until

MODEL = b'"vendor/model-a"'


def splice(body, slot):
    """The body that the provider must get: the value of `model` replaced, nothing else."""
    return body.replace(b'"' + slot.chain.encode() + b'"', MODEL, 1)


class RequestBytes(SlotCase):
    SLOTS = 60

    @rows({
        "unknown_fields": b'{"model":$,"messages":[],"x_vendor":{"a":[1,2,{"b":null}]},"zzz":true}',
        "key_order": b'{"zeta":1,"messages":[{"content":"hi","role":"user"}],"alpha":2,"model":$,"beta":3}',
        "whitespace": b' \n\t{ "model"\t:\n $ ,\r\n "messages" : [ ] } \n',
        "escapes": b'{"messages":[{"role":"user","content":"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\ \\ud83d\\ude00 \\u0000"}],"model":$}',
        "lone_surrogate": b'{"messages":[{"role":"user","content":"\\ud800"}],"model":$}',
        "big_integers": b'{"model":$,"seed":123456789012345678901234567890,"n":-9007199254740993,"messages":[]}',
        "floats": b'{"model":$,"temperature":0.10000000000000000555,"top_p":1E-7,"x":-0.0,"y":1e400,"messages":[]}',
        "utf8": '{"model":$,"messages":[{"role":"user","content":"žluťoučký 日本語 😀 \u2028"}]}'.encode(),
        "nested_model": b'{"messages":[{"model":"x"}],"tools":[{"model":"y"}],"model":$,"z":{"model":$}}',
        "model_in_text": b'{"messages":[{"role":"user","content":"\\"model\\":\\"gpt\\""}],"model":$}',
        "duplicate_other_keys": b'{"model":$,"temperature":1,"temperature":0.5,"messages":[]}',
        "model_last": b'{"messages":[],"stream":false,"model":$}',
        "escaped_model_key": b'{"\\u006dodel":$,"messages":[]}',
        "key_like_model": b'{"Model":"a","model ":"b","models":"c","mode":"d","model":$,"messages":[]}',
        "deep": b'{"model":$,"messages":[],"x":' + b"[" * 900 + b"]" * 900 + b"}",
        "stream_null": b'{"model":$,"stream":null,"messages":[]}',
        "duplicate_keys_inside": b'{"model":$,"messages":[{"role":"user","role":"user","content":"a"}],"o":{"stream":1,"stream":2}}',
        "empty_key": b'{"":1,"model":$,"messages":[]}',
    })
    def test_a_request_arrives_identical_but_for_model(self, template):
        """Request bytes are identical but for the value of top-level `model`."""
        slot = self.slot()
        chain = b'"' + slot.chain.encode() + b'"'
        # Only the top-level one is replaced: where a nested one has the chain's name too, it stays.
        body = template.replace(b"$", chain)
        expected = template.replace(b"$", MODEL, 1).replace(b"$", chain)
        answer = self.client.post("/v1/chat/completions", body)
        checks.served_by(self, answer, slot.names[0], 1)
        self.assertEqual(expected, slot.a.last().body)
        self.assertEqual([str(len(expected))], slot.a.last().all("content-length"))

    @rows({
        "escaped_slash": b"slot\\u002d",
    })
    def test_an_escaped_model_value_is_understood(self, prefix):
        """Values are compared after JSON unescaping too."""
        slot = self.slot()
        body = b'{"model":"' + slot.chain.encode().replace(b"slot-", prefix) + b'","messages":[]}'
        answer = self.client.post("/v1/chat/completions", body)
        checks.served_by(self, answer, slot.names[0], 1)
        self.assertEqual(b'{"model":"vendor/model-a","messages":[]}', slot.a.last().body)

    @rows({
        "model": b'{"model":$,"model":$,"messages":[]}', "model_differs": b'{"model":$,"messages":[],"model":"x"}',
        "model_escaped": b'{"model":$,"messages":[],"mod\\u0065l":$}', "stream": b'{"model":$,"stream":true,"stream":true}',
        "stream_differs": b'{"model":$,"stream":false,"messages":[],"stream":true}',
        "stream_escaped": b'{"model":$,"stream":false,"\\u0073tream":true}',
    })
    def test_a_duplicate_model_or_stream_is_400(self, template):
        """A duplicate top-level `model` or `stream`: 400. Keys are compared after JSON unescaping."""
        slot = self.slot()
        answer = self.client.post("/v1/chat/completions", template.replace(b"$", b'"' + slot.chain.encode() + b'"'))
        checks.own_error(self, answer, 400)
        self.assertEqual(0, slot.a.calls)

    @rows({"string": b'"true"', "number": b"1", "object": b"{}"})
    def test_a_stream_that_is_no_boolean_is_400_or_passed_on(self, value):
        """The gateway never guesses: it refuses, or leaves the bytes for the provider to judge."""
        slot = self.slot()
        body = b'{"model":"%s","stream":%s,"messages":[]}' % (slot.chain.encode(), value)
        answer = self.client.post("/v1/chat/completions", body)
        if answer.status == 400:
            checks.own_error(self, answer, 400)
        else:
            self.assertEqual(splice(body, slot), slot.a.last().body)

    @rows({"64k": 64 * 1024, "1m": 1024 * 1024, "6m": 6 * 1024 * 1024})
    def test_a_large_body_arrives_identical(self, size):
        """Of any size that is taken."""
        slot = self.slot()
        text = os.urandom(size // 2).hex()
        body = json.dumps({"messages": [{"role": "user", "content": text}], "model": slot.chain, "end": 1}).encode()
        checks.served_by(self, self.client.post("/v1/chat/completions", body), slot.names[0], 1)
        self.assertEqual(splice(body, slot), slot.a.last().body)

    def test_each_target_gets_its_own_model(self):
        """Also after a failure, from the client's original bytes."""
        slot = self.slot(answers.error(500))
        body = b'{ "x":1e2, "model" : "%s" ,"messages":[]}' % slot.chain.encode()
        checks.fell_through(self, self.client.post("/v1/chat/completions", body), slot)
        self.assertEqual(b'{ "x":1e2, "model" : "vendor/model-a" ,"messages":[]}', slot.a.last().body)
        self.assertEqual(b'{ "x":1e2, "model" : "vendor/model-b" ,"messages":[]}', slot.b.last().body)

    @rows({
        "usage_true": b'{"model":$,"stream":true,"stream_options":{"include_usage":true},"messages":[]}',
        "usage_false": b'{"model":$,"stream_options":{"include_usage":false},"stream":true,"messages":[]}',
        "empty": b'{"model":$,"stream":true,"stream_options":{},"messages":[]}',
        "null": b'{"model":$,"stream":true,"stream_options":null,"messages":[]}',
        "other": b'{"model":$,"stream":true,"stream_options":{"include_obfuscation":false},"messages":[]}',
    })
    def test_the_clients_own_stream_options_stay(self, template):
        """With the client's own `stream_options`: identical."""
        slot = self.slot()
        body = template.replace(b"$", b'"' + slot.chain.encode() + b'"')
        checks.whole_stream(self, self.client.post("/v1/chat/completions", body))
        self.assertEqual(splice(body, slot), slot.a.last().body)

    def test_without_stream_options_at_most_include_usage_is_added(self):
        """The one permitted difference is an added stream_options.include_usage."""
        slot = self.slot()
        body = b'{"messages":[], "model":"%s", "stream" : true }' % slot.chain.encode()
        checks.whole_stream(self, self.client.post("/v1/chat/completions", body))
        got, expected = slot.a.last().body, splice(body, slot)
        if got != expected:
            inserted = json.loads(got)
            self.assertEqual({"include_usage": True}, inserted.pop("stream_options"))
            self.assertEqual(json.loads(expected), inserted)
            # Everything that the client wrote is still there, in its order.
            position = 0
            for byte in got:
                if position < len(expected) and byte == expected[position]:
                    position += 1
            self.assertEqual(len(expected), position)

    def test_stream_options_are_not_added_to_a_plain_request(self):
        """Only streams."""
        slot = self.slot()
        for body in (b'{"model":"%s","messages":[]}', b'{"model":"%s","messages":[],"stream":false}'):
            body = body % slot.chain.encode()
            checks.served_by(self, self.client.post("/v1/chat/completions", body), slot.names[0], 1)
            self.assertEqual(splice(body, slot), slot.a.last().body)


class UsageChunks(ChainCase):
    """For a kind that is known to take stream_options."""

    def fleet_of(self, answer):
        upstream = self.upstream(answer)
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"g": {"kind": "groq", "base_url": upstream.base_url, "credentials": [{"name": "k", "env": "KEY"}]}},
            "chains": {"c": {"targets": [{"provider": "g", "model": "openai/gpt-oss-120b"}]}}}, env={"KEY": "k"})
        return fleet, upstream

    def payloads(self):
        with_null = [json.dumps({**json.loads(p), "usage": None}, separators=(",", ":")) for p in answers.stream_payloads("ab")]
        return [*with_null, answers.USAGE]

    def test_the_usage_chunk_is_kept_from_a_client_that_did_not_ask(self):
        """The usage-only chunk is then kept from the client; every other byte stays, `"usage":null` too."""
        given = self.payloads()
        fleet, upstream = self.fleet_of(answers.stream(b"".join(map(answers.event, given)) + answers.DONE))
        body = b'{"model":"c", "stream":true,"messages":[{"role":"user","content":"hi"}]}'
        got = checks.whole_stream(self, fleet.client.post("/v1/chat/completions", body))
        asked = upstream.last().json().get("stream_options")
        self.assertEqual({"include_usage": True}, asked, "the catalogue knows that Groq takes it")
        self.assertEqual([p.encode() for p in given[:-1]], got)

    def test_the_usage_chunk_reaches_a_client_that_asked(self):
        """With the client's own stream_options nothing is taken away."""
        given = self.payloads()
        fleet, upstream = self.fleet_of(answers.stream(b"".join(map(answers.event, given)) + answers.DONE))
        body = b'{"model":"c","stream":true,"stream_options":{"include_usage":true},"messages":[]}'
        got = checks.whole_stream(self, fleet.client.post("/v1/chat/completions", body))
        self.assertEqual([p.encode() for p in given], got)
        self.assertEqual(body.replace(b'"c"', b'"openai/gpt-oss-120b"'), upstream.last().body)

    def test_usage_beside_a_choice_is_not_a_usage_only_chunk(self):
        """Only the chunk that carries nothing else is kept back."""
        both = json.dumps({**json.loads(answers.STOP), "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
        given = [answers.ROLE, answers.delta(content="a"), both]
        fleet, _ = self.fleet_of(answers.stream(b"".join(map(answers.event, given)) + answers.DONE))
        got = checks.whole_stream(self, fleet.client.chat("c", stream=True))
        self.assertEqual([p.encode() for p in given], got)


class AnswerBytes(SlotCase):
    SLOTS = 40
    BODY = b' { "choices":[{"message":{"content":"\\u0041 \xc3\xa9"},"index":0,"finish_reason":"stop"}],  "x":1.0e1 ,"id":"a"}\n\n'

    def chat(self, slot):
        return self.client.chat(slot.chain)

    @rows({
        "content_length": lambda body: answers.head(200, {"content-type": "application/json; charset=utf-8",
                                                          "content-length": len(body)}) + body,
        "chunked": lambda body: answers.head(200, {"content-type": "application/json; charset=utf-8",
                                                   "transfer-encoding": "chunked"})
        + b"".join(answers.chunk(body[i:i + 7]) for i in range(0, len(body), 7)) + answers.END,
        "chunk_extensions_and_trailers": lambda body: answers.head(200, {"content-type": "application/json; charset=utf-8",
                                                                         "transfer-encoding": "chunked"})
        + b"%X;a=b\r\n%s\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(body), body),
    })
    def test_a_plain_answer_keeps_its_bytes(self, frame):
        """Status, content-type and body bytes as the provider sent; framing may change."""
        slot = self.slot(answers.raw(frame(self.BODY)))
        for _ in range(2):
            answer = self.chat(slot)
            checks.served_by(self, answer, slot.names[0], 1)
            self.assertEqual(self.BODY, answer.body)
            self.assertEqual(["application/json; charset=utf-8"], answer.all("content-type"))
        self.assertEqual(1, slot.a.opened, "the connection is kept")

    def test_an_answer_that_ends_with_the_connection_is_whole(self):
        """Without content-length and chunks, the end of the connection is the end of the body."""
        slot = self.slot(answers.raw(answers.head(200, {"content-type": "application/json"}) + self.BODY, "close"))
        answer = self.chat(slot)
        self.assertEqual((200, self.BODY), (answer.status, answer.body))

    def test_an_answer_in_http_1_0_is_taken(self):
        """Old servers."""
        head = answers.head(200, {"content-type": "application/json"}).replace(b"HTTP/1.1", b"HTTP/1.0")
        slot = self.slot(answers.raw(head + self.BODY, "close"))
        self.assertEqual(self.BODY, self.chat(slot).body)

    def test_an_answer_byte_by_byte_is_the_same(self):
        """Any split of bytes."""
        text = answers.head(200, {"content-type": "application/json", "content-length": len(self.BODY)}) + self.BODY

        def drip(exchange):
            for i in range(len(text)):
                exchange.send(text[i:i + 1])
        slot = self.slot(drip)
        self.assertEqual(self.BODY, self.chat(slot).body)

    @rows({"100": [100], "103": [103], "102_and_103": [102, 103, 103]})
    def test_interim_answers_are_swallowed(self, statuses):
        """1xx are swallowed."""
        interim = b"".join(answers.head(s, {"link": "</x>; rel=preload"}) for s in statuses)
        slot = self.slot(answers.raw(interim + answers.head(200, {"content-type": "application/json",
                                                                  "content-length": len(self.BODY)}) + self.BODY))
        answer = self.chat(slot)
        self.assertEqual((200, self.BODY, []), (answer.status, answer.body, answer.interim))
        self.assertIsNone(answer.header("link"))

    def test_a_short_body_is_never_handed_on_as_complete(self):
        """A body shorter than its content-length is a failure of that target."""
        short = answers.head(200, {"content-type": "application/json", "content-length": len(self.BODY) + 1}) + self.BODY
        slot = self.slot(answers.raw(short, "close"), answers.completion("from b"))
        checks.fell_through(self, self.chat(slot), slot, "broken")

    def test_a_chunked_body_without_its_end_is_never_handed_on_as_complete(self):
        """Nor is one whose last chunk never came."""
        cut = answers.head(200, {"content-type": "application/json", "transfer-encoding": "chunked"}) + answers.chunk(self.BODY)
        slot = self.slot(answers.raw(cut, "close"), answers.completion("from b"))
        checks.fell_through(self, self.chat(slot), slot, "broken")

    def test_a_compressed_answer_can_be_read(self):
        """A provider that compresses unasked: the client gets the bytes with their coding, or the plain text."""
        packed = gzip.compress(self.BODY)
        slot = self.slot(answers.plain(200, packed, {"content-encoding": "gzip"}))
        answer = self.chat(slot)
        self.assertEqual(200, answer.status, repr(answer))
        if answer.header("content-encoding") == "gzip":
            self.assertEqual(packed, answer.body)
        else:
            self.assertIsNone(answer.header("content-encoding"))
            self.assertEqual(self.BODY, answer.body)

    @rows({"1m": 1 << 20, "8m": 8 << 20})
    def test_a_large_answer_keeps_its_bytes(self, size):
        """Of any size."""
        body = json.dumps(answers.completion_body(os.urandom(size // 2).hex())).encode()
        slot = self.slot(answers.plain(200, body))
        self.assertEqual(body, self.chat(slot).body)

    def test_a_non_200_success_keeps_its_status(self):
        """The provider's status."""
        slot = self.slot(answers.plain(203, self.BODY))
        answer = self.chat(slot)
        self.assertEqual((203, self.BODY), (answer.status, answer.body))

    def test_a_large_error_is_handed_back_whole(self):
        """Also an error body of some size."""
        body = json.dumps({"error": {"message": "x" * 300000, "type": "invalid_request_error"}}).encode()
        slot = self.slot(answers.plain(400, body))
        answer = self.chat(slot)
        self.assertEqual((400, len(body)), (answer.status, len(answer.body)))
        self.assertEqual(body, answer.body)


class HeadersUp(ChainCase):
    @classmethod
    def setUpClass(cls):
        from support.fleet import Fleet
        from support.raw_upstream import RawUpstream
        cls.keyed, cls.open, cls.pathed = (RawUpstream(answers.usual()) for _ in range(3))
        cls.fleet = Fleet({
            "version": 1,
            "providers": {
                "keyed": {"kind": "openai", "base_url": cls.keyed.base_url, "credentials": [{"name": "k", "env": "KEY"}],
                          "headers": {"x-team": "a", "X-Title": "our app"}},
                "open": {"kind": "openai", "base_url": cls.open.base_url},
                "pathed": {"kind": "openai", "base_url": f"http://{cls.pathed.host}:{cls.pathed.port}/api/v2/deep"}},
            "chains": {n: {"targets": [{"provider": n, "model": "m"}]} for n in ("keyed", "open", "pathed")}},
            env={"KEY": "sk-provider"})
        cls.fleet.start()

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()

    def all_fleets(self):
        return [self.fleet]

    def test_the_providers_key_is_sent(self):
        """`Authorization: Bearer` with the provider's key, not the client's."""
        answer = self.fleet.client.chat("keyed", headers={"Authorization": "Bearer client-key", "x-api-key": "client-key"})
        self.assertEqual(200, answer.status)
        request = self.keyed.last()
        self.assertEqual(["Bearer sk-provider"], request.all("authorization"))
        self.assertNotIn(b"client-key", request.head)

    def test_without_credentials_no_authorization_is_sent(self):
        """`kind: openai` without credentials sends no Authorization, whatever the client sent."""
        self.assertEqual(200, self.fleet.client.chat("open", headers={"Authorization": "Bearer client-key"}).status)
        self.assertEqual([], self.open.last().all("authorization"))
        self.assertNotIn(b"client-key", self.open.last().head)

    def test_the_call_goes_to_base_url_plus_chat_completions(self):
        """Keeping base_url's path."""
        self.assertEqual(200, self.fleet.client.chat("pathed").status)
        request = self.pathed.last()
        self.assertEqual(("POST", "/api/v2/deep/chat/completions", "HTTP/1.1"), (request.method, request.path, request.version))
        self.assertEqual([f"{self.pathed.host}:{self.pathed.port}"], request.all("host"))
        self.assertEqual("application/json", request.header("content-type"))

    def test_the_clients_query_does_not_reach_the_provider(self):
        """The call goes to base_url + /chat/completions, nothing behind it."""
        body = {"model": "open", "messages": []}
        self.assertEqual(200, self.fleet.client.post("/v1/chat/completions?key=secret", body).status)
        self.assertEqual("/v1/chat/completions", self.open.last().path)

    def test_configured_headers_are_sent_with_every_call(self):
        """`headers` of a provider."""
        self.fleet.client.chat("keyed", headers={"x-team": "the client's"})
        self.assertEqual(["a"], self.keyed.last().all("x-team"))
        self.assertEqual(["our app"], self.keyed.last().all("x-title"))

    def test_the_clients_private_and_hop_by_hop_headers_stay_here(self):
        """Authorization, Host, Cookie, hop-by-hop and x-429chain-* headers do not reach the provider."""
        given = {"Authorization": "Bearer leak", "Cookie": "session=leak", "Connection": "keep-alive, X-Nominated",
                 "X-Nominated": "leak", "Keep-Alive": "timeout=leak", "Proxy-Authorization": "Basic leak",
                 "Proxy-Connection": "leak", "TE": "trailers, leak", "Trailer": "X-Leak", "X-429chain-Anything": "leak",
                 "x-429CHAIN-target": "leak", "X-Api-Key": "leak", "Upgrade": "leak/1"}
        self.assertEqual(200, self.fleet.client.chat("open", headers=given).status)
        request = self.open.last()
        self.assertNotIn(b"leak", request.head.lower(), request.head)
        for name in ("cookie", "x-nominated", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade"):
            self.assertEqual([], request.all(name), name)
        self.assertFalse([n for n, _ in request.headers if n.lower().startswith("x-429chain")])

    def test_the_providers_private_and_hop_by_hop_headers_stay_there(self):
        """Hop-by-hop and Set-Cookie of the provider do not reach the client."""
        given = {"Set-Cookie": "a=leak", "Connection": "X-Nominated", "X-Nominated": "leak", "Keep-Alive": "timeout=leak",
                 "Proxy-Authenticate": "leak", "Upgrade": "leak/1", "X-429chain-Target": "leak", "X-Fine": "shown"}
        for stream in (False, True):
            with self.subTest(stream=stream):
                self.open.script(answers.stream(headers=given) if stream else answers.completion("x", given))
                answer = self.fleet.client.chat("open", stream=stream)
                self.assertEqual(200, answer.status)
                self.assertNotIn("leak", str(answer.headers))
                self.assertEqual([], answer.all("set-cookie"))
                self.assertEqual(["open/m"], answer.all("x-429chain-target"))

    def test_there_is_one_of_each_framing_header(self):
        """Exactly one framing, up and down."""
        for stream in (False, True):
            answer = self.fleet.client.chat("open", stream=stream)
            request = self.open.last()
            self.assertEqual(1, len(request.all("content-length") + request.all("transfer-encoding")))
            self.assertEqual(1, len(request.all("host")))
            self.assertEqual(1, len(answer.all("content-length") + answer.all("transfer-encoding")))
            self.assertEqual(1, len(answer.all("content-type")))

    def test_an_event_streams_request_asks_for_what_it_can_read(self):
        """A coding that the gateway couldn't read is not asked for on the client's behalf."""
        self.fleet.client.chat("open", headers={"Accept-Encoding": "br, zstd, gzip"})
        accepted = (self.open.last().header("accept-encoding") or "identity").replace(" ", "").split(",")
        self.assertNotIn("br", accepted)
        self.assertNotIn("zstd", accepted)


class ManyAtOnce(SlotCase):
    SLOTS = 4

    def test_answers_do_not_mix(self):
        """Under concurrency each client gets the answer to its own request."""
        import threading

        def echo(exchange):
            words = exchange.request.json()["messages"][0]["content"]
            (answers.stream(answers.stream_bytes(words)) if exchange.request.json().get("stream") else
             answers.completion(words))(exchange)
        slot = self.slot(echo)
        wrong = []

        def client(number):
            for turn in range(20):
                words = f"client-{number}-turn-{turn}"
                answer = self.client.chat(slot.chain, messages=[{"role": "user", "content": words}], stream=bool(turn % 2))
                if turn % 2:
                    text = "".join(json.loads(p)["choices"][0]["delta"].get("content", "")
                                   for p in sse.payloads(answer.body) if p != b"[DONE]")
                else:
                    text = answer.content
                if text != words:
                    wrong.append((words, text))
        threads = [threading.Thread(target=client, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        until(lambda: not any(t.is_alive() for t in threads), 60, "all clients done", every=0.05)
        self.assertEqual([], wrong)


if __name__ == "__main__":
    unittest.main()
