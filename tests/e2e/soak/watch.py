"""Looks at the programs every few seconds: memory, descriptors, threads."""

import os
import threading
import time
from pathlib import Path


def look(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {
        "rss_kib": int(fields["VmRSS"].split()[0]),
        "threads": int(fields["Threads"]),
        "fds": len(os.listdir(f"/proc/{pid}/fd")),
    }


def steady(programs, timeout=20.0, at_most=None):
    """What each program has open now that all is idle: {name: {fds, threads}}. The last connections close a moment
    after the last answers, so it looks until the numbers are those of `at_most`; without, until these stay."""
    deadline, before = time.monotonic() + timeout, None
    while True:
        now = {
            name: {key: value for key, value in look(program.pid).items() if key != "rss_kib"}
            for name, program in programs().items()
        }
        fits = now == before if at_most is None else all(now[name]["fds"] <= at_most[name]["fds"] for name in at_most)
        if fits or time.monotonic() > deadline:
            return now
        before = now
        time.sleep(0.5)


class Watch(threading.Thread):
    """Keeps samples: {program: [(seconds since the start, rss_kib, fds, threads)]}. `ended`: a program that died."""

    def __init__(self, scene, every):
        super().__init__(daemon=True)
        self.scene, self.every = scene, every
        self.samples, self.ended = {}, None
        self.started = time.monotonic()
        self._stop_asked = threading.Event()

    def run(self):
        while not self._stop_asked.wait(self.every):
            self.take()

    def take(self):
        for name, program in self.scene.programs().items():
            try:
                seen = look(program.pid)
            except (OSError, KeyError):
                # The control plane is ended once on purpose, and is then between two processes.
                if name != "control" and not self._stop_asked.is_set():
                    self.ended = f"{name} ended with {program.process.poll()}"
                continue
            self.samples.setdefault(name, []).append(
                (time.monotonic() - self.started, seen["rss_kib"], seen["fds"], seen["threads"])
            )

    def last(self, name):
        return self.samples[name][-1] if self.samples.get(name) else (0, 0, 0, 0)

    def stop(self):
        self._stop_asked.set()
        self.join()
