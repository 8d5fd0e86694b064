"""The build's compile commands, and a memory of what was already found clean, so that a second run costs seconds."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def commands(build):
    """{absolute path: arguments} for each file of ours, without compiler cache, output and precompiled header."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        arguments = shlex.split(entry["command"])
        while os.path.basename(arguments[0]) == "ccache":
            arguments = arguments[1:]
        kept, skip = [], False
        for position, argument in enumerate(arguments):
            if skip:
                skip = False
            elif argument in ("-o", "-include") or (argument == "-Xclang" and position):
                skip = True
            elif argument in ("-c", "-Winvalid-pch") or argument == entry["file"]:
                continue
            else:
                kept.append(argument)
        found[os.path.abspath(entry["file"])] = kept
    return found


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


# What clang-tidy says about warnings that it then does not show.
COUNTED = re.compile(r"^\d+ warnings? (?:and \d+ errors? )?generated\.\n", re.MULTILINE)
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def closure(path, root, memory):
    """The project's own files that a file includes, itself with them; generated and outside headers are left out."""
    pending, seen = [path], set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in memory:
            memory[name] = [os.path.join(root, included.decode()) for included in INCLUDE.findall(read(name))]
        pending += [included for included in memory[name] if os.path.isfile(included)]
    return sorted(seen)


def fingerprint(parts, paths, digests):
    """A hash over settings and the contents of files."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.encode() + b"\0")
    for path in paths:
        if path not in digests:
            digests[path] = hashlib.sha256(read(path)).digest()
        whole.update(path.encode() + digests[path])
    return whole.hexdigest()


class Memory:
    """The fingerprints of what was clean, one a line, in the build folder."""

    def __init__(self, path):
        self.path = path
        self.known = set(read(path).decode().split())
        self.used = set()

    def holds(self, print_of):
        if print_of in self.known:
            self.used.add(print_of)
            return True
        return False

    def add(self, print_of):
        """Kept at once: an interrupted run is not lost."""
        self.used.add(print_of)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(print_of + "\n")

    def prune(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in sorted(self.used)))


def check_all(work, jobs, memory, what):
    """Runs each (name, fingerprint, command) whose fingerprint is not known to be clean. Returns how many were not."""
    todo = [item for item in work if not memory.holds(item[1])]
    print(f"{len(work)} {what}, {len(work) - len(todo)} of them unchanged since they were clean", file=sys.stderr, flush=True)
    broken = done = 0

    def run(item):
        return item, subprocess.run(item[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                    check=False)

    with ThreadPoolExecutor(jobs) as pool:
        for (name, print_of, _), ran in pool.map(run, todo):
            done += 1
            if ran.returncode == 0:
                memory.add(print_of)
            else:
                broken += 1
                if sys.stderr.isatty():
                    print("\r" + " " * 90 + "\r", end="", file=sys.stderr, flush=True)
                print(f"{name}:\n{COUNTED.sub('', ran.stdout).strip()}\n", flush=True)
            if sys.stderr.isatty():
                print(f"\r[{done}/{len(todo)}] {name[-60:]:60}", end="", file=sys.stderr, flush=True)
            elif done % 20 == 0:
                print(f"    {done} of {len(todo)}", file=sys.stderr, flush=True)
    if todo and sys.stderr.isatty():
        print(file=sys.stderr)
    return broken
