"""What the providers would have given to the same demand: somebody who sees all their books and the whole of every
request, without any delay or guard. Pure."""
import heapq
from dataclasses import dataclass

from harvest.windows import Book


@dataclass(frozen=True)
class Request:
    number: int
    at: float
    prompt: int         # tokens
    completion: int     # tokens, as the providers will make them
    max_output: int = None
    stream: bool = False

    @property
    def tokens(self):
        return self.prompt + self.completion


class Ideal:
    """One tier, taking what fits in the order in which it comes. For requests of one size nobody can do better: each is
    taken at the earliest moment at which it can be, and every window opens the earlier for it."""

    def __init__(self, tier, service_s):
        self.book, self.service_s = Book(tier), service_s
        self.answers, self.tokens = [], 0
        self._ends = []  # (time, tokens that are charged, or given back, at the answer's end)

    def take(self, request):
        """Whether the tier takes it."""
        while self._ends and self._ends[0][0] <= request.at:
            at, tokens = heapq.heappop(self._ends)
            self.book.add(at, 0, tokens)
        wanted = self.book.up_front(request.prompt, request.max_output)
        if not self.book.has_room(request.at, wanted):
            return False
        self.book.add(request.at, 1, wanted)
        heapq.heappush(self._ends, (request.at + self.service_s, request.tokens - wanted))
        self.answers.append(request.at)
        self.tokens += request.tokens
        return True


def optimum(tiers, requests, service_s=0.3):
    """By tier's name: what each gives if every request, as it comes, goes to the first of the chain that takes it."""
    ideals = [Ideal(tier, service_s) for tier in tiers]
    for request in requests:
        for ideal in ideals:
            if ideal.take(request):
                break
    return {ideal.book.tier.name: ideal for ideal in ideals}


def bound(tiers, requests, service_s=0.3):
    """Answers that no way of dealing out the requests can exceed where their number is what is limited: every tier sees
    all of them."""
    given = 0
    for tier in tiers:
        ideal = Ideal(tier, service_s)
        given += sum(ideal.take(request) for request in requests)
    return min(given, len(requests))
