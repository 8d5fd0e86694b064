"""The six free tiers that are impersonated: as the providers publish them, and as the gateway's catalogue knows them."""
from dataclasses import dataclass, field

LENGTHS = {"m": 60, "h": 3600, "d": 86400}
CHAIN = "harvest"


def is_tokens(limit):
    return limit.startswith("t")


def length_of(limit):
    """Seconds of the window of a limit such as `rpm`."""
    return LENGTHS[limit[-1]]


@dataclass(frozen=True)
class Tier:
    name: str     # the provider's, and the kind's in the gateway's catalogue, and the simulator's style
    model: str
    limits: dict  # limit: amount
    windows: dict = field(default_factory=dict)  # limit: window as in a scenario; sliding where none stands
    charge: str = "on_use"
    default_max_tokens: int = 0
    latency: str = "lognormal:80ms:0.4:1s"
    ttft: str = "lognormal:150ms:0.5:2s"
    chunk_delay: str = "15ms"

    @property
    def key(self):
        return f"sk-harvest-{self.name}"

    @property
    def target(self):
        return f"{self.name}/{self.model}"

    def scaled(self, factor):
        """With days' amounts divided by `factor`."""
        limits = {name: amount if length_of(name) != LENGTHS["d"] else max(1, int(amount / factor))
                  for name, amount in self.limits.items()}
        return Tier(self.name, self.model, limits, self.windows, self.charge, self.default_max_tokens, self.latency,
                    self.ttft, self.chunk_delay)

    def scenario(self, listen):
        """The provider as the simulator is told of it."""
        limits = {**self.limits, "windows": self.windows, "charge": self.charge}
        if self.default_max_tokens:
            limits["default_max_tokens"] = self.default_max_tokens
        return {"name": self.name, "listen": listen, "models": [self.model], "keys": [self.key], "style": self.name,
                "limits": limits, "log_entries": 1_000_000, "log_body_bytes": 1 << 30,
                "answer": {"latency": self.latency, "ttft": self.ttft, "chunk_delay": self.chunk_delay, "chunks": 8,
                           "content": "echo"}}


BUCKET = {"kind": "bucket"}

# In the order of the chain.
TIERS = (
    # Every bucket refills continuously, the day's too.
    Tier("groq", "openai/gpt-oss-120b", {"rpm": 30, "rpd": 1000, "tpm": 8000, "tpd": 200_000},
         {"rpd": BUCKET, "tpm": BUCKET, "tpd": BUCKET}, latency="lognormal:40ms:0.3:1s", ttft="lognormal:60ms:0.4:1s",
         chunk_delay="5ms"),
    # Takes the greatest possible output up front, 16,384 tokens where a request names none, and gives back the rest.
    Tier("cerebras", "gpt-oss-120b",
         {"rpm": 5, "rph": 150, "rpd": 2400, "tpm": 30_000, "tph": 1_000_000, "tpd": 1_000_000},
         {name: BUCKET for name in ("rpm", "rph", "rpd", "tpm", "tph", "tpd")}, charge="up_front",
         default_max_tokens=16_384, latency="lognormal:40ms:0.3:1s", ttft="lognormal:60ms:0.4:1s", chunk_delay="5ms"),
    Tier("openrouter", "openai/gpt-oss-20b:free", {"rpm": 20, "rpd": 50}, {"rpd": {"kind": "fixed"}}),
    Tier("gemini", "gemini-3.1-flash-lite", {"rpm": 15, "rpd": 500},
         {"rpd": {"kind": "fixed", "zone": "America/Los_Angeles"}}),
    # The wall clock's minutes; nothing of it is in the catalogue, so that the gateway has to learn it.
    Tier("mistral", "mistral-small-latest", {"rpm": 60, "tpm": 500_000},
         {"rpm": {"kind": "fixed"}, "tpm": {"kind": "fixed"}}),
    Tier("nvidia", "openai/gpt-oss-120b", {"rpm": 40}, latency="lognormal:120ms:0.5:2s",
         ttft="lognormal:300ms:0.6:4s", chunk_delay="30ms"),
)


def per_minute(tiers):
    """Requests a minute that the tiers take together, as long as no longer window is used up."""
    return sum(tier.limits["rpm"] for tier in tiers)


def gateway_config(tiers, base_urls, scale=1, declared=False):
    """What a user writes: kinds and keys; the catalogue knows the rest. Only scaled limits have to be told; `declared`: all for
    which the configuration has a key (the catalogue alone knows those of hours)."""
    providers = {}
    for tier in tiers:
        providers[tier.name] = {"kind": tier.name, "base_url": base_urls[tier.name],
                                "credentials": [{"name": "main", "env": f"{tier.name.upper()}_KEY"}]}
        told = {name: amount for name, amount in tier.limits.items()
                if length_of(name) == LENGTHS["d"] and scale != 1 or declared and length_of(name) != LENGTHS["h"]}
        if told:
            providers[tier.name]["limits"] = told
    targets = [{"provider": tier.name, "model": tier.model} for tier in tiers]
    return {"version": 1, "providers": providers, "chains": {CHAIN: {"targets": targets, "max_attempts": len(tiers)}}}
