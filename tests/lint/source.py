"""What the rules look at: the project's files, and C++ text without its comments and literals."""

import os
import re
import subprocess

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<char>(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+')""",
    re.DOTALL | re.VERBOSE,
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def blank(match):
    """Keeps the line breaks, so that line numbers stay true."""
    text = match.group(0)
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """C++ with comments, strings and characters blanked out; include lines keep their path."""
    includes = {}
    for match in INCLUDE.finditer(text):
        includes[match.start()] = match.end()

    def keep_includes(match):
        for start, end in includes.items():
            if start <= match.start() < end:
                return match.group(0)
        return blank(match)

    return TOKEN.sub(keep_includes, text)


def comments_only(text):
    """Only the comments of C++ text, on their lines."""
    kept = [" " if character != "\n" else "\n" for character in text]
    for match in TOKEN.finditer(text):
        if match.group("comment"):
            kept[match.start():match.end()] = match.group(0)
    return "".join(kept)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes_of(text):
    """(line, path, quoted) of each include that is not commented out."""
    code = code_only(text)
    return [(line_of(code, match.start()), match.group(2), match.group(1) == '"') for match in INCLUDE.finditer(code)]


def project_root():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def project_names(root):
    """The paths of every file that git would keep, the ones not yet added too."""
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted(name for name in names if name and os.path.isfile(os.path.join(root, name)))


def project_files(root):
    """{path: text} of every text file of the project."""
    files = {}
    for name in project_names(root):
        path = os.path.join(root, name)
        if not os.path.islink(path):
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" not in data:
                files[name] = data.decode("utf-8", errors="replace")
    return files
