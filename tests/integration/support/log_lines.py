"""The lines of a program's log, as data."""
import json
import re

TEXT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (debug|info|warning|error) (\w+): (.*)")
FIELD = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^" =]+)')


def of_json(text):
    """Every line must be one JSON object with the four fields that all have."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        found = json.loads(line)
        for key in ("time", "level", "program", "message"):
            if not isinstance(found.get(key), str):
                raise AssertionError(f"{key}: {line}")
        lines.append(found)
    return lines


def of_text(text):
    """Messages with their fields as text."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        found = TEXT.fullmatch(line)
        if not found:
            raise AssertionError(f"no line of a log: {line!r}")
        rest = found.group(4)
        first = FIELD.search(rest)
        fields = {} if first is None else {
key: json.loads(value) if value.startswith('"') else value for key, value in FIELD.findall(rest[first.start():])
}
        lines.append({
  "time" : found.group(1), "level" : found.group(2), "program" : found.group(3),
      "message" : rest if first is None else rest[:first.start()], **fields})
    return lines


def requests(text, **wanted):
    """The lines about requests of a JSON log whose fields are these. A half line at the end is left for later."""
    whole = text[:text.rfind("\n") + 1]
    lines = [json.loads(line) for line in whole.split("\n") if line.startswith("{")]
    return [line for line in lines if line["message"] == "request" and
            all(line.get(key) == value for key, value in wanted.items())]
