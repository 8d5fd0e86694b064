"""What the soak runs: providers that fail in every way, two proxies, a control plane; and what is done to them."""

import re
import signal
import time

from support.fleet import Fleet
from support.poll import until
from support.raw_client import Client
from support.raw_upstream import RefusedPort
from support.sim import Sim

KEY = "sk-soak-0123456789"
TIMEOUTS = {"connect": "3s", "first_token": "15s", "idle": "15s", "total": "60s"}
# Chains and providers that come and go, by turns. The control plane remembers the pool of each name that there ever was.
NAMES = 8
LIMIT = 240  # requests a minute: what is asked of `limited` is several times as much


def sometimes(fault, probability=0.02, **more):
    return {"fault": fault, "probability": probability, **more}


# None of these may be seen by a client, because another target stands behind. An unasked second answer is not among
# them: one that comes when the next request is already under way on its connection cannot be told from its own.
UNSEEN = [
    sometimes("status", status=500),
    sometimes("status", status=503),
    sometimes("rate_limit", 0.004, retry_after="1s"),
    sometimes("reset"),
    sometimes("close"),
    sometimes("break", at="head"),
    sometimes("break", at="content"),
    sometimes("short_body"),
    sometimes("error_in_200"),
    sometimes("error_in_200", event=True, done=True),
    sometimes("empty_stream"),
    sometimes("only_done"),
    sometimes("role_only"),
    sometimes("only_comments", pause="20ms"),
    sometimes("garbage"),
    sometimes("bad_chunk"),
    sometimes("bad_gzip"),
    sometimes("redirect"),
    sometimes("endless_head"),
    sometimes("stall", at="head", lasts="300ms"),
    sometimes("drip", bytes=7),
    sometimes("coalesce"),
    sometimes("comments"),
    sometimes("interim", count=3),
    sometimes("close_idle", lasts="50ms"),
]
BREAKS = [
    sometimes("break", 0.2, at="stream", after_chunks=2),
    sometimes("break", 0.2, at="stream", after_chunks=3, mid_event=True),
    sometimes("break", 0.2, at="stream", after_chunks=1, by="reset"),
    sometimes("no_done", 0.1),
]
LOG = {"log_entries": 1000, "log_body_bytes": 1 << 20}  # the simulator's own memory stays bounded


def providers():
    quick = {"latency": "uniform:1ms:30ms", "chunks": "uniform:2:12", "chunk_delay": "uniform:0ms:4ms"}
    slow = {"ttft": "uniform:0ms:150ms", "chunks": "uniform:5:30", "chunk_delay": "uniform:5ms:60ms"}
    return [
        {"name": "solid", "answer": quick},
        {"name": "shaky", "answer": quick, "faults": UNSEEN},
        {"name": "wild", "answer": {**quick, "content_bytes": 20000}, "faults": UNSEEN[::-1]},
        {"name": "breaking", "answer": quick, "faults": BREAKS},
        {"name": "limited", "answer": quick, "limits": {"rpm": LIMIT}, "style": "groq"},
        {"name": "learnt", "answer": quick, "limits": {"rpm": LIMIT}, "style": "openai"},
        {"name": "slow", "answer": slow},
    ]


