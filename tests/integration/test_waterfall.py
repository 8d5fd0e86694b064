"""The walk over a chain: what goes on to the next target, what is handed back, and what the headers say of it."""
import json
import unittest

from support import answers, checks, trail
from support.case import SlotCase, ChainCase, TIMEOUTS, rows
from support.raw_upstream import RefusedPort, SilentPort

ERROR = {"error": {"message": "it broke", "type": "server_error", "param": None, "code": None}}


class GoesOn(SlotCase):
    SLOTS = 40

    @rows({
        "408": (408, None), "409": (409, None), "425": (425, None), "429": (429, {"rate_limited"}),
        "500": (500, {"error", "overloaded"}), "501": (501, {"error", "overloaded"}), "502": (502, {"error", "overloaded"}),
        "503": (503, {"error", "overloaded"}), "504": (504, {"error", "overloaded", "timeout"}),
        "520": (520, {"error", "overloaded"}), "529": (529, {"overloaded", "error"}), "599": (599, {"error", "overloaded"}),
        "401": (401, {"auth"}), "402": (402, {"auth", "quota_exhausted"}), "403": (403, {"auth"}),
    })
    def test_a_failing_status_goes_on_to_the_next_target(self, status, outcomes):
        """408, 409, 425, 429, 5xx and 401, 402, 403 go on to the next target."""
        slot = self.slot(answers.plain(status, ERROR), answers.completion("from b"))
        answer = self.client.chat(slot.chain)
        checks.fell_through(self, answer, slot, outcomes, status)
        self.assertEqual("from b", answer.content)
        self.assertEqual(1, slot.a.calls)

    @rows({
        "close": (answers.close, {"broken", "connect", "empty"}),
        "reset": (answers.reset, {"broken", "connect", "empty"}),
        "garbage": (answers.raw(b"\x00\xff\x01 this is no HTTP at all\r\n\r\n", "close"), {"broken"}),
        "html_page": (answers.plain(200, b"<html>welcome to the hotel wifi</html>", content_type="text/html"),
                      {"broken", "error", "empty"}),
        "not_json": (answers.plain(200, b"{\"choices\": [", content_type="application/json"), {"broken", "error", "empty"}),
        "empty_200": (answers.plain(200, b""), {"empty", "broken", "error"}),
        "error_in_200": (answers.plain(200, ERROR), {"error", "overloaded"}),
    })
    def test_a_failure_without_an_error_status_goes_on(self, failure, outcomes):
        """Close, garbage, and a 200 whose JSON is {"error":…} without choices go on to the next target."""
        slot = self.slot(failure, answers.completion("from b"))
        answer = self.client.chat(slot.chain)
        checks.fell_through(self, answer, slot, outcomes)

    def test_a_200_with_error_null_and_choices_is_an_answer(self):
        """Only an error *without* choices is a failure."""
        body = json.dumps({**json.loads('{"error":null}'), **answers.completion_body("fine")}).encode()
        slot = self.slot(answers.plain(200, body))
        answer = self.client.chat(slot.chain)
        checks.served_by(self, answer, slot.names[0], 1)
        self.assertEqual(body, answer.body)

    @rows({"401": 401, "402": 402, "403": 403})
    def test_a_refused_credential_is_not_called_again(self, status):
        """After 401, 402, 403 that credential is not called again until it changes or is re-tested."""
        slot = self.slot(answers.plain(status, ERROR), answers.completion("from b"))
        checks.fell_through(self, self.client.chat(slot.chain), slot)
        for _ in range(3):
            answer = self.client.chat(slot.chain)
            checks.served_by(self, answer, slot.names[1], attempts=1)
            target, outcome = trail.outcomes(answer)[0]
            self.assertEqual(slot.names[0], target)
            self.assertTrue(outcome.startswith("skipped_"), outcome)
        self.assertEqual(1, slot.a.calls)

    @rows({
        "openai": {"error": {"message": "The model `x` does not exist or you do not have access to it.",
                             "type": "invalid_request_error", "param": None, "code": "model_not_found"}},
        "ollama": {"error": {"message": "model 'x' not found, try pulling it first", "type": "api_error", "param": None,
                             "code": None}},
        "vllm": {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "param": None,
                 "code": 404},
    })
    def test_no_such_model_here_goes_on_and_marks_the_target(self, body):
        """A 404 that means "no such model here" goes on and marks the target."""
        slot = self.slot(answers.plain(404, body), answers.completion("from b"))
        checks.fell_through(self, self.client.chat(slot.chain), slot, "model_unavailable", 404)
        answer = self.client.chat(slot.chain)
        checks.served_by(self, answer, slot.names[1], attempts=1)
        self.assertEqual(1, slot.a.calls)

    def test_another_model_of_that_account_is_still_called(self):
        """"No such model" marks the target, not the account."""
        missing = {"error": {"message": "The model `x` does not exist", "type": "invalid_request_error", "param": None,
                             "code": "model_not_found"}}
        slot = self.slot(answers.plain(404, missing), answers.completion("from b"))
        checks.fell_through(self, self.client.chat(slot.chain), slot)
        slot.a.answer = answers.completion("other model")
        provider = slot.names[0].split("/")[0]
        answer = self.client.chat(f"{provider}/something-else")
        checks.served_by(self, answer, f"{provider}/something-else", 1)


