"""What a 429 teaches: for how long, whom, and that nobody calls before its time."""
import email.utils
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support import answers, checks, trail
from support.case import ChainCase, SlotCase, rows
from support.poll import until


def error_after(message):
    return answers.rate_limited({}, message)


class Waits(SlotCase):
    SLOTS = 30
    TARGETS = 1

    @rows({
        "retry_after_seconds": ({"retry-after": "17"}, 17), "retry_after_fraction": ({"retry-after": "16.2"}, 17),
        "retry_after_ms": ({"retry-after-ms": "16500"}, 17), "ms_wins_over_seconds": ({"retry-after-ms": "9100", "retry-after": "30"}, 10),
        "retry_after_wins_over_reset": ({"retry-after": "12", "x-ratelimit-remaining-requests": "0",
                                         "x-ratelimit-reset-requests": "50s"}, 12),
        "reset_requests": ({"x-ratelimit-limit-requests": "30", "x-ratelimit-remaining-requests": "0",
                            "x-ratelimit-reset-requests": "21s"}, 21),
        "reset_go_duration": ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m6.5s"}, 67),
        "reset_milliseconds": ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "15900ms"}, 16),
        "reset_tokens": ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "13.2s"}, 14),
        "only_what_is_empty_counts": ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "80s",
                                       "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20s"}, 20),
        "upper_case_names": ({"RETRY-AFTER": "18"}, 18),
    })
    def test_the_wait_is_read_from_the_headers(self, headers, seconds):
        """Retry-after-ms, fractional retry-after, x-ratelimit-reset-* with remaining 0."""
        slot = self.slot(answers.rate_limited(headers))
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        self.assertEqual(str(seconds), answer.header("retry-after"), repr(answer))

    @rows({
        "seconds": ("Rate limit reached. Please try again in 3.5s.", 4), "minutes": ("Please try again in 2m59.56s. Visit x.", 180),
        "milliseconds": ("try again in 7800ms", 8), "hours": ("Please try again in 1h2m3s.", 3723),
    })
    def test_the_wait_is_read_from_the_message(self, message, seconds):
        """"Try again in 3.5s" in the message."""
        slot = self.slot(error_after(message))
        self.assertEqual(str(seconds), self.client.chat(slot.chain).header("retry-after"))

    def test_the_wait_may_be_a_date(self):
        """An HTTP-date in retry-after, by the provider's own Date where it has one."""
        now = time.time()
        slot = self.slot(answers.rate_limited({"retry-after": email.utils.formatdate(now + 25, usegmt=True),
                                               "date": email.utils.formatdate(now, usegmt=True)}))
        self.assertTrue(24 <= int(self.client.chat(slot.chain).header("retry-after")) <= 26)

    def test_a_skewed_provider_clock_does_not_matter(self):
        """The date is meant by the provider's clock."""
        skewed = time.time() - 3600
        slot = self.slot(answers.rate_limited({"retry-after": email.utils.formatdate(skewed + 25, usegmt=True),
                                               "date": email.utils.formatdate(skewed, usegmt=True)}))
        self.assertTrue(24 <= int(self.client.chat(slot.chain).header("retry-after")) <= 26)

    @rows({"negative": {"retry-after": "-5"}, "garbage": {"retry-after": "soon"}, "minus_one_reset":
           {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "-1"}, "none": {}, "huge": {"retry-after": "9" * 40},
           "nan": {"retry-after": "nan"}, "inf": {"retry-after-ms": "inf"}, "past_date": {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}})
    def test_nonsense_is_a_short_wait_of_our_own(self, headers):
        """What can't be read is unknown, never 0 and never for ever: backoff."""
        slot = self.slot(answers.rate_limited(headers, "slow down"))
        answer = self.client.chat(slot.chain)
        checks.own_error(self, answer, 429, "chain_exhausted")
        most = 86400 if headers.get("retry-after", "").startswith("999") else 60
        self.assertTrue(1 <= int(answer.header("retry-after")) <= most, repr(answer))


