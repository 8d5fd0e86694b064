#!/usr/bin/env python3
"""Runs one file of Python tests and says how many cases passed.

    run.py FILE.py [NAME ...]        NAME: Class or Class.test_case; all of them when none is given

The last line of the output is `N passed, N failed` (with `, N skipped` when there are any). ctest sees one test a file; the
label `counted` tells `./dev test` to add up these lines instead. A file without a single case fails.
"""

import importlib.util
import os
import sys
import unittest


class CaseResult(unittest.TextTestResult):
    """Knows how many cases failed: a case with three failing subtests is one, a broken setUpClass is one too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.failed_cases = set()
        self.started_cases = set()
        self.skipped_cases = set()

    def startTest(self, test):
        super().startTest(test)
        self.started_cases.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed_cases.add(test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self.failed_cases.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.failed_cases.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.failed_cases.add(test.id())

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skipped_cases.add(test.id())

    def counts(self):
        skipped = self.skipped_cases - self.failed_cases
        passed = self.started_cases - self.failed_cases - skipped
        return len(passed), len(self.failed_cases), len(skipped)


def load(path):
    """Imports a file by its path, with its own folder importable, as `python3 FILE.py` would."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run(path, names=()):
    """Runs the cases of a file. Returns (passed, failed, skipped)."""
    module = load(path)
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=CaseResult)
    return runner.run(suite).counts()


def summary(passed, failed, skipped):
    line = f"{passed} passed, {failed} failed"
    return f"{line}, {skipped} skipped" if skipped else line


def main(arguments):
    if not arguments:
        print(__doc__)
        return 2
    sys.stdout.reconfigure(line_buffering=True)
    passed, failed, skipped = run(arguments[0], arguments[1:])
    if passed + failed + skipped == 0:
        print(f"{arguments[0]} holds no test case")
        failed = 1
    sys.stderr.flush()
    print(summary(passed, failed, skipped), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
