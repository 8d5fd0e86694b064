"""What a pass came to: the clients' outcomes beside the providers' own logs and what they would have given."""
import base64
import statistics

from harvest.load import MARKER
from harvest.optimum import bound, optimum
from harvest.windows import Book

# A provider "had room" if every window did for so long before the request was sent and after it was refused: a permit that is
# just being used, or the network's jitter, is no fault.
MARGIN_S = 0.25
# Around a fixed window's edge: nobody knows a provider's clock better.
EDGE_MARGIN_S = 5.0


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def number_of(entry):
    found = MARKER.search(base64.b64decode(entry.get("body") or ""))
    return int(found.group(1)) if found else None


def books_of(tiers, logs):
    """Each tier's windows as its log shows them. A request counts with all that it came to from when it was taken: what is
    under way is going to be used."""
    books = {}
    for tier in tiers:
        book = books[tier.name] = Book(tier)
        for entry in logs[tier.name]:
            if entry["verdict"] == "ok":
                book.add(entry["time"], 1, entry["prompt_tokens"] + entry["completion_tokens"])
    return books


def false_exhaustions(tiers, books, refused, requests_of):
    """(outcome, tier's name) of every refusal at which a tier had room for what could be known of the request: its prompt,
    and the largest output that it allows or, if that is less or not said, what 95 of 100 outputs stay below."""
    found = []
    for outcome in refused:
        for tier in tiers:
            request, usual = requests_of[tier.name][outcome.number], requests_of["usual"]
            output = usual if request.max_output is None else min(usual, request.max_output)
            wanted = request.prompt + output
            if tier.charge != "on_use":
                wanted = max(wanted, books[tier.name].up_front(request.prompt, request.max_output))
            if books[tier.name].had_room(outcome.at, outcome.ended, wanted, MARGIN_S, EDGE_MARGIN_S):
                found.append((outcome, tier.name))
                break
    return found


def false_skips(tiers, books, outcomes, requests_of):
    """By tier: requests that went to a later target although the trail says that this one, which had room, was skipped."""
    skips = {}
    for tier in tiers:
        for outcome in outcomes:
            skipped = f"{tier.target};o=skipped" in outcome.trail
            if skipped and false_exhaustions([tier], books, [outcome], requests_of):
                skips.setdefault(tier.name, []).append(outcome.at)
    return skips


def added_latencies(outcomes, logs):
    """Milliseconds that an answer took longer for the client than at the provider, both to its last byte."""
    provider_s = {}
    for entries in logs.values():
        for entry in entries:
            if entry["verdict"] == "ok" and entry["finished_at"] is not None:
                provider_s[number_of(entry)] = entry["finished_at"] - entry["at"]
    return [(outcome.ended - outcome.at - provider_s[outcome.number]) * 1000
            for outcome in outcomes if outcome.ok and outcome.number in provider_s]


def score(tiers, asked, outcomes, logs, start):
    """Everything that is printed, as data. `logs`: each tier's requests, from the simulator."""
    requests_of = {tier.name: [one.as_request(start, tier.model) for one in asked] for tier in tiers}
    requests_of["usual"] = quantile([request.completion for request in requests_of[tiers[0].name]], 0.95)
    ideal = optimum(tiers, requests_of[tiers[0].name])
    most = bound(tiers, requests_of[tiers[0].name])
    books = books_of(tiers, logs)
    trail_of = {outcome.number: outcome.trail for outcome in outcomes}
    by_tier, calls, refusals, foretold = {}, 0, [], 0
    for tier in tiers:
        entries = [entry for entry in logs[tier.name] if entry["verdict"] != "models"]
        ok = [entry for entry in entries if entry["verdict"] == "ok"]
        refused = [entry for entry in entries if entry["verdict"] == "rate_limited"]
        calls += len(entries)
        for entry in refused:
            number = number_of(entry)
            refusals.append({"at": entry["time"] - start, "tier": tier.name, "limit": entry["limit"], "wait": entry["wait"],
                             "number": number, "trail": trail_of.get(number, "")})
        answered = {number_of(entry) for entry in ok}
        foretold += sum(request.tokens for request in requests_of[tier.name] if request.number in answered)
        given = sum(entry["prompt_tokens"] + entry["completion_tokens"] for entry in ok)
        by_tier[tier.name] = {
            "calls": len(entries), "answers": len(ok), "refused": len(refused), "tokens": given,
            "optimum": len(ideal[tier.name].answers), "optimum_tokens": ideal[tier.name].tokens_for(len(ok), given),
            "token_limited": ideal[tier.name].token_limited,
            "answered_at": [round(entry["time"] - start, 3) for entry in ok],
            "optimum_at": [round(at - start, 3) for at in ideal[tier.name].answers]}
    good = [outcome for outcome in outcomes if outcome.ok]
    exhausted = [outcome for outcome in outcomes if outcome.status == 429]
    false = false_exhaustions(tiers, books, exhausted, requests_of)
    tokens_of = {number_of(entry): entry["prompt_tokens"] + entry["completion_tokens"]
                 for entries in logs.values() for entry in entries if entry["verdict"] == "ok"}
    tokens = sum(tokens_of.get(outcome.number, 0) for outcome in good)
    optimum_answers = sum(found["optimum"] for found in by_tier.values())
    optimum_tokens = sum(found["optimum_tokens"] for found in by_tier.values())
    added = added_latencies(outcomes, logs)
    return {
        "asked": len(asked), "answers": len(good), "exhausted": len(exhausted),
        "failed": len(outcomes) - len(good) - len(exhausted),
        "failures": [f"#{o.number}: {o.status} {o.error}" for o in outcomes if not o.ok and o.status != 429][:20],
        "optimum": optimum_answers, "bound": most,
        "harvest_answers": 100 * len(good) / max(1, optimum_answers),
        "tokens": tokens, "foretold_tokens": foretold, "optimum_tokens": optimum_tokens, "harvest_tokens": 100 * tokens / max(1, optimum_tokens),
        "calls": calls, "refused": len(refusals), "waste": 1000 * len(refusals) / max(1, calls),
        "false_exhaustions": len(false),
        "false_exhaustions_at": [{"at": o.at - start, "tier": name, "number": o.number, "why": o.error} for o, name in false],
        "false_skips": {name: len(times) for name, times in false_skips(tiers, books, good, requests_of).items()},
        "added_ms": {"p50": quantile(added, 0.5), "p99": quantile(added, 0.99),
                     "mean": statistics.fmean(added) if added else None},
        "refusals": refusals, "tiers": by_tier}


GOALS = (("harvest_answers", ">=", 98), ("harvest_tokens", ">=", 98), ("waste", "<=", 1), ("false_exhaustions", "<=", 0))


def missed(result):
    """The goals that a pass has not reached."""
    return [f"{name} {result[name]:.1f}, not {sign} {goal}" for name, sign, goal in GOALS
            if (result[name] < goal if sign == ">=" else result[name] > goal)]