class Scene:
    def __init__(self, seed):
        self.sim = Sim(*({**provider, **LOG} for provider in providers()), seed=seed)
        self.refused_port = RefusedPort()
        self.reloads = self.refusals = self.restarts = 0
        self.learning_until = 0.0
        self.fleet = Fleet(
            self.config(),
            proxies=2,
            env={"SOAK_KEY": KEY},
            workers=2,
            proxy_flags=["--max-body-mb", "1"],
            control_flags=["--store", "sqlite:soak.db"],
        )

    def start(self):
        self.fleet.start()
        return self

    def stop(self):
        self.fleet.stop()
        self.sim.stop()
        self.refused_port.stop()

    @property
    def extra(self):
        """The chain that only the present configuration has."""
        return f"extra-{self.reloads % NAMES}"

    def config(self):
        urls = {name: provider.base_url for name, provider in self.sim.providers.items()}
        urls |= {"nobody": self.refused_port.base_url, self.extra: urls["solid"]}
        behind = {
            "steady": ["shaky", "wild", "solid"],
            "large": ["wild", "solid"],
            "breaking": ["breaking"],
            "limited": ["limited"],
            "learnt": ["learnt", "solid"],
            "slow": ["slow"],
            "down": ["nobody"],
            self.extra: ["nobody", self.extra],
        }
        listed = {name: {"kind": "openai", "base_url": url} for name, url in urls.items()}
        listed["limited"]["limits"] = {"rpm": LIMIT}
        listed["wild"]["limits"] = {"rpm": 100_000, "tpm": 1_000_000_000, "concurrency": 500}
        listed[self.extra]["limits"] = {"rpm": 1000 + self.reloads}
        return {
            "version": 1,
            "auth": {"client_keys": [{"name": "soak", "env": "SOAK_KEY"}]},
            "providers": listed,
            "chains": {
                name: {"targets": [{"provider": p, "model": "m"} for p in targets], "timeouts": TIMEOUTS}
                for name, targets in behind.items()
            },
        }

    def reload(self):
        """Replaces a provider and its chain by new ones, after a configuration that is refused every other time."""
        if self.reloads % 2:
            self.fleet.write("version: 1\nproviders: {a: {kind: openai, base_uri: x}}\n")
            wanted = self.number("control", "chain429_control_config_refusals_total") + 1
            self.fleet.reload()
            until(lambda: self.number("control", "chain429_control_config_refusals_total") >= wanted, 20, "the refusal")
            self.refusals += 1
        self.reloads += 1
        self.fleet.write(self.config(), rename=self.reloads % 3 == 0)
        self.fleet.reload()
        for proxy in self.fleet.proxies:
            until(
                lambda client=Client(proxy.api, {"authorization": f"Bearer {KEY}"}): client.get(
                    f"/v1/models/{self.extra}"
                ).status
                == 200,
                20,
                f"{proxy.name} to take the configuration",
            )

    def restart_control(self):
        control = self.fleet.control
        self.learning_until = time.monotonic() + 60
        control.program.signal(signal.SIGTERM)
        code = control.program.wait(10)
        assert code == 0, f"the control plane ended with {code}\n{control.program.tail()}"
        control.start()
        until(self.attached, 30, "the proxies to be attached again")
        self.restarts += 1
        self.learning_until = time.monotonic() + 10

    def learning(self):
        """A control plane that has just started grants nothing for a while; of a pool as new nobody has a share."""
        return time.monotonic() < self.learning_until

    def attached(self):
        return self.number("control", "chain429_control_proxies") == len(self.fleet.proxies)

    def programs(self):
        return {
            **{proxy.name: proxy.program for proxy in self.fleet.proxies},
            "control": self.fleet.control.program,
            "sim": self.sim.program,
        }

    def metrics(self, name):
        """The metrics of a proxy or of the control plane, summed over their labels."""
        address = (
            self.fleet.control.http
            if name == "control"
            else next(p.admin for p in self.fleet.proxies if p.name == name)
        )
        text = Client(address, timeout=20).get("/metrics").body.decode()
        sums = {}
        for metric, value in re.findall(r"(?m)^(chain429_\w+)(?:\{.*\})? (\S+)$", text):
            sums[metric] = sums.get(metric, 0.0) + float(value)
        return sums

    def number(self, name, metric):
        return self.metrics(name)[metric]

    def open_things(self):
        """What is under way or held anywhere, by name; all of it is gone a while after the last client has left."""
        held = {}
        for proxy in self.fleet.proxies:
            sums = self.metrics(proxy.name)
            for metric in ("requests_open", "streams_open", "client_connections"):
                held[f"{proxy.name} {metric}"] = int(sums.get(f"chain429_{metric}", 0))
        held["control permits_open"] = int(self.number("control", "chain429_control_permits_open"))
        for name, provider in self.sim.providers.items():
            held[f"sim {name} open_requests"] = provider.stats()["open_requests"]
        return {name: number for name, number in held.items() if number}

    def idle(self, timeout=30.0):
        """Waits until nothing is under way; the providers end kept connections. What is left, if anything."""

        def quiet():
            for provider in self.sim.providers.values():
                provider.control("POST", "disconnect?idle=1")
            assert not self.open_things(), self.open_things()
            return True

        try:
            until(quiet, timeout, "everything to be idle", every=0.25)
        except AssertionError:
            return self.open_things()
        return {}
