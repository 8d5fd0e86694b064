"""What a client is told of what it may still send: x-ratelimit-* in OpenAI's format, Retry-After, and GET /v1/chains/{name}/capacity."""
import math
import re
import unittest

from support import answers, checks, sse
from support.case import ChainCase
from support.poll import until

KEYS = {"ALL": "sk-all-123456", "SOME": "sk-some-123456"}
THEIRS = {"x-ratelimit-limit-requests": "9999", "x-ratelimit-remaining-requests": "9998", "x-ratelimit-reset-requests": "9s",
          "x-ratelimit-limit-tokens": "777", "x-ratelimit-reset-tokens": "7s", "ratelimit-policy": '"x";q=9', "retry-after": "9"}
KEEP_ALIVE = {"openai-processing-ms": "12"}


def seconds(text):
    """Of a duration as Go and OpenAI write it."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?|(\d+)ms", text)
    assert found and text, f"no duration: {text!r}"
    hours, minutes, whole, millis = (int(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + whole + millis / 1000


def told(answer, unit="requests"):
    """(limit, remaining, seconds to the reset), or None."""
    values = [answer.all(f"x-ratelimit-{what}-{unit}") for what in ("limit", "remaining", "reset")]
    assert all(len(v) == 1 for v in values) or not any(values), repr(answer)
    return (int(values[0][0]), int(values[1][0]), seconds(values[2][0])) if values[0] else None


class CapacityCase(ChainCase):
    def fleet_of(self, limits, auth=None, chains=None, answer=None, fleet=None, **keys):
        """Providers a, b, … with these limits, and a chain `c` over all of them."""
        names = "abcdef"[:len(limits)]
        self.upstreams = {name: self.upstream(answer, name) for name in names}
        config = {"version": 1, **({"auth": auth} if auth else {}),
                  "providers": {name: {"kind": "openai", "base_url": self.upstreams[name].base_url, **({"limits": of} if of else {})}
                                for name, of in zip(names, limits)},
                  "chains": chains or {"c": {"aliases": ["gpt-4o"], **keys,
                                             "targets": [{"provider": name, "model": "m"} for name in names]}}}
        return self.start_fleet(config, **{"env": KEYS, **(fleet or {})})


class Headers(CapacityCase):
    def test_they_fall_with_each_call_to_nothing(self):
        """Summed over the chain; the last is an exhausted 429 with nothing left, and a Retry-After that is the soonest recovery."""
        fleet = self.fleet_of([{"rpm": 3}, {"rpm": 2}])
        for left in (4, 3, 2, 1, 0):
            answer = fleet.client.chat("c")
            self.assertEqual(200, answer.status, repr(answer))
            limit, remaining, reset = told(answer)
            self.assertEqual((5, left), (limit, remaining), repr(answer))
            self.assertTrue(50 < reset <= 61, repr(answer))
            self.assertIsNone(told(answer, "tokens"))
        answer = fleet.client.chat("c")
        checks.own_error(self, answer, 429, "chain_exhausted")
        limit, remaining, reset = told(answer)
        self.assertEqual((5, 0), (limit, remaining), repr(answer))
        wait = int(answer.header("retry-after"))
        self.assertTrue(50 <= wait <= 61 and wait <= reset, repr(answer))
        self.assertEqual(5, sum(upstream.calls for upstream in self.upstreams.values()))

    def test_every_worker_knows(self):
        """Whichever worker of a proxy answers."""
        fleet = self.fleet_of([{"rpm": 20}], fleet={"workers": 3})
        self.assertEqual([(20, left) for left in range(19, 9, -1)], [told(fleet.client.chat("c"))[:2] for _ in range(10)])

    def test_streams_have_them_too(self):
        """In the head of a stream."""
        fleet = self.fleet_of([{"rpm": 9, "tpm": 5000}])
        answer = fleet.client.chat("c", stream=True)
        checks.whole_stream(self, answer)
        self.assertEqual((9, 8), told(answer)[:2], repr(answer))
        limit, remaining, _ = told(answer, "tokens")
        self.assertEqual(5000, limit)
        self.assertTrue(0 < remaining < 5000, repr(answer))

    def test_a_stream_that_was_begun_early_has_them_in_a_comment(self):
        """With keep-alive comments the head goes out before it is known who answers."""
        fleet = self.fleet_of([{"rpm": 9}], answer=answers.after(0.5, answers.usual()),
                              timeouts={"keepalive": "100ms", "first_token": "10s"})
        answer = fleet.client.chat("c", stream=True)
        self.assertIn(b": x-ratelimit-remaining-requests: 8\n", answer.body, repr(answer))
        self.assertEqual(b"[DONE]", sse.parse(answer.body)[0][-1].data)

    def test_with_an_unlimited_target_nobody_is_held_back(self):
        """No header of a unit of which some target has no known limit."""
        fleet = self.fleet_of([{"rpm": 3, "tpm": 4000}, {"tpm": 500}])
        answer = fleet.client.chat("c")
        self.assertIsNone(told(answer))
        self.assertEqual(4500, told(answer, "tokens")[0])

    def test_the_day_bounds_what_is_left_of_the_minute(self):
        """The limit is the shortest window's; a used-up day leaves nothing, and the reset waits for it."""
        fleet = self.fleet_of([{"rpm": 30, "rpd": 2}])
        self.assertEqual([(30, 1), (30, 0)], [told(fleet.client.chat("c"))[:2] for _ in range(2)])
        answer = fleet.client.chat("c")
        self.assertEqual((429, (30, 0)), (answer.status, told(answer)[:2]), repr(answer))
        self.assertTrue(86000 < told(answer)[2] <= 86401, repr(answer))
        self.assertTrue(86000 < int(answer.header("retry-after")) <= 86401, repr(answer))

    def test_what_a_provider_says_of_itself_does_not_reach_the_client(self):
        """It speaks of one account, and would contradict: nothing of it beside ours, and of a chain never."""
        fleet = self.fleet_of([{"rpm": 30}, {}], answer=answers.completion(headers={**THEIRS, **KEEP_ALIVE}),
                              chains={"c": {"targets": [{"provider": "a", "model": "m"}]}, "free": {"targets": [{"provider": "b", "model": "m"}]}})
        answer = fleet.client.chat("c")
        self.assertEqual((30, 29), told(answer)[:2], repr(answer))
        self.assertEqual((None, None, "12"), tuple(answer.header(name) for name in ("ratelimit-policy", "retry-after", "openai-processing-ms")))
        self.assertEqual((30, 28), told(fleet.client.chat("a/m"))[:2])

    def test_of_a_model_that_is_named_directly_the_providers_own_word_is_passed_on(self):
        """provider/model of which no limit is known here: what the provider says is all there is."""
        fleet = self.fleet_of([{}], answer=answers.completion(headers=KEEP_ALIVE | {"x-ratelimit-limit-images": "5", "retry-after": "9"}))
        direct, chain = fleet.client.chat("a/m"), fleet.client.chat("c")
        self.assertEqual(("5", "9"), (direct.header("x-ratelimit-limit-images"), direct.header("retry-after")), repr(direct))
        self.assertEqual((None, None), (chain.header("x-ratelimit-limit-images"), chain.header("retry-after")), repr(chain))

    def test_a_refusal_that_is_handed_back_has_them(self):
        """The client's own mistake, answered by the provider."""
        fleet = self.fleet_of([{"rpm": 30}], answer=answers.error(400, "no such thing", "invalid_request_error", headers=THEIRS))
        answer = fleet.client.chat("c")
        self.assertEqual((400, 30, "9"), (answer.status, told(answer)[0], answer.header("retry-after")), repr(answer))

    def test_a_closed_account_has_nothing_left_until_it_opens(self):
        """A provider's 429 closes it: the others' is left, and the reset says when it opens."""
        fleet = self.fleet_of([{"rpm": 30}, {"rpm": 10}])
        self.upstreams["a"].answer = answers.rate_limited({"retry-after": "200"})
        answer = fleet.client.chat("c")
        checks.served_by(self, answer, "b/m", 2)
        limit, remaining, reset = told(answer)
        self.assertEqual((40, 9), (limit, remaining), repr(answer))
        self.assertTrue(190 < reset <= 201, repr(answer))

    def test_a_refused_key_counts_for_nothing(self):
        """An account that cannot be called has no part in the sum."""
        fleet = self.fleet_of([{"rpm": 30}, {"rpm": 10}])
        self.upstreams["a"].answer = answers.error(401, "bad key", "invalid_request_error", "invalid_api_key")
        answer = fleet.client.chat("c")
        checks.served_by(self, answer, "b/m", 2)
        until(lambda: told(fleet.client.chat("c"))[0] == 10, 5, "only the other's limit")

    def test_retry_after_is_the_soonest_recovery(self):
        """Of a closed target, a used-up day and a used-up minute it is the first that counts, rounded up."""
        fleet = self.fleet_of([{}, {"rpd": 1}, {"rpm": 1}])
        self.upstreams["a"].answer = answers.rate_limited({"retry-after-ms": "40500"})
        self.assertEqual([200, 200], [fleet.client.chat("c").status for _ in range(2)])
        answer = fleet.client.chat("c")
        self.assertEqual(429, answer.status, repr(answer))
        self.assertTrue(30 <= int(answer.header("retry-after")) <= 41, repr(answer))


