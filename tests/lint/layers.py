"""Which folder may include which: the edges of ARCHITECTURE.md, and what the pure folders must not touch."""

import re

from source import code_only, includes_of, line_of

# Direct reading: a folder may include those in its set, and itself.
COMMON = {
    "common/base": set(),
    "common/model": {"common/base"},
    "common/http": {"common/base"},
    "common/limits": {"common/base", "common/model"},
    "common/provider": {"common/base", "common/model", "common/http"},
    "common/waterfall": {"common/base", "common/model", "common/limits", "common/provider"},
    "common/config": {"common/base", "common/model", "common/limits", "common/provider"},
    "common/wire": {"common/base", "common/model"},
    "common/io": {"common/base", "common/http"},
    "common/cli": {"common/base", "common/io"},
}
PLANES = ("dataplane", "controlplane")
# The only places that see generated code. Tests may, to speak to either plane from outside.
GENERATED_USERS = ("common/wire", "dataplane/link", "controlplane/fleet", "controlplane/api", "controlplane/ctl", "tests/")
# Libraries whose headers are included in quotes, by the first part of the path.
OUTSIDE = ("absl", "boost", "google", "grpc", "grpcpp", "gtest", "nlohmann", "openssl", "yaml-cpp", "CLI", "simdjson.h",
           "sqlite3.h", "libpq-fe.h")

PURE = ("common/base", "common/model", "common/http", "common/limits", "common/provider", "common/waterfall",
        "common/config", "dataplane/http")
# The edges to the operating system that base offers to everyone else, each in one file: the clock, entropy and the log's one
# write; log's level is an atomic. (inet_pton of arpa/inet.h only parses text, so that header may be included anywhere.)
ALLOWED_IMPURE = ("common/base/clock.cc", "common/base/random.cc", "common/base/log.cc", "common/base/log.h")

BANNED_HEADERS = re.compile(
    r"^(thread|mutex|shared_mutex|condition_variable|future|atomic|semaphore|latch|barrier|stop_token|fstream|filesystem|"
    r"iostream|ctime|time\.h|unistd\.h|fcntl\.h|netdb\.h|pthread\.h|signal\.h|csignal|sys/.*|netinet/.*|"
    r"boost/asio.*|boost/beast.*|grpc.*|openssl/(ssl|bio).*|sqlite3\.h|libpq-fe\.h|absl/synchronization/.*|absl/time/clock\.h)$")
BANNED_TOKENS = re.compile(
    r"\babsl::(?:Now|SleepFor|Mutex|GetCurrentTimeNanos|LocalTimeZone)\b|\b\w*_clock::now\b|\b(?:gettimeofday|clock_gettime)\b"
    r"|(?<![\w.>:])(?:std::)?(?:time|clock)\s*\(\s*(?:nullptr|NULL|0|)\s*\)"
    r"|\bstd::(?:thread|jthread|this_thread|async|mutex|shared_mutex|recursive_mutex|condition_variable\w*|atomic\w*|"
    r"random_device|ifstream|ofstream|fstream|filesystem|cout|cerr|cin)\b"
    r"|(?<![\w.>:])(?:std::)?(?:s?rand|fopen|getenv|getpid|secure_getenv|usleep|nanosleep)\s*\("
    r"|(?<![\w.>:])::(?:open|read|write|socket|connect|close|poll|getrandom)\s*\("
    r"|\bthread_local\b|\b(?:boost::asio|boost::beast|grpc::)")


def folder_of(path):
    """common/limits/ledger.cc → common/limits; dataplane/http/escapes.h → dataplane/http; tests/sim/x.cc → tests."""
    parts = path.split("/")
    if parts[0] == "tests":
        return "tests"
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def is_code(path):
    return path.endswith((".cc", ".h")) and path.split("/")[0] in ("common", "dataplane", "controlplane", "tests", "cmake")


def allowed(source, target):
    """Whether a file in folder `source` may include one in folder `target`."""
    if source == target or source == "tests":
        return True
    if target == "tests":
        return False
    if source in COMMON:
        return target in COMMON[source]
    plane = source.split("/")[0]
    if plane in PLANES:
        return target in COMMON or target.split("/")[0] == plane
    return False


def check_edges(files):
    """Includes that point the wrong way, that do not start at the root, or that name generated code outside its users."""
    found = []
    for path, text in sorted(files.items()):
        if not is_code(path):
            continue
        for line, included, quoted in includes_of(text):
            if included.startswith("chain429/v1/") or re.search(r"\.pb\.h$", included):
                if not path.startswith(GENERATED_USERS):
                    found.append(f"{path}:{line}: generated code is only for {', '.join(GENERATED_USERS)}: {included}")
            elif quoted and included.split("/")[0] not in OUTSIDE:
                if included not in files:
                    found.append(f"{path}:{line}: include paths start at the root, and no such file is there: {included}")
                elif not allowed(folder_of(path), folder_of(included)):
                    found.append(f"{path}:{line}: {folder_of(path)} must not include {folder_of(included)}: {included}")
    return found


def check_unknown_folders(files):
    """A new folder in common/ needs its place in the layers."""
    folders = {folder_of(path) for path in files if path.startswith("common/") and path.endswith((".cc", ".h"))}
    return [f"{folder}: has no place in COMMON of tests/lint/layers.py" for folder in sorted(folders - set(COMMON))]


def check_pure(files):
    """Clocks, threads, locks, files, sockets and entropy in folders whose code only decides."""
    found = []
    for path, text in sorted(files.items()):
        if not path.endswith((".cc", ".h")) or folder_of(path) not in PURE or path in ALLOWED_IMPURE:
            continue
        for line, included, _ in includes_of(text):
            if BANNED_HEADERS.match(included):
                found.append(f"{path}:{line}: a pure folder includes <{included}>")
        code = code_only(text)
        for match in BANNED_TOKENS.finditer(code):
            found.append(f"{path}:{line_of(code, match.start())}: a pure folder uses {match.group(0).strip()}")
    return found
