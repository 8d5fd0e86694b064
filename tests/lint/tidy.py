#!/usr/bin/env python3
"""clang-tidy over the files that changed since they were last found clean, or over all of them.

    tidy.py --build DIR [--jobs N] [--all] [FILE ...]

A file counts as changed when it, a header of ours that it includes, its compile arguments, .clang-tidy or the tool changed.
"""

import argparse
import os
import subprocess
import sys

import compiled
from source import project_root

TOOL = "clang-tidy-19"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="look at every file again")
    parser.add_argument("files", nargs="*", help="paths, or beginnings of paths, from the root")
    options = parser.parse_args()
    root = project_root()
    version = subprocess.run([TOOL, "--version"], check=True, capture_output=True, text=True).stdout
    with open(os.path.join(root, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read()

    includes, digests, work = {}, {}, []
    for path, arguments in sorted(compiled.commands(options.build).items()):
        name = os.path.relpath(path, root)
        if name.startswith(("..", "build/")) or (options.files and not name.startswith(tuple(options.files))):
            continue
        # g++ is told to be quiet about warnings that clang does not know.
        command = [TOOL, "--quiet", path, "--", *arguments[1:], "-Wno-unknown-warning-option"]
        print_of = compiled.fingerprint([version, settings, *command], compiled.closure(path, root, includes), digests)
        work.append((name, print_of, command))
    memory = compiled.Memory(os.path.join(options.build, "clean-tidy.txt"))
    if options.all:
        memory.known = set()
    broken = compiled.check_all(work, options.jobs, memory, "files")
    if not options.files:
        memory.prune()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
