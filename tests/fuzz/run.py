#!/usr/bin/env python3
"""Runs fuzz targets: what `./dev fuzz` does once they are built.

New inputs go to build/fuzz/corpus/TARGET and stay there, so that the next run goes on from them; what fails is written to
build/fuzz/findings/. --merge adds to tests/fuzz/corpus/TARGET those new inputs that reach something new, and only these.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
DICTIONARIES = HERE / "dictionary"
# A target that needs longer for one input, or more memory, has found something.
LIMITS = ["-timeout=60", "-rss_limit_mb=2048"]
MERGED_FILES, MERGED_BYTES = 200, 4096  # a corpus is replayed by every test run: it stays small


def targets():
    return sorted(re.findall(r"^chain429_fuzz\((\w+)\.cc ", (HERE / "CMakeLists.txt").read_text(), re.MULTILINE))


def run(build, target, seconds):
    """Fuzzes one target. Returns its last lines and whether nothing was found."""
    own, findings = build / "corpus" / target, build / "findings"
    own.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    log = build / f"{target}.log"
    command = [build / "bin" / "fuzz" / target, f"-max_total_time={seconds}", *LIMITS, "-print_final_stats=1",
               f"-artifact_prefix={findings}/{target}-", own, CORPUS / target]
    if (DICTIONARIES / target).exists():
        command.append(f"-dict={DICTIONARIES / target}")
    with open(log, "wb") as out:
        status = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    text = log.read_text(errors="replace")
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)
    runs = re.findall(r"number_of_executed_units: (\d+)", text)
    summary = f"{target}: {runs[-1] if runs else 0} runs"
    if coverage:
        summary += ", {} edges, {} features, {} inputs".format(*coverage[-1])
    if status == 0:
        return summary, True
    told = [line for line in text.splitlines() if re.search(r"must hold|ERROR:|runtime error|Test unit written", line)]
    return "\n    ".join([f"FAILED {summary}; all of it is in {log}", *told]), False


def merge(build, target):
    """Copies what adds coverage from the build's corpus to the repository's, small inputs first."""
    kept, found, scratch = CORPUS / target, build / "corpus" / target, build / "merge" / target
    if not found.is_dir():
        return f"{target}: nothing to merge"
    subprocess.run(["rm", "-rf", scratch], check=True)
    scratch.mkdir(parents=True)
    subprocess.run([build / "bin" / "fuzz" / target, "-merge=1", *LIMITS, scratch, kept, found],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    have = {path.read_bytes() for path in kept.iterdir()}
    added = 0
    for path in sorted(scratch.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        content = path.read_bytes()
        if content in have or len(content) > MERGED_BYTES or len(have) + added >= MERGED_FILES:
            continue
        (kept / f"found_{path.name[:12]}").write_bytes(content)
        added += 1
    return f"{target}: {added} inputs added"


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("target", nargs="?", help="a target, or `all`")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at the same time (default 1)")
    parser.add_argument("--merge", action="store_true", help="afterwards, keep what adds coverage in tests/fuzz/corpus")
    options = parser.parse_args()
    if options.list:
        print("\n".join(targets()))
        return 0
    if options.target != "all" and options.target not in targets():
        print(f"there is no target '{options.target}'; known are: {', '.join(targets())}", file=sys.stderr)
        return 2
    chosen = targets() if options.target == "all" else [options.target]
    os.nice(5)
    good = True
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        for summary, fine in pool.map(lambda target: run(options.build, target, options.seconds), chosen):
            print(summary, flush=True)
            good = good and fine
    if options.merge:
        for target in chosen:
            print(merge(options.build, target), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
