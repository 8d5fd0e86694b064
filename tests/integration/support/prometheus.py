"""A strict reader of Prometheus' text format 0.0.4: whatever breaks a rule of it, or a convention of names, is an error."""
import math
import re

from support.raw_client import Client

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
VALUE = re.compile(r"[+-]?(?:Inf|NaN|\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
TYPES = ("counter", "gauge", "histogram")
# Prometheus wants base units.
NOT_BASE_UNITS = re.compile(r"_(?:ms|millis|milliseconds|micros|microseconds|us|ns|nanoseconds|minutes|hours|kb|mb|kib|mib|percent)(?:_|$)")


class Bad(AssertionError):
    pass


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = {}  # (name, ((label, value), …)) → number


class Metrics:
    def __init__(self, families):
        self.families = families

    def value(self, name, **labels):
        """The one sample of this name with these labels, or None."""
        found = self.all(name, **labels)
        if len(found) > 1:
            raise Bad(f"{name}{labels}: {len(found)} samples")
        return found[0] if found else None

    def all(self, name, **labels):
        wanted = set(labels.items())
        return [value for family in self.families.values() for (sample, have), value in family.samples.items()
                if sample == name and wanted <= set(have)]

    def sum(self, name, **labels):
        return sum(self.all(name, **labels))


def _number(text, where):
    if not VALUE.fullmatch(text):
        raise Bad(f"{where}: {text!r} is no number")
    return float(text)


def _sample(line, where):
    name = NAME.match(line)
    if not name:
        raise Bad(f"{where}: no name in {line!r}")
    rest = line[name.end():]
    labels = []
    if rest.startswith("{"):
        rest = rest[1:]
        while not rest.startswith("}"):
            label = LABEL.match(rest)
            if not label:
                raise Bad(f"{where}: bad label at {rest!r}")
            labels.append((label.group(1), label.group(2)))
            rest = rest[label.end():]
            if rest.startswith(","):
                rest = rest[1:]
            elif not rest.startswith("}"):
                raise Bad(f"{where}: bad labels at {rest!r}")
        rest = rest[1:]
    if not rest.startswith(" "):
        raise Bad(f"{where}: no space before the value in {line!r}")
    if len({key for key, _ in labels}) != len(labels):
        raise Bad(f"{where}: a label twice in {line!r}")
    return name.group(0), tuple(sorted(labels)), _number(rest[1:], where)


def _family_of(name, families):
    for suffix in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(suffix)
        if base != name and base in families and families[base].type == "histogram":
            return base
    return name


def _check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        kind = name.removeprefix(family.name)
        plain = tuple(pair for pair in labels if pair[0] != "le")
        bounds = [pair[1] for pair in labels if pair[0] == "le"]
        if kind not in ("_bucket", "_sum", "_count") or len(bounds) != (1 if kind == "_bucket" else 0):
            raise Bad(f"{family.name}: {name}{labels} has no place in a histogram")
        series.setdefault(plain, {"_bucket": []})
        if kind == "_bucket":
            series[plain]["_bucket"].append((float(bounds[0].replace("+Inf", "inf")), value))
        else:
            series[plain][kind] = value
    for labels, parts in series.items():
        buckets = parts["_bucket"]
        if "_sum" not in parts or "_count" not in parts or not buckets:
            raise Bad(f"{family.name}{labels}: not whole")
        if buckets != sorted(buckets) or [v for _, v in buckets] != sorted(v for _, v in buckets):
            raise Bad(f"{family.name}{labels}: buckets do not rise: {buckets}")
        if not math.isinf(buckets[-1][0]) or buckets[-1][1] != parts["_count"]:
            raise Bad(f"{family.name}{labels}: the last bucket is not +Inf with the count")


def _check_name(family):
    if NOT_BASE_UNITS.search(family.name):
        raise Bad(f"{family.name}: not in base units")
    if (family.type == "counter") != family.name.endswith("_total"):
        raise Bad(f"{family.name}: a {family.type} by that name")


def parse(text):
    """All families by name. Each is declared once, HELP before TYPE before its samples, which stand together."""
    if not text.endswith("\n"):
        raise Bad("the last line has no end")
    families, current = {}, None
    for number, line in enumerate(text.split("\n")[:-1], 1):
        where = f"line {number}"
        if line.startswith("# HELP "):
            name, _, help_text = line[len("# HELP "):].partition(" ")
            if not NAME.fullmatch(name) or not help_text or name in families:
                raise Bad(f"{where}: {line!r}")
            current = families[name] = Family(name, help_text)
        elif line.startswith("# TYPE "):
            words = line.split(" ")
            if len(words) != 4 or current is None or words[2] != current.name or current.type or words[3] not in TYPES:
                raise Bad(f"{where}: {line!r}")
            current.type = words[3]
        elif line.startswith("#") or not line:
            raise Bad(f"{where}: {line!r} is neither HELP nor TYPE nor a sample")
        else:
            name, labels, value = _sample(line, where)
            if current is None or not current.type or _family_of(name, families) != current.name:
                raise Bad(f"{where}: {name} stands outside its family")
            if (name, labels) in current.samples:
                raise Bad(f"{where}: twice: {line}")
            if current.type == "counter" and not value >= 0:
                raise Bad(f"{where}: a counter below zero")
            current.samples[(name, labels)] = value
    for family in families.values():
        if family.type is None:
            raise Bad(f"{family.name}: no TYPE")
        _check_name(family)
        if family.type == "histogram":
            _check_histogram(family)
    return Metrics(families)


def metric(proxy, name, **labels):
    """The one sample of a proxy's; there must be one."""
    value = scrape(Client(proxy.admin)).value(name, **labels)
    if value is None:
        raise Bad(f"{name}{labels} is not shown")
    return value


def scrape(client):
    answer = client.get("/metrics")
    if answer.status != 200 or answer.header("content-type") != "text/plain; version=0.0.4; charset=utf-8":
        raise Bad(repr(answer))
    return parse(answer.body.decode())
