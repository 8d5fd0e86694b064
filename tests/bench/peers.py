"""What is measured, started on free ports: the gateway with its control plane, nginx and HAProxy as plain reverse proxies."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from support.fleet import Fleet
from support.poll import until

KEY_LIMITS = {"rpm": 10_000_000}  # known, so that every request needs a permit; generous, so that permits come with spares


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find(program):
    return shutil.which(program) or next((p for p in (f"/usr/sbin/{program}",) if os.access(p, os.X_OK)), None)


class Upstream:
    """The provider as it is, without anything before it: what the others add is measured against it."""
    name, pid, path = "direct", None, "/v1/chat/completions"

    def __init__(self, address):
        self.address = address

    def stop(self):
        pass


class Gateway:
    name, path = "429chain", "/v1/chat/completions"

    def __init__(self, upstream, workers, limited=True):
        provider = {"kind": "openai", "base_url": f"http://{upstream}/v1"}
        if limited:
            provider["limits"] = KEY_LIMITS
        self.fleet = Fleet({"version": 1, "providers": {"sim": provider},
                            "chains": {"bench": {"targets": [{"provider": "sim", "model": "sim-model"}]}}},
                           workers=workers).start()
        self.address, self.pid = self.fleet.proxy.api, self.fleet.proxy.program.pid

    def stop(self):
        self.fleet.stop()


class Other:
    """A program with a configuration file of its own."""
    path = "/v1/chat/completions"

    def __init__(self, name, arguments, config):
        self.name, self.port = name, free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = tempfile.mkdtemp(prefix=f"429chain-bench-{name}-")
        os.chmod(self.folder, 0o755)
        path = Path(self.folder) / "config"
        path.write_text(config(self.port, self.folder))
        with open(Path(self.folder) / "log", "wb") as log:
            self.process = subprocess.Popen([*arguments, str(path)], stdout=log, stderr=log, start_new_session=True)
        self.pid = self.process.pid
        until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None, 10, f"{name} listens")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def nginx(upstream, workers):
    def config(port, folder):
        spool = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""worker_processes {workers}; daemon off; pid {folder}/pid; error_log {folder}/error; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
  access_log off; {spool}
  keepalive_requests 1000000000; client_body_buffer_size 256k;
  upstream provider {{ server {upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""
    return Other("nginx", [find("nginx"), "-c"], config)


def haproxy(upstream, workers):
    def config(port, _):
        return f"""global
  nbthread {workers}
  maxconn 8000
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend front
  bind 127.0.0.1:{port} backlog 4096
  default_backend back
backend back
  server provider {upstream}
"""
    return Other("haproxy", [find("haproxy"), "-db", "-f"], config)


def start(wanted, upstream, workers):
    """The peers of `wanted` that are installed, in that order."""
    started = []
    for name in wanted:
        if name == "direct":
            started.append(Upstream(upstream))
        elif name == "429chain":
            started.append(Gateway(upstream, workers))
        elif find(name):
            started.append({"nginx": nginx, "haproxy": haproxy}[name](upstream, workers))
        else:
            print(f"{name} is not installed and left out", file=sys.stderr)
    return started


def chat_body(size, stream):
    """A request of about `size` bytes, with escapes and non-ASCII text as real ones have."""
    line = 'Explain, with "quotes", caf\u00e9 and a newline\n, why a gateway should stream. '
    body = {"model": "bench", "stream": stream, "temperature": 0.7, "max_tokens": 256,
            "messages": [{"role": "system", "content": "You are a terse assistant."}]}
    while (missing := size - len(json.dumps(body, ensure_ascii=False).encode())) > 60:
        role = "user" if len(body["messages"]) % 2 else "assistant"
        body["messages"].append({"role": role, "content": (line * 30)[:min(missing - 50, 1500)]})
    return json.dumps(body, ensure_ascii=False).encode()
