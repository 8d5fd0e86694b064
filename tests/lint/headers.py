#!/usr/bin/env python3
"""Compiles each header of the project alone: one that leans on what its includer happened to include is found here.

    headers.py --build DIR [--jobs N]
"""

import argparse
import os
import sys

import compiled
from source import project_names, project_root


def arguments_for(header, sources):
    """The compile arguments of a file that stands near: the same folder, else the nearest folder above or below."""
    folder = os.path.dirname(header)
    best, score = None, -1
    for path, arguments in sorted(sources.items()):
        common = len(os.path.commonpath([folder, os.path.dirname(path)]))
        exact = os.path.splitext(path)[0] == os.path.splitext(header)[0]
        rank = common * 4 + 2 * exact + (os.path.dirname(path) == folder)
        if rank > score:
            best, score = arguments, rank
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    root = project_root()
    sources = {path: arguments for path, arguments in compiled.commands(options.build).items() if path.startswith(root + "/")}
    headers = [os.path.join(root, name) for name in project_names(root) if name.endswith(".h")]

    includes, digests, work = {}, {}, []
    for header in headers:
        arguments = arguments_for(header, sources)
        # Included by nothing but the command line, so that #pragma once has an includer to speak of.
        command = arguments + ["-fsyntax-only", "-include", header, "-x", "c++", os.devnull]
        print_of = compiled.fingerprint(["header", *command], compiled.closure(header, root, includes), digests)
        work.append((os.path.relpath(header, root), print_of, command))
    memory = compiled.Memory(os.path.join(options.build, "clean-headers.txt"))
    broken = compiled.check_all(work, options.jobs, memory, "headers")
    memory.prune()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
