"""The programs under test as child processes: where they are, their logs, their end."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from support.poll import until

ROOT = Path(__file__).resolve().parents[3]


def bin_dir():
    chosen = os.environ.get("CHAIN429_BIN")
    if chosen:
        return Path(chosen)
    for preset in ("release", "debug"):
        if (ROOT / "build" / preset / "bin" / "429chain-proxy").exists():
            return ROOT / "build" / preset / "bin"
    return ROOT / "build" / "release" / "bin"


def instrumented():
    """The programs are built with a sanitizer: what they take of memory says nothing."""
    return any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))


def program(name):
    path = bin_dir() / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; CHAIN429_BIN names the directory of the programs")
    return str(path)


def clean_environment(extra=None):
    """Nothing of the caller's CHAIN429_* or provider keys reaches a program unless a test says so."""
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                                       "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS") if k in os.environ}
    return {**kept, **(extra or {})}


class Program:
    """A running program. Its output goes to files, so that nothing blocks on a pipe that nobody reads."""

    def __init__(self, name, arguments, env=None, directory=None, label=None):
        self.label = label or name
        self._own_directory = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="429chain-test-"))
        stem = f"{self.label}-{time.monotonic_ns()}"
        self.out_path = self.directory / f"{stem}.out"
        self.err_path = self.directory / f"{stem}.err"
        command = [program(name), *map(str, arguments)]
        # A test that is killed takes its programs with it.
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=clean_environment(env), cwd=self.directory, start_new_session=True)
        self.pid = self.process.pid

    # What it wrote.
    @property
    def stdout(self):
        return self.out_path.read_text(errors="replace")

    @property
    def stderr(self):
        return self.err_path.read_text(errors="replace")

    @property
    def output(self):
        return self.stdout + self.stderr

    def wait_for(self, pattern, timeout=20.0):
        """The first match of the pattern in the output."""
        def look():
            found = re.search(pattern, self.output)
            if not found and self.process.poll() is not None:
                found = re.search(pattern, self.output)
                if not found:
                    raise RuntimeError(f"{self.label} ended with {self.process.returncode} before /{pattern}/\n"
                                       f"{self.tail()}")
            return found
        return until(look, timeout, f"{self.label}: /{pattern}/ in\n{self.tail()}")

    def tail(self, lines=60):
        def last(text):
            return "\n".join(text.splitlines()[-lines:])
        return f"--- {self.label} stdout\n{last(self.stdout)}\n--- {self.label} stderr\n{last(self.stderr)}\n"

    # Its life.
    @property
    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)
        # The kernel stops one thread first, and that one the others: meanwhile they still answer.
        if number == signal.SIGSTOP:
            until(self.stopped, 10.0, f"{self.label} to stand still")

    def stopped(self):
        """Does none of its threads run?"""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "tT" for thread in threads)

    def wait(self, timeout=10.0):
        """Its exit code; a program that does not end in time fails the test."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.label} has not ended within {timeout:g} s\n{self.tail()}") from None

    def kill(self):
        """kill -9, also for a stopped one."""
        if self.running:
            self.process.kill()
            self.process.wait()

    def terminate(self, timeout=10.0):
        if self.running:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def rss_kib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise OSError("no VmRSS")


def run(name, arguments, env=None, timeout=30.0, directory=None):
    """Runs a program to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([program(name), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, env=clean_environment(env), cwd=directory)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
