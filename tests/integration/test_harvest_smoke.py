"""`./dev bench harvest` for some seconds: it tells figures, and what it has counted is what the providers counted."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.fleet import quiet_port

RUN = Path(__file__).resolve().parents[1] / "bench" / "run"


class HarvestSmoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plot = Path(tempfile.mkdtemp(prefix="429chain-harvest-")) / "harvest.svg"
        # Far more than the limits give: within these seconds the first requests are refused.
        cls.done = subprocess.run([sys.executable, RUN, "harvest", "--minutes", "0.1", "--factor", "14", "-o", "json",
                                   "--plot", cls.plot, "--port", str(quiet_port()),
                                   "--contender", f"nobody=http://127.0.0.1:{quiet_port()}/v1"],
                                  capture_output=True, text=True, timeout=100, check=False)

    def setUp(self):
        self.assertEqual(0, self.done.returncode, self.done.stderr)
        self.result = json.loads(self.done.stdout)["429chain"]

    def test_every_request_has_one_outcome(self):
        self.assertEqual([], self.result["failures"])
        self.assertEqual(self.result["asked"], self.result["answers"] + self.result["exhausted"])
        self.assertGreater(self.result["answers"], 0)
        self.assertGreater(self.result["exhausted"], 0)
        self.assertGreaterEqual(self.result["bound"], self.result["optimum"] * 0.99)

    def test_the_accounts_are_those_of_the_providers(self):
        found = self.result["tiers"]
        self.assertEqual(["groq", "cerebras", "openrouter", "gemini", "mistral", "nvidia"], list(found))
        for name, tier in found.items():
            self.assertEqual(tier["counted_by_provider"], {"answers": tier["answers"], "refused": tier["refused"]}, name)
            self.assertEqual(tier["calls"], tier["answers"] + tier["refused"], name)
        self.assertEqual(self.result["answers"], sum(tier["answers"] for tier in found.values()))
        self.assertEqual(self.result["calls"], sum(tier["calls"] for tier in found.values()))
        self.assertEqual(self.result["tokens"], sum(tier["tokens"] for tier in found.values()))
        # The optimum is reckoned from what the requests foretell.
        self.assertAlmostEqual(1, self.result["foretold_tokens"] / self.result["tokens"], delta=0.01)

    def test_a_contender_gets_the_same_demand_with_the_limits_anew(self):
        nobody = json.loads(self.done.stdout)["nobody"]
        self.assertEqual((self.result["asked"], 0, 0), (nobody["asked"], nobody["answers"], nobody["calls"]))
        self.assertEqual(nobody["asked"], nobody["failed"])
        self.assertEqual({"answers": 0, "refused": 0}, nobody["tiers"]["groq"]["counted_by_provider"])

    def test_it_draws_a_picture(self):
        picture = self.plot.read_text()
        self.assertIn("<svg", picture)
        self.assertIn("nobody 0 (0.0 %)", picture)

    def test_wrong_arguments_are_explained(self):
        for arguments, words in ((["--contender", "x"], "NAME=BASE_URL"), (["--tiers", "grok"], "there is no tier 'grok'"),
                                 (["--contender", "x=https://a/v1"], "only http://"), (["--minutes", "0"], "more than 0")):
            done = subprocess.run([sys.executable, RUN, "harvest", *arguments], capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual(2, done.returncode)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