class HandedBack(SlotCase):
    SLOTS = 12

    @rows({
        "400": (400, b'{ "error" : {"message":"bad temperature","type":"invalid_request_error","param":"temperature","code":null}}\n'),
        "400_flat": (400, b'{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}'),
        "404_other": (404, b'{"detail":"Not Found"}'),
        "422": (422, b'{"detail":[{"loc":["body","tools"],"msg":"extra fields not permitted"}]}'),
        "400_empty": (400, b""),
        "400_text": (400, b"Bad Request: \xc3\xa9\n"),
    })
    def test_the_clients_own_mistake_is_handed_back(self, status, body):
        """400, other 404, 422 are handed back with the provider's status and body bytes."""
        kind = "text/plain" if status == 400 and not body.startswith(b"{") else "application/json"
        slot = self.slot(answers.plain(status, body, content_type=kind))
        answer = self.client.chat(slot.chain)
        self.assertEqual(status, answer.status)
        self.assertEqual(body, answer.body)
        if body:
            self.assertEqual(kind, answer.header("content-type"))
        self.assertEqual(slot.names[0], answer.header("x-429chain-target"))
        self.assertEqual("1", answer.header("x-429chain-attempts"))
        self.assertEqual(0, slot.b.calls)

    def test_it_is_handed_back_for_a_stream_too(self):
        """A stream's request that the provider calls bad gets the plain error."""
        body = b'{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}'
        slot = self.slot(answers.plain(400, body))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual((400, body), (answer.status, answer.body))
        self.assertEqual(0, slot.b.calls)

    def test_a_mistake_after_a_failure_is_handed_back_from_where_it_came(self):
        """The second target's 400 is the answer, with the whole trail."""
        body = b'{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}'
        slot = self.slot(answers.plain(500, ERROR), answers.plain(400, body))
        answer = self.client.chat(slot.chain)
        self.assertEqual((400, body), (answer.status, answer.body))
        self.assertEqual(slot.names[1], answer.header("x-429chain-target"))
        self.assertEqual("2", answer.header("x-429chain-attempts"))
        self.assertEqual(slot.names, [target for target, _ in trail.outcomes(answer)])

    def test_a_bad_request_closes_nothing(self):
        """After a handed-back 400 the target is called as before."""
        slot = self.slot(answers.plain(400, ERROR))
        self.client.chat(slot.chain)
        slot.a.answer = answers.completion("fine")
        checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)


class TooLong(SlotCase):
    SLOTS = 8
    BODY = {"error": {"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 10001 "
                      "tokens.", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}

    @classmethod
    def configure(cls, config):
        for number in range(cls.SLOTS):
            grows = number % 2 == 0
            config["providers"][f"p{number}a"]["models"] = {"vendor/model-a": {"context": 8192 if grows else 131072}}
            config["providers"][f"p{number}b"]["models"] = {"vendor/model-b": {"context": 131072 if grows else 8192}}

    def take(self, grows, *given):
        while (int(self.free_slots[0].chain.split("-")[1]) % 2 == 0) != grows:
            self.free_slots.pop(0)
        return self.slot(*given)

    @rows({"400": 400, "413": 413})
    def test_a_prompt_too_long_goes_on_where_more_is_taken(self, status):
        """413 and context-too-long go on if a later target takes more."""
        slot = self.take(True, answers.plain(status, self.BODY), answers.completion("from b"))
        checks.fell_through(self, self.client.chat(slot.chain), slot)
        slot.a.answer = answers.completion("short prompts still fit")
        checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)

    @rows({"400": 400, "413": 413})
    def test_a_prompt_too_long_is_handed_back_where_none_takes_more(self, status):
        """Else 413 and context-too-long are handed back with the provider's status and body bytes."""
        slot = self.take(False, answers.plain(status, self.BODY), answers.completion("from b"))
        answer = self.client.chat(slot.chain)
        self.assertEqual((status, json.dumps(self.BODY).encode()), (answer.status, answer.body))
        self.assertEqual(0, slot.b.calls)


