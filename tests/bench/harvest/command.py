"""The harvest: three proxies before six impersonated free tiers, asked for more than these give together.

  run harvest                                     10 minutes
  run harvest --minutes 2 --check                 exit with 1 if a goal is missed
  run harvest --hold                              only the simulated providers, until Ctrl-C
  run harvest --contender other=http://127.0.0.1:4000/v1   the same demand to another gateway, after ours

tests/bench/harvest/README.md says what the figures mean.
"""
import argparse
import contextlib
import json
import signal
import sys
import time

from harvest import load, plot, score, tiers
from support import prometheus
from support.fleet import Fleet
from support.raw_client import Client
from support.sim import Sim

FACTOR = 1.5        # of the sum of all limits per minute
BEGIN_AT_S = 20     # past the clock's minute
DEFAULT_PORT = 4460  # of the simulated providers, where somebody else has to be told of it
CLIENT_KEY = "sk-harvest"


def start_providers(wanted, port, seed):
    """All on one port, told apart by their paths, or each on a free one."""
    listen = f"127.0.0.1:{port}"
    return Sim(*(tier.scenario(listen) for tier in wanted), seed=seed)


def describe(wanted, sim):
    print("The simulated providers; their limits start anew with every pass:\n")
    for tier in wanted:
        limits = ", ".join(f"{name} {amount:,} {tier.windows.get(name, {}).get('kind', 'sliding')}"
                           for name, amount in tier.limits.items())
        print(f"  {tier.name:10} base URL {sim[tier.name].base_url}  key {tier.key}  model {tier.model}\n"
              f"  {'':10} {limits}")
    print(f"\nA contender answers for the model \"{tiers.CHAIN}\" with any of these, in this order; it is sent the key "
          f"{CLIENT_KEY}.", flush=True)


class Progress:
    def __init__(self, name, asked, start, seconds):
        self.name, self.asked, self.start, self.seconds, self.told = name, asked, start, seconds, 0.0
        self.terminal = sys.stderr.isatty()

    def __call__(self, outcomes):
        now = time.time()
        if now - self.told < (1 if self.terminal else 60):
            return
        self.told = now
        ok = sum(outcome.ok for outcome in outcomes)
        exhausted = sum(outcome.status == 429 for outcome in outcomes)
        text = (f"    {self.name} {now - self.start:4.0f} of {self.seconds:.0f} s: {len(outcomes)} of {len(self.asked)} asked, "
                f"{ok} answered, {exhausted} exhausted" if now >= self.start else
                f"    {self.name} begins in {self.start - now:.0f} s, {BEGIN_AT_S} s past the minute")
        print(f"\r{text}\x1b[K" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr, flush=True)

    def end(self):
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def begin_of(now, seconds):
    """Passes begin at the same point of the clock's minute, as some providers count by it. It is so far from a minute's edge
    that none of whole or half minutes ends just behind one. Short ones begin at once: nobody compares them."""
    now += 0.2
    return now if seconds < 120 else now + (BEGIN_AT_S - now) % 60


def one_pass(name, base_urls, asked, seconds, wanted, sim):
    for tier in wanted:
        sim[tier.name].control("POST", "reset")
    start = begin_of(time.time(), seconds)
    progress = Progress(name, asked, start, seconds)
    outcomes = load.run(asked, base_urls, CLIENT_KEY, start, progress)
    progress.end()
    logs = {tier.name: sim[tier.name].control("GET", "log?bodies=1") for tier in wanted}
    result = score.score(wanted, asked, outcomes, logs, start)
    # The providers' own counters, which know nothing of this program's reckoning.
    for tier in wanted:
        verdicts = sim[tier.name].stats()["verdicts"]
        found = result["tiers"][tier.name]
        found["counted_by_provider"] = {"answers": verdicts.get("ok", 0), "refused": verdicts.get("rate_limited", 0)}
    return result


def permits_of(fleet):
    """How the rights to attempts came about. A proxy whose acquire has had no answer in time goes on as if alone."""
    found = {"timed_out": 0, "asked": 0, "spare": 0, "free": 0, "share": 0}
    for proxy in fleet.proxies:
        metrics = prometheus.scrape(Client(proxy.admin))
        for kind in found:
            found[kind] += int(metrics.sum("chain429_permits_timed_out_total") if kind == "timed_out"
                               else metrics.sum("chain429_permits_total", kind=kind))
    return found


def our_pass(options, asked, seconds, wanted, sim):
    config = tiers.gateway_config(wanted, {tier.name: sim[tier.name].base_url for tier in wanted}, options.scale,
                                  options.declared)
    environment = {f"{tier.name.upper()}_KEY": tier.key for tier in wanted}
    fleet = Fleet(config, proxies=options.proxies, env=environment).start()
    try:
        result = one_pass("429chain", [f"http://{proxy.api}/v1" for proxy in fleet.proxies], asked, seconds, wanted, sim)
        result["permits"] = permits_of(fleet)
        if options.logs:
            with open(options.logs, "w") as file:
                file.write(fleet.logs(100_000))
        return result
    finally:
        fleet.stop()


