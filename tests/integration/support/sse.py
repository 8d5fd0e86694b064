"""Event streams by the WHATWG rules, for looking at what a client would see."""
import json
import re


class Event:
    def __init__(self, data, kind):
        self.data = data     # bytes; lines joined with LF
        self.kind = kind     # of `event:`, or None

    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"Event({self.data[:200]!r}, {self.kind!r})"


def parse(body):
    """(events, rest): the dispatched events, and the bytes of an event that never ended."""
    events, data, kind, start = [], [], None, 0
    position = 0
    for found in re.finditer(rb"([^\r\n]*)(\r\n|\r|\n)", body):
        line, position = found.group(1), found.end()
        if not line:
            if data:
                events.append(Event(b"\n".join(data), kind))
            data, kind, start = [], None, position
        elif not line.startswith(b":"):
            name, _, value = line.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            if name == b"data":
                data.append(value)
            elif name == b"event":
                kind = value.decode()
    return events, body[start:]


def payloads(body):
    return [event.data for event in parse(body)[0]]


def comments(body):
    return [line for line in re.split(rb"\r\n|\r|\n", body) if line.startswith(b":")]
