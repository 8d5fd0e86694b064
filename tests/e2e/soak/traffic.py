"""The clients of the soak: many kinds, each knows what it may see, and everything else is an unexpected error."""

import collections
import json
import queue
import random
import sys
import threading
import time

from support import sse
from support.raw_client import Client, Connection

from scene import KEY

HEADERS = {"authorization": f"Bearer {KEY}"}
CHAT = "/v1/chat/completions"
BODY = b'{"model":"steady","messages":[]}'


class Unexpected(Exception):
    """What a client should never see."""


def head(*lines, method="POST", path=CHAT):
    return "".join(
        f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}", *lines, "")
    ).encode()


def with_body(body, *lines):
    return head(f"Content-Length: {len(body)}", *lines) + body


# name: (the bytes, the statuses that may answer them)
MALFORMED = {
    "no json": (with_body(b"{"), {400}),
    "no object": (with_body(b"[]"), {400}),
    "no model": (with_body(b'{"messages":[]}'), {400}),
    "no utf-8": (with_body(b'{"model":"\xff"}'), {400}),
    "deep": (with_body(b'{"model":"steady","a":' + b"[" * 5000), {400}),
    "unknown model": (with_body(b'{"model":"nothing"}'), {404}),
    "unknown path": (head(method="GET", path="/v2/nothing"), {404}),
    "method": (head(method="DELETE"), {405}),
    "two lengths": (head("Content-Length: 1", "Content-Length: 2"), {400}),
    "length and chunked": (head("Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n", {400}),
    "bad chunk": (head("Transfer-Encoding: chunked") + b"zz\r\n", {400}),
    "bare lf": (b"GET /health HTTP/1.1\nHost: x\n\n", {400}),
    "space before colon": (head("X-A : 1"), {400}),
    "huge head": (head(*(f"X-{i}: {'a' * 1000}" for i in range(100))), {431}),
    "long uri": (head(method="GET", path="/" + "a" * 10000), {414}),
    "claimed too large": (head("Content-Length: 999999999"), {413}),
    "sent too large": (
        head("Transfer-Encoding: chunked") + b"%x\r\n" % (1 << 21) + b" " * (1 << 21) + b"\r\n0\r\n\r\n",
        {413},
    ),
    "wrong key": (with_body(BODY).replace(KEY.encode(), b"sk-wrong"), {401}),
}


class Traffic:
    """`rate` requests a second by a fixed number of clients, each a thread, until `stop`."""

    def __init__(self, scene, rate, seed, clients=48):
        self.scene, self.rate = scene, rate
        self.outcomes, self.unexpected = collections.Counter(), []
        self.unexpected_count = self.begun = self.slowest = 0
        self._due, self._stop, self._lock = queue.Queue(clients), threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._pace, daemon=True)]
        self._threads += [
            threading.Thread(target=self._client, args=(random.Random(f"{seed}/{i}"),), daemon=True)
            for i in range(clients)
        ]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        """No further request; those under way end. True if all did."""
        self._stop.set()
        deadline = time.monotonic() + 90
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _pace(self):
        started, number = time.monotonic(), 0
        while not self._stop.wait(max(0.0, started + number / self.rate - time.monotonic())):
            number += 1
            try:
                self._due.put_nowait(number)
            except queue.Full:  # every client is busy and one request waits for each: this one is left out
                pass

    def _client(self, rng):
        kept = {}
        while not self._stop.is_set():
            try:
                self._due.get(timeout=0.2)
            except queue.Empty:
                continue
            ((name, run),) = rng.choices(list(KINDS.items()), WEIGHTS)
            address = rng.choice(self.scene.fleet.proxies).api
            began = time.monotonic()
            try:
                outcome = run[1](self, rng, address, kept)
            except Exception as error:  # noqa: BLE001: whatever was not foreseen is what the soak looks for
                self.report(f"{name} at {address} after {time.monotonic() - began:.1f} s: {error!r}"[:1500])
                outcome = "UNEXPECTED"
            with self._lock:
                self.begun += 1
                self.outcomes[f"{name}: {outcome}"] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
        for connection in kept.values():
            connection.close()

    def report(self, what):
        with self._lock:
            self.unexpected_count += 1
            if len(self.unexpected) < 50:
                self.unexpected.append(what)
                print(f"unexpected: {what}", file=sys.stderr, flush=True)


def body_for(rng, model, stream=False):
    size = rng.choice((50, 200, 1000, 1000, 5000, 20000)) if rng.random() < 0.98 else 500_000
    fields = {"model": model, "messages": [{"role": "user", "content": "x" * rng.randrange(size)}]}
    if stream:
        fields |= {"stream": True, **({"stream_options": {"include_usage": True}} if rng.random() < 0.5 else {})}
    return json.dumps(fields).encode()


