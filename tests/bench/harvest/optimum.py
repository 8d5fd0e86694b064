"""What the providers would have given to the same demand: somebody who sees all their books and the whole of every
request, without any delay or guard. Pure."""
import heapq
from dataclasses import dataclass

from harvest.tiers import is_tokens
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
        self.token_limited = False  # a request was turned away for its tokens alone
        self._ends = []  # (time, tokens that are charged, or given back, at the answer's end)

    def take(self, request):
        """Whether the tier takes it."""
        while self._ends and self._ends[0][0] <= request.at:
            at, tokens = heapq.heappop(self._ends)
            self.book.add(at, 0, tokens)
        wanted = self.book.up_front(request.prompt, request.max_output)
        if full := self.book.full_at(request.at, wanted):
            self.token_limited |= all(is_tokens(name) for name in full)
            return False
        self.book.add(request.at, 1, wanted)
        heapq.heappush(self._ends, (request.at + self.service_s, request.tokens - wanted))
        self.answers.append(request.at)
        self.tokens += request.tokens
        return True


    def tokens_for(self, answers, tokens):
        """What it would have given, to be compared with `answers` that had `tokens`. Where only requests are limited, how large
        they are is the demand's luck and no gain or loss, so they are taken to be as large as those that were answered."""
        if self.token_limited or answers == 0:
            return self.tokens
        return round(len(self.answers) * tokens / answers)


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
