"""Clients for Node that people use, against a real fleet before simulated providers. Each case of
tests/e2e/clients/CLIENT.mjs is a test here, and has chains of its own: what one teaches the gateway about a provider
does not reach the next."""

import fcntl
import filecmp
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from support.case import ChainCase
from support.fleet import Fleet
from support.programs import ROOT
from support.raw_upstream import RefusedPort
from support.sim import Sim

SOURCES = ROOT / "tests" / "e2e" / "clients"
KEY, NARROW_KEY = "sk-client-0123456789", "sk-narrow-0123456789"
SLOTS = 60
TEXT = "Good morning, world."
TIMEOUTS = {"connect": "2s", "first_token": "20s", "idle": "20s", "total": "40s"}


def install():
    """The pinned packages, installed once for all clients below the build. What cannot be had is a failure."""
    for tool in ("node", "npm"):
        assert shutil.which(tool), f"{tool} is not installed; ./dev deps test installs it"
    build = os.environ.get("CHAIN429_BUILD") or ROOT / "build"
    folder = Path(build) / "e2e-clients"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the clients' tests run beside each other
        installed = folder / "installed-lock.json"
        if not (installed.exists() and filecmp.cmp(installed, SOURCES / "package-lock.json", shallow=False)):
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCES / name, folder / name)
            done = subprocess.run(
                ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=150,
            )
            assert (
                done.returncode == 0
            ), f"the clients' packages cannot be installed, npm ci says:\n{done.stderr[-2000:]}"
            shutil.copy(SOURCES / "package-lock.json", installed)
        for source in [*SOURCES.glob("*.mjs"), SOURCES / "failures.json"]:
            if not ((folder / source.name).exists() and filecmp.cmp(source, folder / source.name, shallow=False)):
                shutil.copy(source, folder / source.name)
    return folder


def names(client):
    """Of all the cases that the script runs."""
    own = re.findall(r"(?m)^  async (\w+)\(", (SOURCES / f"{client}.mjs").read_text())
    return [*own, *(f"unseen_{failure}" for failure in json.loads((SOURCES / "failures.json").read_text()))]


class NodeClientCase(ChainCase):
    CLIENT = None  # the script's name

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name in names(cls.CLIENT):
            setattr(cls, f"test_{name}", lambda self, name=name: self.check(name))

    @classmethod
    def setUpClass(cls):
        folder = install()
        listed = [f"{letter}{number}" for number in range(SLOTS) for letter in "abc"]
        sim = Sim(*({"name": name, "answer": {"text": TEXT, "chunks": 4}} for name in listed))
        cls.addClassCleanup(sim.stop)
        refused = RefusedPort()
        cls.addClassCleanup(refused.stop)
        config = {
            "version": 1,
            "providers": {},
            "chains": {},
            "auth": {
                "client_keys": [
                    {"name": "sdk", "env": "CLIENT_KEY"},
                    {"name": "narrow", "env": "NARROW_KEY", "chains": ["slot-0"]},
                ]
            },
        }
        slots = []
        for number in range(SLOTS):
            a, b, c = (f"{letter}{number}" for letter in "abc")
            for name in (a, b, c):
                config["providers"][name] = {"kind": "openai", "base_url": sim[name].base_url}
            config["providers"][c]["limits"] = {"concurrency": 1}
            for chain, targets in ((f"slot-{number}", (a, b)), (f"solo-{number}", (a,)), (f"single-{number}", (c,))):
                config["chains"][chain] = {
                    "targets": [{"provider": p, "model": "m"} for p in targets],
                    "timeouts": TIMEOUTS,
                }
            slots.append(
                {
                    "chain": f"slot-{number}",
                    "solo": f"solo-{number}",
                    "single": f"single-{number}",
                    "target": f"{a}/m",
                    "providers": [sim[name].base_url for name in (a, b, c)],
                }
            )
        cls.fleet = Fleet(config, env={"CLIENT_KEY": KEY, "NARROW_KEY": NARROW_KEY})
        cls.addClassCleanup(cls.fleet.stop)
        cls.fleet.start()
        scene = {
            "baseURL": f"http://{cls.fleet.proxy.api}/v1",
            "refusedURL": refused.base_url,
            "key": KEY,
            "narrowKey": NARROW_KEY,
            "slots": slots,
        }
        done = subprocess.run(
            ["node", "run.mjs", cls.CLIENT],
            input=json.dumps(scene),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        cls.stderr = done.stderr
        cls.results = {
            result["name"]: result for result in map(json.loads, re.findall(r'(?m)^\{"name":.*$', done.stdout))
        }  # clients print, too

    def all_fleets(self):
        return [self.fleet]

    def check(self, name):
        result = self.results.get(name)
        self.assertIsNotNone(result, f"the script ended before {name}: {self.stderr[-2000:]}")
        self.assertTrue(result["ok"], result.get("error"))

    def test_the_script_ran_what_is_listed_here(self):
        """Nothing passes unnoticed."""
        self.assertEqual(set(names(self.CLIENT)), set(self.results), self.stderr[-2000:])
