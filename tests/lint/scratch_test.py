"""Test runs clear up behind them, also after failures, and after those that were killed."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RUN = Path(__file__).resolve().parents[1] / "integration" / "run.py"
CASE = """
import os, pathlib, signal, tempfile, unittest

class Case(unittest.TestCase):
    def test_it(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="429chain-fleet-"))
        (folder / "log").write_text("x")
        print("made", folder, os.environ["TMPDIR"])
        {ending}
"""


class Scratch(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name) / "tmp"
        self.folder.mkdir()
        self.case = Path(holder.name) / "some_test.py"

    def run_case(self, ending):
        self.case.write_text(CASE.format(ending=ending))
        done = subprocess.run([sys.executable, RUN, self.case], capture_output=True, text=True,
                              env={**os.environ, "TMPDIR": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertIn(f"made {self.folder}", done.stdout, done.stderr)
        return done.returncode

    def left(self):
        return list(self.folder.iterdir())

    def test_nothing_is_left_of_a_run_that_passed(self):
        self.assertEqual((0, []), (self.run_case("pass"), self.left()))

    def test_nothing_is_left_of_a_run_that_failed(self):
        self.assertEqual((1, []), (self.run_case("self.fail()"), self.left()))

    def test_the_next_run_clears_up_behind_one_that_was_killed(self):
        self.assertEqual(-9, self.run_case("print(end='', flush=True); os.kill(os.getpid(), signal.SIGKILL)"))
        self.assertEqual(1, len(self.left()))
        self.run_case("pass")
        self.assertEqual([], self.left())

    def test_what_belongs_to_a_living_run_stays(self):
        living = self.folder / f"429chain-tests-{os.getpid()}-abc"
        living.mkdir()
        self.run_case("pass")
        self.assertEqual([living], self.left())


if __name__ == "__main__":
    unittest.main()
