"""The demand: requests at times of their own, whatever the answers do, over any number of addresses."""
import asyncio
import json
import math
import random
import re
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from harvest.optimum import Request

BYTES_PER_TOKEN = 4
MARKER = re.compile(rb"#(\d+) of the harvest")
TEXT = "Explain why a gateway for rate-limited accounts should know every limit before it calls anybody at all. "
TIMEOUT_S = 120
GOLDEN = (5 ** 0.5 - 1) / 2


@dataclass
class Asked:
    """A request before it is sent, the same for every pass."""
    number: int
    after: float  # seconds since the start
    body: bytes
    stream: bool
    max_output: int = None

    def as_request(self, start, model):
        """As the provider of `model` sees it, who answers with the request itself. The proxy puts the model's name in, and
        asks streams for their usage."""
        size = len(self.body) + len(json.dumps(model)) - len(json.dumps("harvest"))
        size += len(',"stream_options":{"include_usage":true}') if self.stream else 0
        prompt = -(-size // BYTES_PER_TOKEN)
        completion = prompt if self.max_output is None else min(prompt, self.max_output)
        return Request(self.number, start + self.after, prompt, completion, self.max_output, self.stream)


def demand(rate, seconds, seed, model="harvest"):
    """Poisson arrivals; sizes of a heavy tail, from 50 to 2,000 tokens each way; a third are streams. The sizes are dealt out
    evenly (multiples of the golden ratio), so that any stretch of requests has nearly the same mean and the tokens of two
    passes can be compared, although they answer different requests."""
    draw = random.Random(seed)
    asked, at, share = [], draw.expovariate(rate), draw.random()
    while at < seconds:
        number = len(asked)
        stream = draw.random() < 1 / 3
        share = (share + GOLDEN) % 1
        tokens = min(2000, max(50, int(85 * math.exp(0.8 * statistics.NormalDist().inv_cdf(max(share, 1e-9))))))
        max_output = draw.choices([None, 1024, 4096], [3, 5, 2])[0]
        body = {"model": model, "messages": [{"role": "user", "content": f"#{number} of the harvest. "}], "stream": stream}
        if max_output is not None:
            body["max_tokens"] = max_output
        missing = tokens * BYTES_PER_TOKEN - len(json.dumps(body, separators=(",", ":")))
        body["messages"][0]["content"] += (TEXT * (missing // len(TEXT) + 1))[:max(0, missing)]
        asked.append(Asked(number, at, json.dumps(body, separators=(",", ":")).encode(), stream, max_output))
        at += draw.expovariate(rate)
    return asked


@dataclass
class Outcome:
    """What became of it; times are those of the wall clock, as in the simulator's log."""
    number: int
    at: float
    ended: float = 0.0
    status: int = None  # None: no whole answer
    code: str = None    # of an error
    target: str = None
    trail: str = ""
    error: str = None

    @property
    def ok(self):
        return self.status == 200 and self.error is None


class Address:
    """Kept connections to one base URL."""

    def __init__(self, base_url):
        parts = urlsplit(base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{base_url}: only http://HOST:PORT/PATH can be asked")
        self.host, self.port = parts.hostname, parts.port or 80
        self.path = parts.path.rstrip("/") + "/chat/completions"
        self.idle = []

    async def ask(self, asked, key, outcome):
        head = (f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(asked.body)}\r\n\r\n").encode()
        while True:
            kept = bool(self.idle)
            reader, writer = self.idle.pop() if kept else await asyncio.open_connection(self.host, self.port, limit=1 << 20)
            try:
                writer.write(head + asked.body)
                first = await reader.readline()
                if not first and kept:
                    raise ConnectionResetError("a kept connection had ended")
                break
            except ConnectionError:
                writer.close()
                if not kept:
                    raise
        headers = {}
        outcome.status = int(first.split()[1])
        while (line := (await reader.readline()).rstrip(b"\r\n")):
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode("latin-1")
        body, reusable = await self._body(reader, headers)
        outcome.ended = time.time()
        outcome.target, outcome.trail = headers.get("x-429chain-target"), headers.get("x-429chain-trail", "")
        if reusable and headers.get("connection", "").lower() != "close":
            self.idle.append((reader, writer))
        else:
            writer.close()
        judge(outcome, body, asked.stream)

    @staticmethod
    async def _body(reader, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while (size := int((await reader.readline()).split(b";")[0], 16)):
                pieces.append((await reader.readexactly(size + 2))[:-2])
            await reader.readline()
            return b"".join(pieces), True
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"])), True
        return await reader.read(), False


def judge(outcome, body, stream):
    """Notes what is wrong with an answer."""
    if outcome.status == 200 and stream:
        if b"data: [DONE]" not in body.replace(b"data:[DONE]", b"data: [DONE]") or b'"error":{' in body:
            outcome.error = f"a stream ended with {body[-200:]!r}"
        return
    try:
        answer = json.loads(body)
    except ValueError:
        outcome.error = f"not JSON: {body[:200]!r}"
        return
    if outcome.status == 200:
        outcome.error = None if answer.get("choices") else f"no choices: {body[:200]!r}"
    elif isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        outcome.code, outcome.error = answer["error"].get("code"), str(answer["error"].get("message"))


async def _one(asked, address, key, outcomes):
    outcome = Outcome(asked.number, time.time())
    outcomes.append(outcome)
    try:
        await asyncio.wait_for(address.ask(asked, key, outcome), TIMEOUT_S)
    except (OSError, ValueError, IndexError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
        outcome.status, outcome.error, outcome.ended = None, repr(error), time.time()


async def _all(requests, base_urls, key, start, tell):
    addresses = [Address(url) for url in base_urls]
    outcomes, tasks = [], []
    for asked in requests:
        while (wait := start + asked.after - time.time()) > 0:
            await asyncio.sleep(min(wait, 0.5))
            tell(outcomes)
        address = addresses[asked.number % len(addresses)]
        tasks.append(asyncio.create_task(_one(asked, address, key, outcomes)))
    await asyncio.gather(*tasks)
    return outcomes


def run(requests, base_urls, key, start, tell=lambda outcomes: None):
    """Asks each request `start` + `after`, and waits for all answers."""
    return asyncio.run(_all(requests, base_urls, key, start, tell))
