"""Rules about files and words: length, unfinished work, header guards, sleeps in tests, what the build and documents name."""

import re

from source import code_only, comments_only, line_of

MAX_LINES = 500
CODE = (".cc", ".h", ".proto", ".py", ".ts", ".tsx", ".mjs", ".js", ".sh", ".cmake")
# Written apart, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b|\b[Ff]or" r" now\b")
SLEEPS = re.compile(r"\b(?:sleep_for|sleep_until|SleepFor|usleep|nanosleep)\b")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
TOP = ("common", "dataplane", "controlplane", "proto", "tests", "deploy", "cmake")
NAMED_PATH = re.compile(r"`((?:%s)/[\w./{},-]*)`" % "|".join(TOP))
SOURCE = re.compile(r"^(?:common|dataplane|controlplane|proto|tests)/.*\.(?:cc|h|proto|py|ts)$")


def check_length(files):
    return [f"{path}: {text.count(chr(10))} lines; split it by noun below {MAX_LINES}"
            for path, text in sorted(files.items())
            if (path.endswith(CODE) or path == "dev") and text.count("\n") >= MAX_LINES]


def check_unfinished(files):
    found = []
    for path, text in sorted(files.items()):
        if path.endswith(CODE) or path == "dev" or path in DOCUMENTS:
            for match in UNFINISHED.finditer(text):
                found.append(f"{path}:{line_of(text, match.start())}: finish it instead of writing '{match.group(0)}'")
    return found


def check_guards(files):
    """The first line of a header that is not a comment is its guard."""
    found = []
    for path, text in sorted(files.items()):
        if path.endswith(".h"):
            first = next((line.strip() for line in code_only(text).splitlines() if line.strip()), "")
            if first != "#pragma once":
                found.append(f"{path}: does not begin with #pragma once")
    return found


def check_sleeps(files):
    """A test that sleeps guesses: it waits for the event or turns a clock of its own."""
    found = []
    for path, text in sorted(files.items()):
        if path.startswith("tests/") and path.endswith(("_test.cc", "_test.h")):
            code = code_only(text)
            for match in SLEEPS.finditer(code):
                found.append(f"{path}:{line_of(code, match.start())}: a test sleeps ({match.group(0)})")
    return found


def check_banners(files):
    """Comments are sentences: no rulers drawn with dashes or stars."""
    found = []
    for path, text in sorted(files.items()):
        if path.endswith((".cc", ".h")):
            comments = comments_only(text)
            for match in re.finditer(r"//\s*[-=*/#]{8,}|/\*{4,}", comments):
                found.append(f"{path}:{line_of(text, match.start())}: a banner in a comment")
    return found


def check_build_lists(files):
    """Every C++ source is in the CMakeLists.txt that stands nearest to it, and every source named there exists."""
    found = []
    lists = {path: re.sub(r"#[^\n]*", "", text) for path, text in files.items() if path.endswith("/CMakeLists.txt")}
    for path in sorted(files):
        if path.endswith(".cc"):
            folder = path
            listing = None
            while "/" in folder and listing is None:
                folder = folder.rsplit("/", 1)[0]
                listing = lists.get(folder + "/CMakeLists.txt")
            name = path[len(folder) + 1:]
            if listing is not None and not re.search(r"(?<![\w/.-])%s\b" % re.escape(name), listing):
                found.append(f"{path}: is not in {folder}/CMakeLists.txt, so nothing builds it")
    for path, text in sorted(lists.items()):
        folder = path[:-len("CMakeLists.txt")]
        for name in re.findall(r"(?<![\w/.$}-])([\w/.-]+\.cc)\b", text):
            if folder + name not in files:
                found.append(f"{path}: names {name}, which is not there")
    return found


def expand(path):
    """common/{limits,provider}/ → both."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [whole for part in match.group(1).split(",")
            for whole in expand(path[:match.start()] + part.strip() + path[match.end():])]


def named_paths(text):
    """(line, path) of every path in backticks that starts at the root."""
    return [(line_of(text, match.start()), path)
            for match in NAMED_PATH.finditer(text) for path in expand(match.group(1))]


def check_named_paths(files):
    """A path that a document names exists."""
    folders = {path[:end] for path in files for end in [i for i, c in enumerate(path) if c == "/"]}
    found = []
    for document in DOCUMENTS:
        for line, path in named_paths(files.get(document, "")):
            if path.rstrip("/") not in folders and path not in files:
                found.append(f"{document}:{line}: names {path}, which is not there")
    return found


def check_all_folders_named(files):
    """ARCHITECTURE.md names every folder of code, two levels deep, as a path in backticks."""
    if "ARCHITECTURE.md" not in files:
        return []
    named = {path.rstrip("/") for _, path in named_paths(files["ARCHITECTURE.md"])}
    folders = {"/".join(path.split("/")[:2]) for path in files if SOURCE.match(path) and path.count("/") >= 2}
    return [f"ARCHITECTURE.md: does not name `{folder}/`" for folder in sorted(folders - named)]