class Endpoint(CapacityCase):
    AUTH = {"client_keys": [{"name": "all", "env": "ALL"}, {"name": "some", "env": "SOME", "chains": ["other"]}]}

    def get(self, fleet, name="c", key="ALL", method="GET"):
        return fleet.client.request(method, f"/v1/chains/{name}/capacity", headers={"Authorization": f"Bearer {KEYS[key]}"})

    def test_it_tells_what_is_left_and_what_recovers_next(self):
        """Every target, pool and limit, and the soonest recoveries."""
        fleet = self.fleet_of([{"rpm": 3, "rpd": 100, "concurrency": 4}, {"rpm": 2}])
        for _ in range(3):
            fleet.client.chat("c")
        capacity = self.get(fleet).json()
        self.assertEqual(("chain.capacity", "c", True), (capacity["object"], capacity["chain"], capacity["connected"]))
        self.assertEqual((5, 2), (capacity["requests"]["limit"], capacity["requests"]["remaining"]), capacity)
        self.assertIsNone(capacity["tokens"])
        self.assertEqual(0, capacity["opens_in_s"], capacity)
        self.assertEqual([("a/m", "exhausted"), ("b/m", "open")], [(t["target"], t["state"]) for t in capacity["targets"]])
        self.assertTrue(50 < capacity["targets"][0]["opens_in_s"] <= 60.2, capacity)
        (a, b), = [capacity["pools"]]
        self.assertEqual([("requests", 3, 0), ("requests", 100, 97), ("concurrency", 4)],
                         [(limit["unit"], limit["amount"], limit["remaining"]) if limit["unit"] == "requests" else
                          (limit["unit"], limit["amount"]) for limit in a["limits"]])
        self.assertEqual((2, 0, 0), tuple(b["limits"][0][name] for name in ("remaining", "frees_in_s", "full_in_s")))
        first = capacity["recoveries"][0]
        self.assertEqual((a["pool"], "requests", 60, 1), tuple(first[name] for name in ("pool", "unit", "window_s", "remaining")))
        self.assertEqual(sorted(r["in_s"] for r in capacity["recoveries"]), [r["in_s"] for r in capacity["recoveries"]])
        # It says the same as the 429 that follows.
        for _ in range(2):
            fleet.client.chat("c")
        exhausted = fleet.client.chat("c")
        self.assertAlmostEqual(int(exhausted.header("retry-after")), math.ceil(self.get(fleet).json()["opens_in_s"]), delta=1)

    def test_who_may_ask(self):
        """A key that may call the chain; aliases resolve, models and unknown chains do not."""
        fleet = self.fleet_of([{"rpm": 3}], auth=self.AUTH, chains={
            "c": {"aliases": ["gpt-4o"], "targets": [{"provider": "a", "model": "m"}]},
            "other.v1-2_x": {"targets": [{"provider": "a", "model": "m"}]}, "other": {"targets": [{"provider": "a", "model": "m"}]}})
        self.assertEqual("c", self.get(fleet, "gpt-4o").json()["chain"])
        self.assertEqual("other.v1-2_x", self.get(fleet, "other.v1-2_x").json()["chain"])
        self.assertEqual(200, self.get(fleet, "%63").status)
        for name in ("nothing", "a/m", "a%2Fm", "C", "%00"):
            checks.own_error(self, self.get(fleet, name), 404, "chain_not_found")
        self.assertEqual(200, self.get(fleet, "other", "SOME").status)
        error = checks.own_error(self, self.get(fleet, "c", "SOME"), 403, "chain_not_allowed")
        self.assertIn("other", error["message"])
        checks.own_error(self, fleet.client.get("/v1/chains/c/capacity"), 401, "invalid_api_key")
        for path in ("/v1/chains/c", "/v1/chains/", "/v1/chains//capacity", "/v1/chains"):
            checks.own_error(self, fleet.client.get(path), 404, "not_found")

    def test_other_methods(self):
        """HEAD is answered, others are 405 with what is allowed."""
        fleet = self.fleet_of([{"rpm": 3}])
        for method in ("POST", "PUT", "DELETE"):
            answer = self.get(fleet, method=method)
            checks.own_error(self, answer, 405)
            self.assertEqual("GET, HEAD", answer.header("allow"))
        with fleet.client.connect() as connection:
            connection.request("HEAD", "/v1/chains/c/capacity")
            head = connection.answer("HEAD")
        self.assertEqual((200, b"", "application/json"), (head.status, head.body, head.header("content-type")))

    def test_without_the_control_plane_it_is_what_was_told_last(self):
        """And it says so."""
        fleet = self.fleet_of([{"rpm": 3}])
        fleet.client.chat("c")
        fleet.control.program.kill()
        until(lambda: self.get(fleet).json()["connected"] is False, 15, "the loss to be noticed")
        capacity = self.get(fleet).json()
        self.assertEqual(3, capacity["requests"]["limit"], capacity)
        self.assertGreater(capacity["pools"][0]["as_of_s"], 0)


if __name__ == "__main__":
    unittest.main()
