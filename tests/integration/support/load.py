"""A steady load of chat requests over several proxies, and what became of each of them."""
import threading
import time

from support import sse
from support.raw_client import Client


class Outcome:
    def __init__(self, number, at):
        self.number, self.at = number, at
        self.status = None
        self.seconds = None
        self.target = None
        self.error = None

    def __repr__(self):
        return f"#{self.number} at {self.at:.2f}: {self.status} {self.target} in {self.seconds} ({self.error})"


class Load:
    """`rate` requests a second in turn over the proxies' addresses, each on a connection of its own, for `seconds` or until `stop`."""

    def __init__(self, addresses, model, rate, seconds=None, stream=lambda number: False, headers=None):
        self.addresses = addresses() if callable(addresses) else list(addresses)
        self.model, self.rate, self.seconds, self.stream = model, rate, seconds, stream
        self.headers = headers
        self.outcomes = []
        self.started = None
        self._stop = threading.Event()
        self._workers = []
        self._pacer = threading.Thread(target=self._pace, daemon=True)

    def start(self):
        self.started = time.monotonic()
        self._pacer.start()
        return self

    def stop(self):
        self._stop.set()
        return self.wait()

    def wait(self, timeout=180):
        deadline = time.monotonic() + timeout
        self._pacer.join(timeout)
        for worker in self._workers:
            worker.join(max(0.1, deadline - time.monotonic()))
        return self.outcomes

    def failures(self):
        return [outcome for outcome in self.outcomes if outcome.status != 200 or outcome.error]

    def slowest(self):
        return max((outcome.seconds or 999 for outcome in self.outcomes), default=0)

    def _pace(self):
        number = 0
        while not self._stop.is_set() and (self.seconds is None or number < self.rate * self.seconds):
            due = self.started + number / self.rate
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            worker = threading.Thread(target=self._one, args=(number,), daemon=True)
            worker.start()
            self._workers.append(worker)
            number += 1

    def _one(self, number):
        outcome = Outcome(number, time.monotonic() - self.started)
        self.outcomes.append(outcome)
        began = time.monotonic()
        stream = self.stream(number)
        try:
            client = Client(self.addresses[number % len(self.addresses)], self.headers, timeout=60)
            answer = client.chat(self.model, **({"stream": True} if stream else {}))
            outcome.status = answer.status
            outcome.target = answer.header("x-429chain-target")
            if stream and answer.status == 200 and sse.payloads(answer.body)[-1:] != [b"[DONE]"]:
                outcome.error = f"stream ended with {answer.body[-200:]!r}"
            if answer.status != 200:
                outcome.error = answer.body[:400]
        except Exception as error:  # noqa: BLE001: every kind of failure is an outcome
            outcome.error = repr(error)
        outcome.seconds = time.monotonic() - began
