"""The counting that `./dev test` ends with: ctest's results and the files of Python cases."""

import io
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
import xml.etree.ElementTree as ElementTree
from contextlib import redirect_stdout

from source import project_root

sys.path.insert(0, os.path.join(project_root(), "tests"))
import report  # noqa: E402


def junit(*cases):
    return ElementTree.fromstring("<testsuite>" + "".join(cases) + "</testsuite>")


def case(name, status="run", output="", skipped=None):
    inner = f"<system-out>{output}</system-out>"
    if skipped:
        inner += f'<skipped message="{skipped}"/>'
    return f'<testcase name="{name}" status="{status}">{inner}</testcase>'


class Counting(unittest.TestCase):
    def count(self, *cases, names=(), counted=()):
        return report.count(junit(*cases), list(names), set(counted))

    def test_each_test_is_one_case(self):
        total, failing = self.count(case("A.a"), case("A.b", "fail"), case("A.c"))
        self.assertEqual((total, failing), ([2, 1, 0], ["A.b"]))

    def test_counted_tests_add_what_they_print(self):
        total, failing = self.count(case("py", "fail", "9 passed, 9 failed\nmore\n4 passed, 2 failed, 1 skipped\n"), case("A.a"),
                                    counted=["py"])
        self.assertEqual((total, failing), ([5, 2, 1], ["py"]))

    def test_a_counted_test_without_a_count_fails(self):
        self.assertEqual(self.count(case("py", "run", "all fine"), counted=["py"])[0], [0, 1, 0])

    def test_a_counted_test_that_dies_after_its_count_fails(self):
        self.assertEqual(self.count(case("py", "fail", "4 passed, 0 failed"), counted=["py"])[0], [4, 1, 0])

    def test_the_same_words_from_other_tests_count_for_nothing(self):
        self.assertEqual(self.count(case("A.a", "run", "4 passed, 2 failed"))[0], [1, 0, 0])

    def test_skipped_is_neither(self):
        self.assertEqual(self.count(case("A.a", "notrun", skipped="SKIP_REGULAR_EXPRESSION_MATCHED"))[0], [0, 0, 1])

    def test_a_program_that_is_missing_fails(self):
        self.assertEqual(self.count(case("A.a", "notrun", skipped="Unable to find executable"))[0], [0, 1, 0])

    def test_a_listed_test_without_a_result_fails(self):
        self.assertEqual(self.count(case("A.a"), names=["A.a", "A.b"]), ([1, 1, 0], ["A.b (no result)"]))


class Following(unittest.TestCase):
    OUTPUT = textwrap.dedent("""\
        Test project /x
            Start 1: A.good
        1/3 Test #1: A.good ...........   Passed    0.01 sec
        hidden
            Start 2: A.crash
        2/3 Test #2: A.crash ..........***Exception: SegFault  6.50 sec
        the reason

        3/3 Test #3: A.skip ...........***Skipped   0.00 sec
        hidden too

        33% tests passed, 1 tests failed out of 3
        """)

    def test_only_the_output_of_failures_is_shown(self):
        shown = io.StringIO()
        with redirect_stdout(shown):
            slowest = report.follow(self.OUTPUT.splitlines(True), report.Progress(io.StringIO()), colours=False)
        self.assertEqual(shown.getvalue(), "FAILED A.crash (Exception: SegFault, 6.50 s)\n    the reason\n")
        self.assertEqual(slowest[0], (6.5, "A.crash"))


class Running(unittest.TestCase):
    """tests/integration/run.py as ctest starts it: its last line is what the report adds up."""

    RUNNER = os.path.join(project_root(), "tests", "integration", "run.py")

    def run_file(self, body):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "sample_cases.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write("import unittest\n" + textwrap.dedent(body))
            settings = {name: value for name, value in os.environ.items() if name != "CI"}
            ran = subprocess.run([sys.executable, self.RUNNER, path], capture_output=True, text=True, env=settings, check=False)
        lines = report.COUNTS.findall(ran.stdout)
        self.assertEqual(len(lines), 1, ran.stdout + ran.stderr)
        self.assertRegex(ran.stdout.splitlines()[-1], report.COUNTS)
        return tuple(int(number or 0) for number in lines[0]), ran.returncode

    def test_cases_are_counted_once_each(self):
        counts, status = self.run_file("""\
            class Sample(unittest.TestCase):
                def test_good(self): pass
                def test_bad(self): self.fail()
                def test_error(self): raise ValueError()
                @unittest.skip("why")
                def test_skipped(self): pass
                def test_subtests(self):
                    for i in range(3):
                        with self.subTest(i=i): self.assertEqual(i, 7)
            """)
        self.assertEqual((counts, status), ((1, 3, 1), 1))

    def test_a_file_without_failures_succeeds(self):
        counts, status = self.run_file("""\
            class Sample(unittest.TestCase):
                def test_good(self): pass
            """)
        self.assertEqual((counts, status), ((1, 0, 0), 0))

    def test_a_broken_set_up_is_a_failure(self):
        counts, status = self.run_file("""\
            class Sample(unittest.TestCase):
                @classmethod
                def setUpClass(cls): raise ValueError()
                def test_never(self): pass
            """)
        self.assertEqual((counts, status), ((0, 1, 0), 1))

    def test_a_file_without_cases_is_a_failure(self):
        counts, status = self.run_file("")
        self.assertEqual((counts[1], status), (1, 1))


if __name__ == "__main__":
    unittest.main()
