"""What a raw upstream may answer. Each function returns one that takes an `Exchange`."""
import json
import time


def chunk(data):
    if isinstance(data, str):
        data = data.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def head(status=200, headers=(), reason="X"):
    if isinstance(headers, dict):
        headers = headers.items()
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(data, then="keep"):
    """Exactly these bytes, then the connection is kept, closed or reset."""
    def answer(exchange):
        exchange.send(data)
        if then == "close":
            exchange.close()
        elif then == "reset":
            exchange.reset()
    return answer


def plain(status=200, body=b"", headers=None, content_type="application/json"):
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    fields = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
    return raw(head(status, fields) + body)


def completion_body(content="hello", model="m", **extra):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, **extra}


def completion(content="hello", headers=None, **extra):
    return plain(200, completion_body(content, **extra), headers)


def error(status, message="no", type="server_error", code=None, headers=None):
    return plain(status, {"error": {"message": message, "type": type, "param": None, "code": code}}, headers)


def rate_limited(headers=None, message="Rate limit reached"):
    return error(429, message, "requests", "rate_limit_exceeded", headers)


# Streams.

def delta(finish=None, **fields):
    """One chunk object, compact, as providers write it."""
    return json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                       "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}, separators=(",", ":"))


def event(payload):
    return b"data: " + (payload if isinstance(payload, bytes) else payload.encode()) + b"\n\n"


ROLE = delta(role="assistant", content="")
STOP = delta(finish="stop")
USAGE = json.dumps({"id": "c1", "object": "chat.completion.chunk", "choices": [],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}, separators=(",", ":"))


def stream_payloads(text="hello"):
    return [ROLE, *[delta(content=letter) for letter in text], STOP]


def stream_bytes(text="hello"):
    return b"".join(event(payload) for payload in stream_payloads(text)) + DONE


STREAM_HEADERS = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


def stream_head(headers=None):
    return head(200, {**STREAM_HEADERS, **(headers or {})})


def stream(data=None, pieces=None, headers=None, end=True, then="keep", pause=0.0):
    """A chunked event stream: `data` in one chunk, or each of `pieces` in a chunk and a write of its own."""
    parts = [data if data is not None else stream_bytes()] if pieces is None else pieces

    def answer(exchange):
        exchange.send(stream_head(headers))
        for part in parts:
            if part:
                exchange.send(chunk(part))
            if pause:
                time.sleep(pause)  # the pace of a provider, nothing waits for it
        if end:
            exchange.send(END)
        if then == "close":
            exchange.close()
        elif then == "reset":
            exchange.reset()
        elif then == "hold":
            exchange.wait_gone(60)
            exchange.close()
    return answer


def usual(text="hello"):
    """A plain completion or a stream, as the request asks."""
    whole, parts = completion(text), stream(stream_bytes(text))

    def answer(exchange):
        body = exchange.request.body
        try:
            # What cannot ask for a stream is not parsed: Python's parser does not go as deep as the proxy's.
            wants_stream = b"stream" in body and json.loads(body).get("stream") is True
        except ValueError:
            wants_stream = False
        (parts if wants_stream else whole)(exchange)
    return answer


def close(exchange):
    exchange.close()


def reset(exchange):
    exchange.reset()


def silent(exchange):
    """Never answers; ends when the other side goes."""
    exchange.wait_gone(60)
    exchange.close()


def after(seconds, then):
    """The same answer, late."""
    def answer(exchange):
        if not exchange.wait_gone(seconds):
            then(exchange)
        else:
            exchange.close()
    return answer
