"""Providers of which nothing is known: how the windows of their limits move is told from their headers, and shown."""
import json
import time
import unittest

from support.case import ChainCase
from support.fleet import Fleet
from support.poll import until
from support.programs import run
from support.sim import Sim

BURST = 8  # far below every limit: nobody is refused
SHORT = {"kind": "fixed", "length": "20s"}

PROVIDERS = {
    "fixed": {"style": "openai", "limits": {"rpm": 30, "window": "fixed"}},
    "bucket": {"style": "openai", "limits": {"rpm": 60, "window": "bucket"}},
    "sliding": {"style": "openai", "limits": {"rpm": 30, "window": "sliding"}},
    "named": {"style": "ietf", "limits": {"rpm": 30, "windows": {"rpm": SHORT}}},
}


class Windows(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Sim(*({"name": name, **provider} for name, provider in PROVIDERS.items()))
        cls.fleet = Fleet({
            "version": 1,
            "providers": {name: {"kind": "openai", "base_url": cls.sim[name].base_url} for name in PROVIDERS},
            "chains": {name: {"targets": [{"provider": name, "model": "m"}]} for name in PROVIDERS}})
        cls.fleet.start()
        try:
            # Within one window of each of them, and again when the minute's and the short one's edges have passed.
            until(lambda: 4 <= time.time() % 20 <= 14, 20, "a moment far from edges")
            cls.burst()
            began = time.time() // 60
            until(lambda: time.time() // 60 > began and time.time() % 60 >= 4, 70, "the next minute")
            cls.burst()
        except BaseException:
            cls.tearDownClass()
            raise
        cls.pools = cls.listed()

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()
        cls.sim.stop()

    def all_fleets(self):
        return [self.fleet]

    @classmethod
    def burst(cls):
        cls.statuses, began = [], time.monotonic()
        for number in range(BURST):
            # Answers that follow each other within a thousandth of the window tell no more than one of them.
            until(lambda due=began + 0.15 * number: time.monotonic() >= due, 5, "the next round")
            cls.statuses += [cls.fleet.client.chat(f"{name}/m").status for name in PROVIDERS]

    @classmethod
    def listed(cls):
        code, out, err = run("429ctl", ["--control", cls.fleet.control.grpc, "-o", "json", "pools"])
        assert code == 0, err
        return {pool["key"]: pool for pool in json.loads(out)["pools"]}

    def limit(self, name):
        limits = self.pools[name]["limits"]
        self.assertEqual(1, len(limits), limits)
        return limits[0]

    def is_told(self, name, kind, seconds, provenance):
        limit = self.limit(name)
        self.assertEqual((kind, seconds * 1e9, provenance),
                         (limit["limit"]["window_kind"], limit["limit"]["window_ns"], limit["limit"]["provenance"]), limit)
        self.assertEqual("inferred", limit["window_provenance"])
        return limit

    def test_a_fixed_minute_is_told_by_its_resets(self):
        """The reset's instant stays where it is, and lies a minute further behind the edge."""
        limit = self.is_told("fixed", "fixed", 60, "inferred")
        self.assertGreaterEqual(limit["window_confidence"], 80)
        self.assertEqual(0, limit["limit"].get("anchor_ns", 0))
        self.assertEqual(BURST, limit["used"])

    def test_a_named_fixed_window_keeps_its_length(self):
        """The window that the header names is the provider's word, how it moves is what was seen."""
        limit = self.is_told("named", "fixed", 20, "stated")
        self.assertGreaterEqual(limit["window_confidence"], 80)

    def test_a_bucket_is_told_by_resets_in_proportion_to_its_use(self):
        limit = self.is_told("bucket", "bucket", 60, "inferred")
        self.assertGreaterEqual(limit["window_confidence"], 80)
        self.assertLessEqual(limit["used"], BURST)

    def test_a_sliding_window_is_taken_for_nothing_else(self):
        self.is_told("sliding", "sliding", 60, "inferred")

    def test_nobody_was_refused(self):
        self.assertEqual([200] * BURST * len(PROVIDERS), self.statuses)
        for name in PROVIDERS:
            self.assertEqual([200] * 2 * BURST, [entry["status"] for entry in self.sim[name].log()], name)

    def test_the_text_says_it_too(self):
        code, out, err = run("429ctl", ["--control", self.fleet.control.grpc, "pools"])
        self.assertEqual(0, code, err)
        print(out)
        self.assertRegex(out, r"fixed +open +rpm 8/30 fixed \(inferred \d\d %\)")
        self.assertRegex(out, r"named +open +requests per 20s 8/30 fixed \(stated \d\d %\)")


if __name__ == "__main__":
    unittest.main()