def must_be(answer, statuses):
    if answer.status not in statuses:
        raise Unexpected(f"{answer!r}")
    return str(answer.status)


def whole(answer):
    must_be(answer, {200})
    if not answer.content:
        raise Unexpected(f"no content: {answer!r}")
    return "200"


def whole_stream(answer, may_break=False):
    must_be(answer, {200})
    payloads = sse.payloads(answer.body)
    if payloads[-1:] == [b"[DONE]"]:
        return "whole"
    if may_break and payloads and json.loads(payloads[-1]).get("error", {}).get("code") == "stream_broken":
        return "broken, and said so"
    raise Unexpected(f"a stream ended with {answer.body[-300:]!r}")


def chat(rng, address, model, stream=False):
    return Client(address, HEADERS, timeout=90).post(CHAT, body_for(rng, model, stream))


def plain(traffic, rng, address, kept):
    model = rng.choice(("steady", "large", "learnt", "solid/m"))
    return whole(chat(rng, address, model))


def stream(traffic, rng, address, kept):
    return whole_stream(chat(rng, address, rng.choice(("steady", "large", "learnt", "slow")), True))


def breaking(traffic, rng, address, kept):
    return whole_stream(chat(rng, address, "breaking", True), may_break=True)


def limited(traffic, rng, address, kept):
    answer = chat(rng, address, "limited", rng.random() < 0.3)
    if must_be(answer, {200, 429}) == "429" and not (
        answer.header("retry-after") and answer.error["code"] == "chain_exhausted"
    ):
        raise Unexpected(f"{answer!r}")
    return str(answer.status)


def down(traffic, rng, address, kept):
    return must_be(chat(rng, address, "down"), {502})


def extra(traffic, rng, address, kept):
    """A chain that a reload may take away meanwhile."""
    return must_be(chat(rng, address, traffic.scene.extra), {200, 404} | ({429} if traffic.scene.learning() else set()))


def models(traffic, rng, address, kept):
    return must_be(Client(address, HEADERS).get("/v1/models"), {200})


def kept_alive(traffic, rng, address, kept):
    """One of several requests on a connection. One that was closed while it idled is opened anew."""
    for _ in range(2):
        reused = address in kept
        connection = kept.pop(address, None) or Connection(address, timeout=90)
        try:
            connection.request("POST", CHAT, body_for(rng, "steady", streamed := rng.random() < 0.4), HEADERS)
            answer = connection.head()
        except (OSError, AssertionError):
            connection.close()
            if not reused or connection.buffer:
                raise
            continue
        connection.body(answer)
        outcome = whole_stream(answer) if streamed else whole(answer)
        if (answer.header("connection") or "").lower() == "close" or rng.random() < 0.05:
            connection.close()
        else:
            kept[address] = connection
        return outcome
    raise Unexpected("closed twice before an answer")


def malformed(traffic, rng, address, kept):
    name = rng.choice(list(MALFORMED))
    data, statuses = MALFORMED[name]
    with Connection(address, timeout=60) as connection:
        try:
            connection.send(data)
        except OSError:
            pass  # refused before all of it was sent: the answer may still be there
        try:
            answer = connection.answer()
        except OSError:
            return f"{name}: reset"
        return f"{name}: {must_be(answer, statuses)}"


ABORTS = ("at once", "in the head", "in the body", "when sent", "while it waits", "in the stream", "unread")


def abort(traffic, rng, address, kept):
    """A client that leaves at a random point, politely or not."""
    where = rng.choice(ABORTS)
    body = body_for(rng, rng.choice(("slow", "slow", "steady")), rng.random() < 0.8)
    data = head(f"Content-Length: {len(body)}")
    connection = Connection(address, timeout=60, receive_buffer=4096 if where == "unread" else None)
    try:
        if where == "in the head":
            connection.send(data[: rng.randrange(1, len(data))])
        elif where == "in the body":
            connection.send(data + body[: rng.randrange(len(body))])
        elif where != "at once":
            connection.send(data + body)
        if where in ("while it waits", "unread"):
            time.sleep(rng.random() * 0.2)  # a client's patience; nothing is waited for
        elif where == "in the stream":
            pieces = connection.pieces(must := connection.head())
            must_be(must, {200})
            for _ in zip(range(rng.randrange(1, 6)), pieces):
                pass
    finally:
        if rng.random() < 0.5:
            connection.reset()
        else:
            connection.close()
    return where


# name: (weight, function)
KINDS = {
    "plain": (22, plain),
    "stream": (18, stream),
    "kept alive": (22, kept_alive),
    "abort": (12, abort),
    "breaking": (5, breaking),
    "limited": (8, limited),
    "malformed": (5, malformed),
    "down": (2, down),
    "extra": (4, extra),
    "models": (2, models),
}
WEIGHTS = [weight for weight, _ in KINDS.values()]