class Obeyed(ChainCase):
    def chain(self, *upstreams, proxies=1, **more):
        return self.start_fleet({
            "version": 1,
            "providers": {f"u{i}": {"kind": "openai", "base_url": u.base_url} for i, u in enumerate(upstreams)},
            "chains": {"c": {"targets": [{"provider": f"u{i}", "model": "m"} for i in range(len(upstreams))]}}, **more},
            proxies=proxies)

    def test_nobody_calls_before_retry_after_and_somebody_does_soon_after(self):
        """After a 429 with retry-after: N no proxy calls that target for N s, and it is called again within 2 s after."""
        a, b = self.upstream(answers.usual()), self.upstream(answers.usual())
        fleet = self.chain(a, b, proxies=3)
        a.script(answers.rate_limited({"retry-after": "4"}))
        checks.served_by(self, fleet.client_of(0).chat("c"), "u1/m", 2)
        closed_at = a.last().at
        turns = iter(range(10 ** 9))

        def load():
            answer = fleet.client_of(next(turns) % 3).chat("c")
            self.assertEqual(200, answer.status, repr(answer))
            return a.calls > 1
        # The news takes up to half a second to the others; in it a call would be a mistake of theirs, but a permitted one.
        until(load, 4 + 2 + 1, "the target to be called again", every=0.02)
        calls = a.requests[1:]
        early = [request.at - closed_at for request in calls if request.at - closed_at < 4]
        self.assertEqual([], [at for at in early if at > 0.5], "called before its time")
        self.assertLess(calls[-1].at - closed_at, 6)

    def test_the_others_know_within_half_a_second(self):
        """Others know within 0.5 s."""
        for turn in range(3):
            a, b = self.upstream(answers.usual()), self.upstream(answers.usual())
            fleet = self.chain(a, b, proxies=2)
            for number in (0, 1):
                checks.served_by(self, fleet.client_of(number).chat("c"), "u0/m", 1)
            a.answer = answers.rate_limited({"retry-after": "30"})
            started = time.monotonic()
            checks.served_by(self, fleet.client_of(0).chat("c"), "u1/m", 2)

            def known():
                answer = fleet.client_of(1).chat("c", headers={"x-request-id": f"probe-{turn}"})
                return trail.outcomes(answer)[0][1] == "skipped_cooldown"
            until(known, 5, "the other proxy to know", every=0.005)
            last = max(request.at for request in a.requests)
            self.assertLess(last - started, 0.5)
            fleet.stop()

    def test_a_longer_cooldown_is_never_shortened_by_a_shorter(self):
        """An existing longer cooldown is never shortened by a shorter one."""
        first, second = threading.Event(), threading.Event()

        def answer(exchange):
            words = exchange.request.json()["messages"][0]["content"]
            (first if words == "long" else second).wait(10)
            answers.rate_limited({"retry-after": "30" if words == "long" else "1"})(exchange)
        a, b = self.upstream(answer), self.upstream(answers.usual())
        fleet = self.chain(a, b)
        threads = [threading.Thread(target=fleet.client.chat, args=("c",), kwargs={"messages": [{"role": "user", "content": w}]})
                   for w in ("long", "short")]
        for thread in threads:
            thread.start()
        a.wait_calls(2)
        first.set()
        threads[0].join(10)
        second.set()
        threads[1].join(10)
        a.answer = answers.usual()
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            checks.served_by(self, fleet.client.chat("c"), "u1/m", 1)
        self.assertEqual(2, a.calls)

    def test_a_429_closes_the_account_for_all_its_models(self):
        """A 429 closes the pool: with `kind: openai`, all models and chains of that credential."""
        a = self.upstream(answers.rate_limited({"retry-after": "30"}))
        fleet = self.chain(a)
        self.assertEqual(429, fleet.client.chat("c").status)
        for model in ("u0/m", "u0/other", "c"):
            answer = fleet.client.chat(model)
            self.assertEqual((429, "0"), (answer.status, answer.header("x-429chain-attempts")), repr(answer))
        self.assertEqual(1, a.calls)

    def test_without_a_wait_the_backoff_grows(self):
        """Else exponential backoff with jitter: each wait is longer, and the target is tried again."""
        a, b = self.upstream(answers.rate_limited({}, "no")), self.upstream(answers.usual())
        fleet = self.chain(a, b)

        def load():
            fleet.client.chat("c")
            return a.calls >= 3
        until(load, 20, "three calls", every=0.02)
        at = [request.at for request in a.requests]
        gaps = [later - earlier for earlier, later in zip(at, at[1:])]
        self.assertGreater(gaps[0], 0.2)
        self.assertGreater(gaps[1], gaps[0])

    def test_a_provider_down_is_not_hammered_and_comes_back(self):
        """5xx is not a limit: the target serves again soon after it has recovered."""
        a, b = self.upstream(answers.error(503)), self.upstream(answers.usual())
        fleet = self.chain(a, b)
        for _ in range(10):
            checks.served_by(self, fleet.client.chat("c"), "u1/m")
        a.answer = answers.usual()
        until(lambda: fleet.client.chat("c").header("x-429chain-target") == "u0/m", 35, "the recovered target", every=0.05)

    def test_a_changed_key_is_tried_at_once(self):
        """A refused credential is not called again until it changes."""
        def by_key(exchange):
            good = exchange.request.header("authorization") == "Bearer new-key"
            (answers.usual() if good else answers.error(401, "bad key"))(exchange)
        a, b = self.upstream(by_key), self.upstream(answers.usual())

        def config(path):
            return {"version": 1,
                    "providers": {"a": {"kind": "openai", "base_url": a.base_url, "credentials": [{"name": "k", "file": str(path)}]},
                                  "b": {"kind": "openai", "base_url": b.base_url}},
                    "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}}
        key_file = Path(tempfile.mkdtemp()) / "key"
        key_file.write_text("old-key\n")
        fleet = self.start_fleet(config(key_file))
        checks.served_by(self, fleet.client.chat("c"), "b/m", 2)
        checks.served_by(self, fleet.client.chat("c"), "b/m", 1)
        key_file.write_text("new-key\n")
        fleet.reload()
        until(lambda: fleet.client.chat("c").header("x-429chain-target") == "a/m", 5, "the new key to be used")
        self.assertEqual(["Bearer old-key"], [r.header("authorization") for r in a.requests][:1])
        self.assertEqual(1, [r.header("authorization") for r in a.requests].count("Bearer old-key"))


if __name__ == "__main__":
    unittest.main()
