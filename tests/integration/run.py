#!/usr/bin/env python3
"""Runs one test file and ends its output with `N passed, N failed` (and `, N skipped`). A skipped test is a failure in CI.

    run.py test_errors.py [-k PATTERN]"""
import argparse
import faulthandler
import importlib.util
import os
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from support import scratch  # noqa: E402


class Result(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.failed_tests = set()
        self.passed_tests = 0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        if test.id() not in self.failed_tests and (not self.skipped or self.skipped[-1][0] is not test):
            self.passed_tests += 1
        self.stream.writeln(f"        {time.monotonic() - self.started:6.2f} s")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed_tests.add(test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self.failed_tests.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.failed_tests.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.failed_tests.add(test.id())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("-k", action="append", help="only tests whose name contains this")
    options = parser.parse_args()
    faulthandler.enable()
    scratch.enter()

    path = Path(options.file)
    if not path.exists():
        path = HERE / path.name
    path = path.resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)

    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [p if "*" in p else f"*{p}*" for p in options.k]
    suite = loader.loadTestsFromModule(module)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    result = runner.run(suite)

    failed, skipped = len(result.failed_tests), len(result.skipped)
    for test, reason in result.skipped:
        print(f"!!! SKIPPED {test.id()}: {reason}")
    if os.environ.get("CI"):
        failed, skipped = failed + skipped, 0
    if result.passed_tests + failed + skipped == 0:
        print("no test ran")
        failed = 1
    line = f"{result.passed_tests} passed, {failed} failed"
    print(f"{line}, {skipped} skipped" if skipped else line)
    return 1 if failed else 0


if __name__ == "__main__":
    code = main()
    scratch.clear()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # answering threads may still wait for a client that never comes
