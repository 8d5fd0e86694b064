"""Configured limits: which requests they count, and that they hold exactly."""
import datetime
import threading
import unittest

from support import answers, checks, trail
from support.case import ChainCase
from support.poll import until
from support.raw_upstream import RefusedPort


class Limits(ChainCase):
    def fleet_of(self, providers, chains, **options):
        return self.start_fleet({"version": 1, "providers": providers, "chains": chains}, **options)

    def openai(self, upstream, **more):
        return {"kind": "openai", "base_url": upstream.base_url, **more}

    def targets(self, *names):
        return {"targets": [dict(zip(("provider", "model"), name.split("/", 1))) for name in names]}

    def send(self, fleet, model, number, **fields):
        return [fleet.client.chat(model, **fields) for _ in range(number)]

    def test_rpm_is_used_in_full_and_never_exceeded(self):
        """Limits of a provider hold; the requests beyond go to the next target, skipped and not refused."""
        a, b = self.upstream(), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 5}), "b": self.openai(b)}, {"c": self.targets("a/m", "b/m")})
        got = self.send(fleet, "c", 12)
        self.assertEqual([200] * 12, [answer.status for answer in got])
        self.assertEqual((5, 7), (a.calls, b.calls))
        self.assertEqual([("a/m", "skipped_quota"), ("b/m", "ok")], trail.outcomes(got[-1]))
        self.assertEqual("1", got[-1].header("x-429chain-attempts"))

    def test_a_burst_does_not_exceed_it_either(self):
        """Reserved before the call: 40 at once over two proxies are still 7."""
        a, b = self.upstream(answers.after(0.3, answers.completion("a"))), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 7}), "b": self.openai(b)}, {"c": self.targets("a/m", "b/m")},
                              proxies=2, workers=2)
        statuses = []
        threads = [threading.Thread(target=lambda n=n: statuses.append(fleet.client_of(n % 2).chat("c").status)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual([200] * 40, statuses)
        self.assertEqual((7, 33), (a.calls, b.calls))

    def test_a_limit_is_shared_by_all_models_and_chains(self):
        """With `kind: openai` a pool is the provider (with no credential), shared by all its models and all chains."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 3})}, {"x": self.targets("a/m1"), "y": self.targets("a/m2")})
        got = [fleet.client.chat(model).status for model in ("x", "y", "a/m3", "x", "y", "a/m4")]
        self.assertEqual([200, 200, 200, 429, 429, 429], got)
        self.assertEqual(3, a.calls)

    def test_each_credential_is_a_pool_unless_said(self):
        """With `kind: openai` a pool is a credential: each has the provider's limits to itself."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 2}, credentials=[{"name": "one", "env": "ONE"},
                                                                                     {"name": "two", "env": "TWO"}])},
                              {"c": self.targets("a/m")}, env={"ONE": "key-one", "TWO": "key-two"})
        got = [answer.status for answer in self.send(fleet, "c", 6)]
        self.assertEqual([200] * 4 + [429] * 2, got)
        keys = sorted(request.header("authorization") for request in a.requests)
        self.assertEqual(["Bearer key-one"] * 2 + ["Bearer key-two"] * 2, keys)

    def test_credentials_of_one_pool_share_it(self):
        """`pool: NAME` on two credentials makes them one pool."""
        a = self.upstream()
        credentials = [{"name": "one", "env": "ONE", "pool": "org"}, {"name": "two", "env": "TWO", "pool": "org"}]
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 3}, credentials=credentials)}, {"c": self.targets("a/m")},
                              env={"ONE": "key-one", "TWO": "key-two"})
        self.assertEqual([200] * 3 + [429], [answer.status for answer in self.send(fleet, "c", 4)])

    def test_the_narrower_limit_holds_too_not_instead(self):
        """Limits may also stand on a model; the narrower holds too, not instead."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 5}, models={"small": {"limits": {"rpm": 2}}})},
                              {"s": self.targets("a/small"), "l": self.targets("a/large")})
        self.assertEqual([200, 200, 429], [answer.status for answer in self.send(fleet, "s", 3)])
        self.assertEqual([200, 200, 200, 429], [answer.status for answer in self.send(fleet, "l", 4)])

    def test_limits_on_a_credential_and_on_a_target(self):
        """Limits may also stand on a credential and on a target."""
        a, b = self.upstream(), self.upstream()
        config = {"version": 1,
                  "providers": {"a": self.openai(a, limits={"rpm": 9},
                                                 credentials=[{"name": "k", "env": "K", "limits": {"rpm": 2}}]),
                                "b": self.openai(b, limits={"rpm": 9})},
                  "chains": {"x": self.targets("a/m"),
                             "y": {"targets": [{"provider": "b", "model": "m", "limits": {"rpm": 1}}]},
                             "z": self.targets("b/m")}}
        fleet = self.start_fleet(config, env={"K": "key"})
        self.assertEqual([200, 200, 429], [answer.status for answer in self.send(fleet, "x", 3)])
        self.assertEqual([200, 429], [answer.status for answer in self.send(fleet, "y", 2)])
        # The target's limit is that target's alone.
        self.assertEqual([200, 200], [answer.status for answer in self.send(fleet, "z", 2)])

    def test_rpd_holds_beside_rpm(self):
        """Every limit of a pool must fit; Retry-After is that of the one in the way."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 100, "rpd": 2})}, {"c": self.targets("a/m")})
        got = self.send(fleet, "c", 3)
        self.assertEqual([200, 200, 429], [answer.status for answer in got])
        self.assertTrue(86000 <= int(got[2].header("retry-after")) <= 86460, repr(got[2]))
        self.assertEqual("false", got[2].header("x-should-retry"))

    def test_a_request_larger_than_a_limit_is_not_told_to_wait(self):
        """No waiting makes it fit: the target is unfit, the next is called, and alone it is no 429 with Retry-After."""
        a, b = self.upstream(), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"tpm": 50}), "b": self.openai(b)},
                              {"one": self.targets("a/m"), "two": self.targets("a/m", "b/m")})
        long = [{"role": "user", "content": "word " * 400}]
        got = fleet.client.chat("one", messages=long)
        self.assertEqual(502, got.status)
        self.assertIsNone(got.header("retry-after"))
        self.assertEqual("false", got.header("x-should-retry"))
        error = got.json()["error"]
        self.assertEqual("chain_exhausted", error["code"])
        self.assertIn("the request needs more than its limit of 50 tokens allows", error["message"])
        self.assertEqual("skipped_unfit", error["attempts"][0]["outcome"])
        self.assertNotIn("retry_after_s", error["attempts"][0])
        got = fleet.client.chat("two", messages=long)
        self.assertEqual(200, got.status)
        self.assertEqual([("a/m", "skipped_unfit"), ("b/m", "ok")], trail.outcomes(got))
        self.assertEqual((0, 1), (a.calls, b.calls))

    def test_credits_are_counted_by_what_the_model_costs(self):
        """A limit in the provider's own currency: 1 credit holds four requests of 0.25."""
        a, b = self.upstream(), self.upstream()
        provider = self.openai(a, limits={"cpd": 1}, models={"m": {"credits": {"request": 0.25}}, "free": {"credits": {"request": 0}}})
        fleet = self.fleet_of({"a": provider, "b": self.openai(b)}, {"c": self.targets("a/m", "b/m")})
        self.assertEqual([200] * 6, [answer.status for answer in self.send(fleet, "c", 6)])
        self.assertEqual((4, 2), (a.calls, b.calls))
        self.assertEqual([200, 502], [fleet.client.chat(model).status for model in ("a/free", "a/unpriced")])
        self.assertEqual(5, a.calls)

    def test_a_bucket_gives_its_burst_at_once(self):
        """`windows: {rph: {kind: bucket, burst: 3}}`: three at once, whatever the hour allows."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"rph": 60}, windows={"rph": {"kind": "bucket", "burst": 3}})},
                              {"c": self.targets("a/m")})
        got = self.send(fleet, "c", 4)
        self.assertEqual([200, 200, 200, 429], [answer.status for answer in got])
        self.assertTrue(1 <= int(got[3].header("retry-after")) <= 61, repr(got[3]))

    def test_a_fixed_month_is_waited_for_to_its_end(self):
        """`rpmo` with a fixed window is the calendar's month, and a sliding one has thirty days."""
        a, b = self.upstream(), self.upstream()
        fixed = {"rpmo": {"kind": "fixed", "anchor": "00:00", "zone": "UTC"}}
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpmo": 1}, windows=fixed), "b": self.openai(b, limits={"rpmo": 1})},
                              {"f": self.targets("a/m"), "s": self.targets("b/m")})
        now = datetime.datetime.now(datetime.timezone.utc)
        edge = datetime.datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=datetime.timezone.utc)
        got = self.send(fleet, "f", 2)
        self.assertEqual([200, 429], [answer.status for answer in got])
        self.assertAlmostEqual((edge - now).total_seconds(), int(got[1].header("retry-after")), delta=60)
        got = self.send(fleet, "s", 2)
        self.assertEqual([200, 429], [answer.status for answer in got])
        self.assertAlmostEqual(30 * 86400, int(got[1].header("retry-after")), delta=60)

    def test_concurrency_is_held_until_the_end(self):
        """Concurrency is held until settlement, for streams until their end."""
        def held(exchange):
            exchange.send(answers.stream_head() + answers.chunk(answers.event(answers.delta(content="x"))))
            until(lambda: go or exchange.gone, 20, "the test to go on")
            exchange.send(answers.chunk(answers.event(answers.STOP) + answers.DONE) + answers.END)
        go = []
        a, b = self.upstream(held), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"concurrency": 2}), "b": self.openai(b)},
                              {"c": self.targets("a/m", "b/m")})
        open_now = [fleet.client.open_chat("c", stream=True) for _ in range(2)]
        for connection in open_now:
            self.assertEqual(200, connection.head().status)
        got = fleet.client.chat("c", stream=True)
        checks.served_by(self, got, "b/m", 1)
        self.assertEqual([("a/m", "skipped_quota"), ("b/m", "ok")], trail.outcomes(got))
        go.append(1)
        a.answer = answers.usual()
        until(lambda: fleet.client.chat("c").header("x-429chain-target") == "a/m", 5, "free again", every=0.05)
        for connection in open_now:
            connection.close()

    def test_tokens_are_counted_by_what_was_used(self):
        """The charge is trued up from `usage`: 1000 tokens a minute are gone after one answer of 990."""
        body = answers.completion_body("x")
        body["usage"] = {"prompt_tokens": 10, "completion_tokens": 980, "total_tokens": 990}
        a, b = self.upstream(answers.plain(200, body)), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"tpm": 1000}), "b": self.openai(b)}, {"c": self.targets("a/m", "b/m")})
        checks.served_by(self, fleet.client.chat("c", max_tokens=50), "a/m")
        until(lambda: fleet.client.chat("c", max_tokens=50).header("x-429chain-target") == "b/m", 3, "the usage to be known")
        self.assertLessEqual(a.calls, 3)

    def test_under_strict_tokens_prompt_and_max_tokens_are_reserved(self):
        """`tokens: strict` reserves prompt + max_tokens, so that no token window is overrun."""
        a, b = self.upstream(answers.after(0.5, answers.completion("a"))), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"tpm": 1000}, tokens="strict"), "b": self.openai(b)},
                              {"c": self.targets("a/m", "b/m")})
        got = []
        threads = [threading.Thread(target=lambda: got.append(fleet.client.chat("c", max_tokens=400))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual([200] * 6, [answer.status for answer in got])
        self.assertEqual(2, a.calls)

    def test_a_request_larger_than_the_token_limit_never_waits_for_it(self):
        """What can never fit goes on, and says why."""
        a, b = self.upstream(), self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"tpm": 500}, tokens="strict"), "b": self.openai(b)},
                              {"c": self.targets("a/m", "b/m")})
        got = fleet.client.chat("c", max_tokens=5000)
        checks.served_by(self, got, "b/m", 1)
        self.assertIn(trail.outcomes(got)[0][1], ("skipped_quota", "skipped_unfit"))
        self.assertEqual(0, a.calls)

    def test_max_tokens_is_never_injected(self):
        """`max_tokens` is never injected."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a, limits={"tpm": 100000}, tokens="strict")}, {"c": self.targets("a/m")})
        body = b'{"model":"c","messages":[]}'
        self.assertEqual(200, fleet.client.post("/v1/chat/completions", body).status)
        self.assertEqual(b'{"model":"m","messages":[]}', a.last().body)

    def test_without_limits_nothing_is_held_back(self):
        """A target whose pool has no known limit needs no permit."""
        a = self.upstream()
        fleet = self.fleet_of({"a": self.openai(a)}, {"c": self.targets("a/m")})
        self.assertEqual([200] * 30, [answer.status for answer in self.send(fleet, "c", 30)])

    def test_a_failed_call_counts_and_one_never_made_does_not(self):
        """What was written upstream is used; a call that never reached the provider is returned."""
        a, port = self.upstream(answers.error(400)), RefusedPort()
        self.addCleanup(port.stop)
        fleet = self.fleet_of({"a": self.openai(a, limits={"rpm": 2}), "r": {"kind": "openai", "base_url": port.base_url,
                                                                              "limits": {"rpm": 2}}},
                              {"x": self.targets("a/m"), "y": self.targets("r/m")})
        self.assertEqual([400, 400, 429], [answer.status for answer in self.send(fleet, "x", 3)])
        self.assertEqual(2, a.calls)
        for answer in self.send(fleet, "y", 4):
            self.assertNotIn("skipped_quota", answer.header("x-429chain-trail"), repr(answer))


class Reload(ChainCase):
    def test_a_reload_forgets_nothing_that_was_used(self):
        """Used quota survives a change of configuration elsewhere, and a raised limit gives the difference."""
        a = self.upstream()
        config = {"version": 1, "providers": {"a": {"kind": "openai", "base_url": a.base_url, "limits": {"rpm": 3}}},
                  "chains": {"c": {"targets": [{"provider": "a", "model": "m"}]}}}
        fleet = self.start_fleet(config)
        self.assertEqual([200, 200, 200, 429], [fleet.client.chat("c").status for _ in range(4)])
        config["providers"]["a"]["limits"]["rpm"] = 5
        config["chains"]["new"] = {"targets": [{"provider": "a", "model": "m"}]}
        fleet.write(config)
        fleet.reload()
        until(lambda: fleet.client.get("/v1/models/new").status == 200, 5, "the new configuration")
        until(lambda: fleet.client.chat("c").status == 200, 5, "the first of two more")
        self.assertEqual([200, 429, 429], [fleet.client.chat("c").status for _ in range(3)])
        self.assertEqual(5, a.calls)


if __name__ == "__main__":
    unittest.main()