def table(results, seconds):
    print(f"\nharvest: {seconds / 60:g} minutes, {next(iter(results.values()))['asked']} requests\n")
    print("| | harvest: answers | tokens | waste: 429s per 1,000 calls | false exhaustions | added ms p50 | p99 | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        added = found["added_ms"]
        p50, p99 = (f"{added[key]:.1f}" if added[key] is not None else "-" for key in ("p50", "p99"))
        print(f"| {name} | {found['answers']} of {found['optimum']} = {found['harvest_answers']:.1f} % | "
              f"{found['tokens']:,} of {found['optimum_tokens']:,} = {found['harvest_tokens']:.1f} % | "
              f"{found['refused']} in {found['calls']} = {found['waste']:.1f} | {found['false_exhaustions']} | {p50} | {p99} | "
              f"{found['failed']} |")
    for name, found in results.items():
        print(f"\n{name}, by provider (skipped: though it had room, for a later one)\n")
        print("| | answers | optimum | harvest | tokens | optimum | 429s | skipped |")
        print("|---|---|---|---|---|---|---|---|")
        for tier, of in found["tiers"].items():
            limits = {}
            for refusal in found["refusals"]:
                if refusal["tier"] == tier:
                    limits[refusal["limit"]] = limits.get(refusal["limit"], 0) + 1
            why = ", ".join(f"{count} {limit}" for limit, count in limits.items()) or "0"
            print(f"| {tier} | {of['answers']} | {of['optimum']} | {100 * of['answers'] / max(1, of['optimum']):.1f} % | "
                  f"{of['tokens']:,} | {of['optimum_tokens']:,} | {why} | {found['false_skips'].get(tier, 0)} |")
        if "permits" in found:
            print("\npermits: " + ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found["permits"].items()))
        for failure in found["failures"]:
            print(f"  failed {failure}")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run harvest", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--scale", type=float, default=1, metavar="F",
                        help="divide the limits of days by F, so that they bind within the run")
    parser.add_argument("--declared", action="store_true",
                        help="tell the gateway every limit in its configuration, so that it has none to learn")
    parser.add_argument("--factor", type=float, default=FACTOR, help="demand, as a multiple of all limits per minute")
    parser.add_argument("--proxies", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of the demand and of the providers' delays")
    parser.add_argument("--tiers", help="only these, e.g. groq,mistral")
    parser.add_argument("--contender", action="append", default=[], metavar="NAME=BASE_URL",
                        help="also this gateway, with reset providers; may be repeated")
    parser.add_argument("--only-contenders", action="store_true", help="leave our own pass out")
    parser.add_argument("--port", type=int, help=f"of the simulated providers; {DEFAULT_PORT} with --hold or --contender")
    parser.add_argument("--hold", action="store_true", help="start the simulated providers, say where, and wait")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--logs", metavar="FILE", help="keep what the gateway's programs logged")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the gateway misses a goal")
    options = parser.parse_args(arguments)
    options.contenders = {}
    for text in options.contender:
        name, equals, url = text.partition("=")
        try:
            if not equals or not name:
                raise ValueError("it is written NAME=BASE_URL")
            load.Address(url)
        except ValueError as error:
            parser.error(f"--contender {text}: {error}")
        options.contenders[name] = url
    known = {tier.name: tier for tier in tiers.TIERS}
    names = options.tiers.split(",") if options.tiers else list(known)
    for name in names:
        if name not in known:
            parser.error(f"there is no tier '{name}'; there are {', '.join(known)}")
    if options.only_contenders and not options.contenders:
        parser.error("--only-contenders needs a --contender")
    for name in ("minutes", "scale", "factor", "proxies"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name} must be more than 0")
    options.wanted = [known[name].scaled(options.scale) for name in names]
    if options.port is None:
        options.port = DEFAULT_PORT if options.hold or options.contenders else 0
    return options


def main(arguments):
    options = parse(arguments)
    wanted, seconds = options.wanted, options.minutes * 60
    sim = start_providers(wanted, options.port, options.seed)
    results = {}
    try:
        if options.hold:
            describe(wanted, sim)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
            return
        asked = load.demand(options.factor * tiers.per_minute(wanted) / 60, seconds, options.seed)
        if not options.only_contenders:
            results["429chain"] = our_pass(options, asked, seconds, wanted, sim)
        for name, url in options.contenders.items():
            results[name] = one_pass(name, [url], asked, seconds, wanted, sim)
    finally:
        sim.stop()
    if options.output == "json":
        print(json.dumps(results, indent=1))
    else:
        table(results, seconds)
    if options.plot:
        with open(options.plot, "w") as file:
            file.write(plot.svg(results, seconds))
    why = score.missed(results["429chain"]) if "429chain" in results else []
    for text in why:
        print(f"missed: {text}", file=sys.stderr)
    if options.check and why:
        raise SystemExit(1)
