"""The soak: that a short one does all that it should, and that its verdict sees what it is for."""

import copy
import json
import random
import subprocess
import sys
import unittest

from support.case import ChainCase, rows
from support.programs import ROOT

FOLDER = ROOT / "tests" / "e2e" / "soak"
sys.path.insert(0, str(FOLDER))

import verdict  # noqa: E402


class ShortSoak(ChainCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run(
            [FOLDER / "run", "--minutes", "0.3", "--rate", "60", "--output", "json"], capture_output=True, text=True
        )
        cls.code, cls.stderr = done.returncode, done.stderr
        cls.report = json.loads(done.stdout) if done.stdout else {}

    def test_nothing_was_found(self):
        """No client saw what it should not, nothing stayed open, no descriptor leaked."""
        self.assertEqual(
            (0, []), (self.code, self.report.get("faults")), f"{self.report.get('unexpected_examples')}\n{self.stderr}"
        )

    def test_descriptors_and_threads_are_those_from_before(self):
        """Once everything is idle again."""
        for name, row in self.report["programs"].items():
            with self.subTest(name):
                self.assertGreater(row["fds_idle_before"], 3)
                self.assertLessEqual(row["fds_idle_after"], row["fds_idle_before"] + verdict.SLACK)
                if name.startswith("node"):
                    self.assertGreater(row["fds_most"], row["fds_idle_before"], "connections were open meanwhile")

    def test_every_kind_of_client_was_there(self):
        """Plain, streams, kept connections, aborts, malformed requests, whole and broken answers."""
        kinds = {outcome.split(":")[0] for outcome in self.report["outcomes"]}
        self.assertEqual(
            {"plain", "stream", "kept alive", "abort", "breaking", "limited", "malformed", "down", "extra", "models"},
            kinds,
        )
        for outcome in (
            "plain: 200",
            "stream: whole",
            "breaking: broken, and said so",
            "breaking: whole",
            "abort: in the stream",
        ):
            self.assertGreater(self.report["outcomes"].get(outcome, 0), 0, outcome)
        self.assertGreater(self.report["requests"], 300)

    def test_the_fleet_was_disturbed(self):
        """Configurations taken and refused, the control plane restarted once."""
        self.assertGreaterEqual(self.report["reloads"], 2)
        self.assertGreaterEqual(self.report["refused_reloads"], 1)
        self.assertEqual(1, self.report["restarts"])

    def test_a_short_run_does_not_judge_memory(self):
        """It is all warm-up."""
        self.assertFalse(self.report["growth_judged"])
        self.assertGreaterEqual(len(self.report["samples"]["node-0"]), 10)

    def test_the_text_names_every_program_and_outcome(self):
        """What people read."""
        text = verdict.text(self.report)
        for word in [*self.report["programs"], *self.report["outcomes"]]:
            self.assertIn(word, text)
        self.assertTrue(text.endswith("passed") or "FAILED" in text)


def series(percent, minutes=30, spikes=0):
    """A program of 20 MB, sampled every 3 s, that grows by so much, with noise and peaks."""
    noise, seconds = random.Random(1), minutes * 60
    points = [
        (float(at), 20480 * (1 + percent / 100 * at / seconds) + noise.uniform(-40, 40)) for at in range(0, seconds, 3)
    ]
    for index in noise.sample(range(len(points)), spikes):
        points[index] = (points[index][0], points[index][1] * 1.5)
    return points


def report_with(**changes):
    row = {"growth_percent": 0.0, "fds_idle_before": 20, "fds_idle_after": 20}
    report = {
        "growth_judged": True,
        "unexpected": 0,
        "left_open": {},
        "incidents": [],
        "programs": {"node-0": row, "sim": dict(row)},
    }
    for path, value in changes.items():
        place = report
        *parents, last = path.split("__")
        for key in parents:
            place = place[key.replace("_0", "-0")]
        place[last] = value
    return report


class Verdict(ChainCase):
    @rows(
        {
            "none": (0, 0),
            "some": (4, 0),
            "much": (12, 0),
            "shrinks": (-8, 0),
            "peaks": (0, 60),
            "much_and_peaks": (12, 60),
        }
    )
    def test_growth_is_that_of_the_bulk(self, percent, spikes):
        """Noise and single peaks do not move it."""
        self.assertAlmostEqual(percent, verdict.growth(series(percent, spikes=spikes)), delta=0.5)

    def test_growth_of_little_is_none(self):
        """Nothing to fit a line through."""
        self.assertEqual([0.0, 0.0], [verdict.growth([]), verdict.growth([(0.0, 5.0)])])

    def test_the_warm_up_is_left_out(self):
        """A program that finds its size at the beginning has not grown."""
        points = [(at, 10000 + min(at, 400) * 50, 20, 5) for at in range(0, 1800, 3)]
        idle = {"p": {"fds": 20, "threads": 5}}
        row = verdict.program_rows({"p": points}, idle, idle, 1800)["p"]
        self.assertAlmostEqual(0, row["growth_percent"], delta=0.1)
        self.assertEqual((30000, 30000), (row["rss_warm_kib"], row["rss_end_kib"]))

    def test_a_quiet_run_passes(self):
        """Also with one more descriptor, and whatever the simulator does."""
        self.assertEqual([], verdict.faults(report_with()))
        self.assertEqual(
            [], verdict.faults(report_with(programs__node_0__fds_idle_after=21, programs__sim__growth_percent=80.0))
        )
        self.assertEqual([], verdict.faults(report_with(growth_judged=False, programs__node_0__growth_percent=50.0)))

    @rows(
        {
            "memory": ("programs__node_0__growth_percent", 5.1, "memory grew by 5.1 %"),
            "descriptors": ("programs__node_0__fds_idle_after", 22, "22 descriptors"),
            "errors": ("unexpected", 1, "1 clients"),
            "open": ("left_open", {"node-0 streams_open": 2}, "node-0 streams_open 2"),
            "death": ("incidents", ["node-1 ended"], "node-1 ended"),
        }
    )
    def test_a_fault_is_found(self, path, value, words):
        """Each kind alone fails the run and is named."""
        report = report_with(**{path: value})
        found = verdict.faults(copy.deepcopy(report))
        self.assertEqual(1, len(found), found)
        self.assertIn(words, found[0])


if __name__ == "__main__":
    unittest.main()
