"""Windows of limits, exactly as providers keep them. Pure: times are seconds since the epoch and come from outside."""
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from harvest.tiers import is_tokens, length_of


class Window:
    """What was used of one limit, as a history that can be asked about any moment. Uses are added in order of time."""

    def __init__(self, limit, length, kind="sliding", zone="UTC"):
        self.limit, self.length, self.kind, self.zone = limit, length, kind, ZoneInfo(zone)
        self._times, self._amounts = [], []
        self._levels = []  # after each use: the sum of all, of a bucket what it then holds

    def add(self, at, amount):
        last = self._levels[-1] if self._levels else 0
        if self.kind == "bucket":
            last = self.used_at(at)
            level = max(0, last + amount)
        else:
            level = last + amount
        self._times.append(at)
        self._amounts.append(amount)
        self._levels.append(level)

    def used_at(self, at):
        """What counts at `at`, a use of that very moment included."""
        index = bisect_right(self._times, at)
        if index == 0:
            return 0
        if self.kind == "bucket":
            return max(0.0, self._levels[index - 1] - (at - self._times[index - 1]) * self.limit / self.length)
        if self.kind == "sliding":
            # At exactly its length a use is gone.
            gone = bisect_right(self._times, at - self.length)
        else:
            gone = bisect_left(self._times, self.start_of(at))
        return self._levels[index - 1] - (self._levels[gone - 1] if gone else 0)

    def most_around(self, begin, end, margin):
        """The most that could count from `begin` to `end` if every use were dated up to `margin` wrongly."""
        before, after = begin - margin, end + margin
        if self.kind == "bucket":
            near = self._amounts[bisect_right(self._times, before):bisect_right(self._times, after)]
            return self.used_at(before) + sum(max(0, amount) for amount in near)
        since = before - self.length if self.kind == "sliding" else self.start_of(before) - margin
        gone, last = bisect_right(self._times, since), bisect_right(self._times, after)
        return (self._levels[last - 1] if last else 0) - (self._levels[gone - 1] if gone else 0)

    def start_of(self, at):
        """When the fixed window that `at` lies in has begun."""
        if self.length != 86400:
            return at // self.length * self.length
        day = datetime.fromtimestamp(at, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return day.timestamp()

    def end_of(self, at):
        if self.length != 86400:
            return self.start_of(at) + self.length
        day = datetime.fromtimestamp(at, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return (day + timedelta(days=1)).timestamp()


class Book:
    """All windows of a tier."""

    def __init__(self, tier):
        self.tier = tier
        self.windows = {}
        for name, amount in tier.limits.items():
            spec = tier.windows.get(name, {})
            self.windows[name] = Window(amount, length_of(name), spec.get("kind", "sliding"), spec.get("zone", "UTC"))

    def up_front(self, prompt, max_output):
        """The tokens that the provider wants to have free before it takes the request."""
        if self.tier.charge == "on_use":
            return prompt
        return prompt + (self.tier.default_max_tokens if max_output is None else max_output)

    def add(self, at, requests, tokens):
        for name, window in self.windows.items():
            amount = tokens if is_tokens(name) else requests
            if amount:
                window.add(at, amount)

    def full_at(self, at, tokens):
        """The limits that have no room for a request of so many tokens."""
        return [name for name, window in self.windows.items()
                if window.used_at(at) + (tokens if is_tokens(name) else 1) > window.limit]

    def had_room(self, begin, end, tokens, margin, edge_margin):
        """Whether every window had room from `begin` to `end`, however its uses are dated within `margin`, or within
        `edge_margin` where an edge decides."""
        for name, window in self.windows.items():
            around = edge_margin if window.kind == "fixed" else margin
            if window.most_around(begin, end, around) + (tokens if is_tokens(name) else 1) > window.limit:
                return False
        return True
