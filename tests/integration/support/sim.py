"""The simulated providers: started with a scenario, asked for their log, which is the ground truth."""
import json
import re
import tempfile
from pathlib import Path

from support.programs import Program
from support.raw_client import Client


class SimProvider:
    def __init__(self, name, base_url):
        self.name, self.base_url = name, base_url
        address, path = re.match(r"http://([^/]+)(.*)", base_url).groups()
        self._client = Client(address)
        # Providers that share a port are told apart by a prefix.
        self._prefix = f"/{name}" if path.startswith(f"/{name}/") else ""

    def control(self, method, what, body=None):
        answer = self._client.request(method, f"{self._prefix}/__sim/{what}", None if body is None else json.dumps(body).encode())
        assert answer.status == 200, repr(answer)
        return answer.json()

    def log(self):
        """Every request so far, as the provider saw it."""
        listed = self.control("GET", "log")
        return listed["entries"] if isinstance(listed, dict) else listed

    def stats(self):
        return self.control("GET", "stats")

    def faults(self, *faults):
        self.control("PUT", "faults", list(faults))

    def limits(self, limits):
        self.control("POST", "limits", limits)


class Sim:
    """`providers`: a list of dicts as in a scenario."""

    def __init__(self, *providers, seed=1):
        directory = Path(tempfile.mkdtemp(prefix="429chain-sim-"))
        scenario = directory / "scenario.json"
        listed = [{"listen": "127.0.0.1:0", **provider} for provider in providers]
        scenario.write_text(json.dumps({"seed": seed, "providers": listed}))
        self.program = Program("429chain-sim", ["--scenario", scenario], directory=directory, label="sim")
        self.program.wait_for(r"(?m)^ready")
        self.providers = {name: SimProvider(name, url) for name, url in
                          re.findall(r"(?m)^listening (\S+) (http://\S+)", self.program.stdout)}

    def __getitem__(self, name):
        return self.providers[name]

    def stop(self):
        self.program.kill()
