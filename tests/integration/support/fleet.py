"""A control plane and its proxies, started on free ports and stopped again."""
import os
import random
import signal
import socket
import tempfile
from pathlib import Path

from support import yaml_text
from support.poll import until
from support.programs import Program
from support.raw_client import Client


def quiet_port():
    """A free port that no outgoing connection takes: it is bound again after a program's restart."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Control:
    def __init__(self, config_path, directory, env=None, flags=(), grpc="127.0.0.1:0", http="127.0.0.1:0"):
        self.config_path, self.directory, self.env, self.flags = config_path, directory, env, flags
        self.grpc = grpc if grpc != "127.0.0.1:0" else f"127.0.0.1:{quiet_port()}"
        self.http = http if http != "127.0.0.1:0" else f"127.0.0.1:{quiet_port()}"
        self.program = None

    def start(self, wait=True):
        config = ["--config", self.config_path] if self.config_path else []
        self.program = Program("429chain-control", [*config, "--grpc-listen", self.grpc, "--http-listen", self.http,
                                                    *self.flags], self.env, self.directory, "control")
        if wait:
            self.wait_listening()
        return self

    def wait_listening(self, timeout=20.0):
        found = self.program.wait_for(r"listening grpc=(\S+:\d+) http=(\S+:\d+)", timeout)
        # Started again, it takes the ports that the proxies know.
        self.grpc, self.http = found.group(1).strip('"'), found.group(2).strip('"')
        return self

    @property
    def client(self):
        return Client(self.http)


class Proxy:
    def __init__(self, control, directory, name="node-0", env=None, flags=(), workers=1, listen="127.0.0.1:0"):
        self.arguments = ["--control", control, "--listen", listen, "--admin", "127.0.0.1:0", "--node", name,
                          "--workers", str(workers), *flags]
        self.name, self.directory, self.env = name, directory, env
        self.program = None
        self.api = self.admin = None

    def start(self, wait=True):
        self.program = Program("429chain-proxy", self.arguments, self.env, self.directory, self.name)
        if wait:
            self.wait_listening()
        return self

    def wait_listening(self, timeout=20.0):
        found = self.program.wait_for(r"listening api=(\S+:\d+) admin=(\S+:\d+)", timeout)
        self.api, self.admin = found.group(1).strip('"'), found.group(2).strip('"')
        return self

    def ready(self):
        """The status of GET /ready, None where nobody answers."""
        try:
            return Client(self.admin, timeout=5).get("/ready").status
        except OSError:
            return None

    def wait_ready(self, timeout=20.0):
        until(lambda: self.ready() == 200, timeout, f"{self.name} ready\n{self.program.tail()}")
        return self

    @property
    def client(self):
        return Client(self.api)


class Fleet:
    """`config` is a dict (written as YAML) or a text. Everything that was started ends with `stop`."""

    def __init__(self, config, proxies=1, env=None, control_flags=(), proxy_flags=(), workers=1, suffix=".yaml",
                 client_headers=None):
        self.directory = Path(tempfile.mkdtemp(prefix="429chain-fleet-"))
        self.config_path = self.directory / f"chains{suffix}"
        self.write(config)
        self.env = env or {}
        self.client_headers = client_headers
        self.control = Control(self.config_path, self.directory, self.env, control_flags)
        self._wanted, self._proxy_flags, self._workers = proxies, proxy_flags, workers
        self.proxies = []

    def write(self, config, rename=False):
        text = config if isinstance(config, str) else yaml_text.dump(config)
        if rename:
            beside = self.directory / ".next"
            beside.write_text(text)
            os.rename(beside, self.config_path)
        else:
            self.config_path.write_text(text)

    def start(self, ready=True):
        try:
            self.control.start()
            for number in range(self._wanted):
                self.add_proxy(f"node-{number}", wait=False)
            for proxy in self.proxies:
                proxy.wait_listening()
            if ready:
                for proxy in self.proxies:
                    proxy.wait_ready()
        except BaseException as error:
            print(f"fleet did not start: {error}\n{self.logs()}")
            self.stop()
            raise
        return self

    def add_proxy(self, name, wait=True, **options):
        options = {"env": self.env, "flags": self._proxy_flags, "workers": self._workers, **options}
        proxy = Proxy(self.control.grpc, self.directory, name, **options)
        self.proxies.append(proxy)
        return proxy.start(wait)

    @property
    def proxy(self):
        return self.proxies[0]

    @property
    def client(self):
        return self.client_of(0)

    def client_of(self, number):
        return Client(self.proxies[number].api, self.client_headers)

    def reload(self):
        self.control.program.signal(signal.SIGHUP)

    def logs(self, lines=40):
        programs = [self.control.program, *(proxy.program for proxy in self.proxies)]
        return "".join(p.tail(lines) for p in programs if p)

    def stop(self):
        programs = [*(proxy.program for proxy in self.proxies), self.control.program]
        if "LSAN_OPTIONS" in os.environ:
            # Leaks are looked for when a program ends by itself.
            for p in programs:
                if p and p.running:
                    p.signal(signal.SIGCONT)
                    p.signal(signal.SIGTERM)
            for p in programs:
                if p and p.running:
                    p.terminate(timeout=20)
        for p in programs:
            if p:
                p.kill()