class Headers(SlotCase):
    SLOTS = 10

    def test_every_answer_through_a_chain_says_how_it_went(self):
        """X-429chain-chain/-target/-attempts/-trail on every answer that went through a chain."""
        slot = self.slot()
        answer = self.client.chat(slot.chain)
        for name in checks.CHAIN_HEADERS:
            self.assertEqual(1, len(answer.all(name)), f"{name} on {answer!r}")
        self.assertEqual(slot.chain, answer.header("x-429chain-chain"))
        items = trail.parse(answer.header("x-429chain-trail"))
        self.assertEqual([(slot.names[0], "ok")], [(i["target"], i["outcome"]) for i in items])
        self.assertIsNotNone(items[0]["ms"])

    def test_a_stream_says_it_too(self):
        """Also on a stream."""
        slot = self.slot(answers.error(503), answers.usual())
        answer = self.client.chat(slot.chain, stream=True)
        checks.fell_through(self, answer, slot)

    def test_an_exhausted_chain_says_it_too(self):
        """Also on the answer of a chain whose targets all failed, in the order of the walk."""
        slot = self.slot(answers.error(500), answers.rate_limited({"retry-after": "7"}))
        answer = self.client.chat(slot.chain)
        self.assertEqual(429, answer.status)
        self.assertEqual(slot.chain, answer.header("x-429chain-chain"))
        self.assertEqual("2", answer.header("x-429chain-attempts"))
        items = trail.parse(answer.header("x-429chain-trail"))
        self.assertEqual(slot.names, [item["target"] for item in items])
        self.assertEqual(["500", "429"], [item["status"] for item in items])
        self.assertEqual("rate_limited", items[1]["outcome"])
        self.assertIn(items[1]["retry"], ("6", "7"))

    def test_attempts_counts_real_calls_only(self):
        """-attempts counts real upstream calls; a skipped target is in the trail alone."""
        slot = self.slot(answers.rate_limited({"retry-after": "30"}))
        self.assertEqual("2", self.client.chat(slot.chain).header("x-429chain-attempts"))
        answer = self.client.chat(slot.chain)
        checks.served_by(self, answer, slot.names[1], attempts=1)
        items = trail.parse(answer.header("x-429chain-trail"))
        self.assertEqual(["skipped_cooldown", "ok"], [item["outcome"] for item in items])
        self.assertTrue(1 <= float(items[0]["retry"]) <= 30, items)

    def test_nothing_called_is_zero_attempts(self):
        """All skipped: 0 attempts, still 429 with Retry-After."""
        slot = self.slot(answers.rate_limited({"retry-after": "30"}), answers.rate_limited({"retry-after": "20"}))
        self.client.chat(slot.chain)
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual("0", answer.header("x-429chain-attempts"))
        self.assertTrue(1 <= int(answer.header("retry-after")) <= 20, repr(answer))
        self.assertEqual((1, 1), (slot.a.calls, slot.b.calls))

    def test_the_request_id_is_unique_and_a_valid_one_is_kept(self):
        """X-request-id on every answer, unique (a valid one from the client is kept)."""
        slot = self.slot()
        seen = {self.client.chat(slot.chain).header("x-request-id") for _ in range(5)}
        self.assertEqual(5, len(seen))
        self.assertNotIn(None, seen)
        for given in ("abc-123", "req_0123456789abcdef", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"):
            answer = self.client.chat(slot.chain, headers={"x-request-id": given})
            self.assertEqual([given], answer.all("x-request-id"))

    @rows({"spaces": "a b c", "quotes": "\"><script>", "long": "x" * 5000, "high_bytes": "\xe9\xe9", "empty": ""})
    def test_an_invalid_request_id_is_replaced(self, given):
        """Only a valid x-request-id of the client is kept."""
        answer = self.client.get("/health", headers={"x-request-id": given})
        self.assertEqual(200, answer.status)
        self.assertEqual(1, len(answer.all("x-request-id")))
        self.assertNotIn(answer.header("x-request-id"), ("", given))

    def test_every_other_answer_has_a_request_id(self):
        """X-request-id on every answer, errors and /health too."""
        for path in ("/health", "/v1/models", "/nothing", "/v1/models/unknown"):
            self.assertTrue(self.client.get(path).header("x-request-id"), path)


class Shapes(ChainCase):
    """Chains that differ from one test to the next."""

    def provider(self, upstream, **more):
        return {"kind": "openai", "base_url": upstream.base_url, **more}

    def test_targets_are_tried_in_order_up_to_max_attempts(self):
        """`max_attempts` bounds the real calls of one request."""
        ups = [self.upstream(answers.error(500), f"u{i}") for i in range(4)]
        fleet = self.start_fleet({
            "version": 1, "providers": {f"u{i}": self.provider(u) for i, u in enumerate(ups)},
            "chains": {"c": {"targets": [{"provider": f"u{i}", "model": "m"} for i in range(4)], "max_attempts": 2}}})
        answer = fleet.client.chat("c")
        self.assertEqual("2", answer.header("x-429chain-attempts"), repr(answer))
        self.assertEqual([1, 1, 0, 0], [u.calls for u in ups])
        checks.own_error(self, answer, 502, "chain_exhausted")

    def test_disabled_targets_and_providers_are_left_out(self):
        """`enabled: false` on a target or a provider takes it out of the chain."""
        a, b, c = (self.upstream(answers.completion(n), n) for n in "abc")
        fleet = self.start_fleet({
            "version": 1, "providers": {"a": self.provider(a), "b": self.provider(b, enabled=False), "c": self.provider(c)},
            "chains": {"x": {"targets": [{"provider": "a", "model": "m", "enabled": False}, {"provider": "b", "model": "m"},
                                         {"provider": "c", "model": "m"}]}}})
        answer = fleet.client.chat("x")
        checks.served_by(self, answer, "c/m", 1)
        self.assertEqual([0, 0, 1], [a.calls, b.calls, c.calls])

    def test_a_chain_within_a_chain_is_walked_in_its_place(self):
        """A chain's target may be {chain: NAME}; up to 4 deep."""
        ups = {n: self.upstream(answers.error(500), n) for n in "abc"}
        ups["d"] = self.upstream(answers.completion("d"), "d")
        fleet = self.start_fleet({
            "version": 1, "providers": {n: self.provider(u) for n, u in ups.items()},
            "chains": {"one": {"targets": [{"provider": "a", "model": "m"}, {"chain": "two"}, {"provider": "d", "model": "m"}]},
                       "two": {"targets": [{"provider": "b", "model": "m"}, {"chain": "three"}]},
                       "three": {"targets": [{"provider": "c", "model": "m"}]}}})
        answer = fleet.client.chat("one")
        checks.served_by(self, answer, "d/m", 4)
        self.assertEqual(["a/m", "b/m", "c/m", "d/m"], [target for target, _ in trail.outcomes(answer)])
        self.assertEqual("one", answer.header("x-429chain-chain"))

    def test_refused_and_silent_ports_go_on(self):
        """Refuse and connect timeout go on to the next target."""
        refused, silent = RefusedPort(), SilentPort()
        self.addCleanup(refused.stop)
        self.addCleanup(silent.stop)
        good = self.upstream(answers.completion("good"))
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"refused": self.provider(refused), "silent": self.provider(silent), "good": self.provider(good)},
            "chains": {"c": {"targets": [{"provider": n, "model": "m"} for n in ("refused", "silent", "good")],
                             "timeouts": {**TIMEOUTS, "connect": "500ms"}}}})
        answer = fleet.client.chat("c")
        self.assertEqual(200, answer.status, repr(answer))
        outcomes = dict(trail.outcomes(answer))
        self.assertEqual("connect", outcomes["refused/m"])
        self.assertIn(outcomes["silent/m"], ("connect", "timeout"))
        self.assertLess(answer.seconds, 5)

    def test_a_host_name_that_does_not_resolve_goes_on(self):
        """A provider that can't be reached is not the end."""
        good = self.upstream(answers.completion("good"))
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"gone": {"kind": "openai", "base_url": "https://no-such-host.invalid/v1"}, "good": self.provider(good)},
            "chains": {"c": {"targets": [{"provider": n, "model": "m"} for n in ("gone", "good")]}}})
        answer = fleet.client.chat("c")
        checks.served_by(self, answer, "good/m")

    def test_a_dead_kept_alive_connection_is_retried_once(self):
        """A kept-alive connection that is dead before any byte of an answer gets one retry on a new connection."""
        for ending in (answers.close, answers.reset):
            with self.subTest(ending=ending.__name__):
                a, b = self.upstream(answers.completion("a"), "a"), self.upstream(answers.completion("b"), "b")
                fleet = self.start_fleet({
                    "version": 1, "providers": {"a": self.provider(a), "b": self.provider(b)},
                    "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}})
                checks.served_by(self, fleet.client.chat("c"), "a/m")
                a.script(ending)
                answer = fleet.client.chat("c")
                checks.served_by(self, answer, "a/m")
                self.assertEqual([("a/m", "ok")], trail.outcomes(answer))
                self.assertEqual(3, a.calls)
                self.assertEqual(0, b.calls)
                # Only once: a provider that does so on a new connection too is left.
                a.script(ending, ending)
                checks.served_by(self, fleet.client.chat("c"), "b/m")
                self.assertEqual(5, a.calls)

    def test_a_fresh_connection_that_dies_is_not_retried(self):
        """The retry is for kept-alive connections only: the provider may have counted the request."""
        a, b = self.upstream(answers.close, "a"), self.upstream(answers.completion("b"), "b")
        fleet = self.start_fleet({
            "version": 1, "providers": {"a": self.provider(a), "b": self.provider(b)},
            "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}})
        checks.served_by(self, fleet.client.chat("c"), "b/m", 2)
        self.assertEqual(1, a.calls)

    def test_several_credentials_of_one_pool_rotate_and_another_pool_is_a_target_of_its_own(self):
        """Several credentials: one target per pool, in file order; within a pool keys rotate; a refused key alone is left."""
        def by_key(exchange):
            key = exchange.request.header("authorization")
            (answers.error(401, "bad key") if key == "Bearer key-1" else answers.completion(key))(exchange)
        a = self.upstream(by_key)
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"p": self.provider(a, credentials=[{"name": "one", "env": "KEY1", "pool": "org"},
                                                             {"name": "two", "env": "KEY2", "pool": "org"}])},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}, env={"KEY1": "key-1", "KEY2": "key-2"})
        for _ in range(6):
            answer = fleet.client.chat("c")
        checks.served_by(self, answer, "p/m")
        keys = [request.header("authorization") for request in a.requests]
        self.assertEqual(1, keys.count("Bearer key-1"), keys)


class TimeBounds(SlotCase):
    SLOTS = 8
    CHAIN = {"timeouts": {"connect": "1s", "first_token": "400ms", "idle": "5s", "total": "1500ms"}}

    def test_total_bounds_the_whole_request(self):
        """`total` bounds the whole request; ended before a byte went out: 504."""
        slot = self.slot(answers.silent, answers.silent)
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 504, "chain_exhausted")
        self.assertLess(answer.seconds, 4)
        self.assertGreater(answer.seconds, 1.4)

    def test_total_covers_all_attempts_together(self):
        """Not each attempt anew."""
        slot = self.slot(answers.after(1.0, answers.error(500)), answers.silent)
        answer = self.client.chat(slot.chain)
        self.assertEqual(504, answer.status, repr(answer))
        self.assertLess(answer.seconds, 4)
        self.assertEqual("2", answer.header("x-429chain-attempts"))

    def test_first_token_is_for_streams_only(self):
        """For plain requests `first_token` does not apply."""
        slot = self.slot(answers.after(0.9, answers.completion("slow but fine")))
        checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)

    def test_a_stream_without_content_in_time_goes_on(self):
        """`first_token` bounds the time from an attempt's start to its first content."""
        slot = self.slot(answers.silent)
        answer = self.client.chat(slot.chain, stream=True)
        checks.fell_through(self, answer, slot, "timeout")
        self.assertLess(answer.seconds, 1.4)

    def test_all_streams_timed_out_is_504(self):
        """504 if all targets timed out."""
        slot = self.slot(answers.silent, answers.silent)
        answer = self.client.chat(slot.chain, stream=True)
        checks.own_error(self, answer, 504, "chain_exhausted")

    def test_a_stream_over_its_total_is_a_break(self):
        """`total` bounds a stream too; after content it ends with the error event."""
        pieces = [answers.event(answers.delta(content="x"))] * 100
        slot = self.slot(answers.stream(pieces=pieces, pause=0.05))
        answer = self.client.chat(slot.chain, stream=True)
        checks.broken_stream(self, answer)
        self.assertLess(answer.seconds, 4)


if __name__ == "__main__":
    unittest.main()
