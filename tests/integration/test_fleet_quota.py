"""Three proxies on one quota for a minute: the simulated provider's log says whether it was used in full and never overrun."""
import unittest

from support.case import ChainCase
from support.fleet import Fleet
from support.load import Load
from support.sim import Sim

RATE, SECONDS = 5, 60  # 300 requests in a minute


class Scenario:
    """A limited provider first, one without limits behind, three proxies."""

    def __init__(self, provider, configured):
        self.sim = Sim({"name": "first", "limits": {"rpm": 30}, **provider}, {"name": "second"})
        self.fleet = Fleet({
            "version": 1,
            "providers": {"first": {"kind": "openai", "base_url": self.sim["first"].base_url, **configured},
                          "second": {"kind": "openai", "base_url": self.sim["second"].base_url}},
            "chains": {"c": {"targets": [{"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}}}, proxies=3)
        self.fleet.start()
        self.load = Load([p.api for p in self.fleet.proxies], "c", RATE, SECONDS, stream=lambda n: n % 4 == 3)

    def stop(self):
        self.fleet.stop()
        self.sim.stop()


SCENARIOS = {
    "declared": ({}, {"limits": {"rpm": 30}}),
    "learnt": ({"style": "openai"}, {}),
    "learnt_429_only": ({"style": "openai", "headers_on": "limited"}, {}),
    "wrong": ({"limits": {"rpm": 10}, "style": "openai"}, {"limits": {"rpm": 30}}),
    "streams_and_latency": ({"answer": {"latency": "lognormal:150ms:0.5", "ttft": "100ms", "chunk_delay": "20ms"}},
                            {"limits": {"rpm": 30}}),
}


class FleetQuota(ChainCase):
    @classmethod
    def setUpClass(cls):
        # All at the same time: it is the minute that takes long.
        cls.scenarios = {}
        try:
            for name, (provider, configured) in SCENARIOS.items():
                cls.scenarios[name] = Scenario(provider, configured)
            for scenario in cls.scenarios.values():
                scenario.load.start()
            for scenario in cls.scenarios.values():
                scenario.load.wait()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for scenario in cls.scenarios.values():
            scenario.stop()

    def all_fleets(self):
        return []

    def result(self, name):
        """(used, refused) of the first provider, after a look at the clients' side."""
        scenario = self.scenarios[name]
        self.assertEqual(RATE * SECONDS, len(scenario.load.outcomes))
        self.assertEqual([], scenario.load.failures(), scenario.fleet.logs(15))
        log = scenario.sim["first"].log()
        used = [entry for entry in log if entry["status"] == 200]
        refused = [entry for entry in log if entry["status"] == 429]
        self.assertEqual(len(log), len(used) + len(refused))
        targets = {}
        for outcome in scenario.load.outcomes:
            targets[outcome.target] = targets.get(outcome.target, 0) + 1
        self.assertEqual(len(used), targets.get("first/m", 0))
        self.assertEqual(RATE * SECONDS - len(used), targets.get("second/m", 0))
        print(f"{name}: {len(used)} used, {len(refused)} refused, slowest {scenario.load.slowest():.2f} s")
        return used, refused

    def test_a_declared_limit_is_used_in_full_without_a_429(self):
        """Rpm 30 and 300 requests in 60 s over 3 proxies: 0 provider 429s, >= 29 used, 0 client errors."""
        used, refused = self.result("declared")
        self.assertEqual([], refused)
        in_the_minute = [entry for entry in used if entry["at"] - used[0]["at"] < 60]
        self.assertGreaterEqual(len(in_the_minute), 29)

    def test_a_declared_limit_holds_with_slow_streams_too(self):
        """A window entry is dated when the request was written upstream, whatever the answer takes."""
        used, refused = self.result("streams_and_latency")
        self.assertEqual([], refused)
        self.assertGreaterEqual(len(used), 29)

    def test_a_learnt_limit_costs_at_most_three_429s(self):
        """The same limit only learnt from x-ratelimit-* headers: <= 3 429s, >= 27 used."""
        used, refused = self.result("learnt")
        self.assertLessEqual(len(refused), 3)
        self.assertGreaterEqual(len(used), 27)

    def test_a_limit_known_from_its_429s_alone_is_obeyed_too(self):
        """Nothing but the 429s with their waits: no storm of them."""
        used, refused = self.result("learnt_429_only")
        self.assertLessEqual(len(refused), 6)
        self.assertGreaterEqual(len(used), 27)

    def test_a_wrongly_declared_limit_is_corrected(self):
        """Declared 30, really 10: <= 3 429s."""
        used, refused = self.result("wrong")
        self.assertLessEqual(len(refused), 3)
        self.assertGreaterEqual(len(used), 9)


if __name__ == "__main__":
    unittest.main()
