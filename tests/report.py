#!/usr/bin/env python3
"""Runs ctest and counts cases: what `./dev test` prints.

Shows progress, the output of each failing test when it fails, the failing names again at the end, and last, alone on a line,
`N passed, N failed` (with `, N skipped` when there are any). Every test of ctest counts as one case, but for those labelled
`counted`: they run a file with many cases and print such a line themselves.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.MULTILINE)
RESULT = re.compile(r"^\s*(\d+)/(\d+) +Test +#\d+: (.+?) [ .]*(\**[A-Z][A-Za-z():_ ]*?)\s+(\d+\.\d+) sec")
NOISE = re.compile(r"^\s*Start\s+\d+: |^Test project |^\s*$")


def listed(build, only):
    """Names of the tests that ctest would run, and which of them are `counted`."""
    command = ["ctest", "--test-dir", build, "--show-only=json-v1"] + (["-R", only] if only else [])
    tests = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["tests"]
    counted = set()
    for test in tests:
        for item in test.get("properties", []):
            if item["name"] == "LABELS" and "counted" in item["value"]:
                counted.add(test["name"])
    return [test["name"] for test in tests], counted


def count_case(case, counted):
    """(passed, failed, skipped) of one <testcase> of ctest's JUnit file."""
    status = case.get("status")
    if case.get("name") in counted:
        lines = COUNTS.findall(case.findtext("system-out") or "")
        if not lines:
            return 0, 1, 0
        passed, failed, skipped = (int(number or 0) for number in lines[-1])
        # Killed, timed out or crashed after its last line: the file failed, whatever it printed.
        if status != "run" and failed == 0:
            failed = 1
        return passed, failed, skipped
    if status == "run":
        return 1, 0, 0
    skipped = case.find("skipped")
    if status == "disabled" or (skipped is not None and "SKIP_" in skipped.get("message", "")):
        return 0, 0, 1
    return 0, 1, 0


def count(junit, names, counted):
    """Adds up a JUnit file. A listed test that has no result there (ctest was killed) is a failure."""
    total, failing, seen = [0, 0, 0], [], set()
    for case in junit.iter("testcase"):
        numbers = count_case(case, counted)
        seen.add(case.get("name"))
        total = [a + b for a, b in zip(total, numbers)]
        if numbers[1]:
            failing.append(case.get("name"))
    for name in names:
        if name not in seen:
            total[1] += 1
            failing.append(f"{name} (no result)")
    return total, failing


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line every 15 seconds."""

    def __init__(self, stream):
        self.stream, self.terminal = stream, stream.isatty()
        self.shown, self.width = time.monotonic(), 0

    def show(self, text):
        if self.terminal:
            text = text[:100]
            self.stream.write("\r" + text.ljust(self.width))
            self.width = len(text)
            self.stream.flush()
        elif time.monotonic() - self.shown >= 15:
            self.shown = time.monotonic()
            print("    " + text, file=self.stream, flush=True)

    def clear(self):
        if self.terminal and self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.width = 0


def follow(lines, progress, colours):
    """Reads ctest's output: passes on what belongs to failures. Returns the slowest tests as (seconds, name)."""
    red, reset = ("\033[31m", "\033[0m") if colours else ("", "")
    times, failed, showing = [], 0, False
    for line in lines:
        match = RESULT.match(line)
        if match:
            done, of, name, verdict, seconds = match.groups()
            times.append((float(seconds), name))
            showing = verdict.startswith("***") and "Skipped" not in verdict
            if showing:
                failed += 1
                progress.clear()
                print(f"{red}FAILED{reset} {name} ({verdict.strip('*')}, {seconds} s)", flush=True)
            progress.show(f"[{done}/{of}] {failed} failed, {name}")
        elif re.match(r"^\d+% tests passed", line):
            showing = False
        elif showing and not NOISE.match(line):
            print("    " + line.rstrip("\n"), flush=True)
    progress.clear()
    return sorted(times, reverse=True)


def run_ctest(build, only, jobs, junit_path):
    command = ["ctest", "--test-dir", build, "-j", str(jobs), "--output-on-failure", "--output-junit", junit_path,
               # The line with the counts is a long test's last: keep the whole output.
               "--test-output-size-passed", "4000000", "--test-output-size-failed", "4000000"]
    command += ["-R", only] if only else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        slowest = follow(process.stdout, Progress(sys.stderr), sys.stdout.isatty())
        process.wait()
        return slowest
    except KeyboardInterrupt:
        process.wait()
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="a configured and built folder")
    parser.add_argument("--only", help="regular expression over the tests' names")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()

    names, counted = listed(options.build, options.only)
    if not names:
        print(f"No test matches '{options.only}'" if options.only else "There are no tests")
        print("0 passed, 0 failed")
        return 1
    print(f"Running {len(names)} tests, {options.jobs} at a time", file=sys.stderr, flush=True)
    junit_path = os.path.join(os.path.abspath(options.build), "tests.xml")
    if os.path.exists(junit_path):
        os.remove(junit_path)
    try:
        slowest = run_ctest(options.build, options.only, options.jobs, junit_path)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if os.path.exists(junit_path):
        junit = ElementTree.parse(junit_path)
    else:
        junit = ElementTree.Element("testsuite")
    (passed, failed, skipped), failing = count(junit, names, counted)

    for seconds, name in [item for item in slowest[:3] if item[0] > 5]:
        print(f"slow: {name} took {seconds:.0f} s", file=sys.stderr)
    print(f"Tests took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if failing:
        print("Failed:\n  " + "\n  ".join(failing))
    line = f"{passed} passed, {failed} failed"
    print(f"{line}, {skipped} skipped" if skipped else line, flush=True)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
