"""A real nginx as a provider: TLS as others do it, and closings at their own time."""
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from support import answers
from support.fleet import quiet_port
from support.poll import until

LOG = "$server_port $ssl_protocol $ssl_session_reused $connection $connection_requests $status"


def find():
    path = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(path).exists():
        raise FileNotFoundError("nginx is not installed; ./dev deps test installs it")
    return path


class Site:
    """One port: `pair` is its certificate (none: plain), `lines` further directives."""

    def __init__(self, pair=None, *lines, text="hello"):
        self.port = quiet_port()
        self.pair, self.lines, self.text = pair, lines, text

    def block(self):
        body = json.dumps(answers.completion_body(self.text), separators=(",", ":"))
        tls = [] if self.pair is None else [f"ssl_certificate {self.pair.cert};",
                                            f"ssl_certificate_key {self.pair.key};"]
        return "\n".join([f"server {{ listen 127.0.0.1:{self.port}{'' if self.pair is None else ' ssl'};", *tls, *self.lines,
                          f"location / {{ default_type application/json; return 200 '{body}'; }} }}"])

    def base_url(self, host="127.0.0.1"):
        return f"{'http' if self.pair is None else 'https'}://{host}:{self.port}/v1"


class Nginx:
    def __init__(self, *sites):
        self.directory = Path(tempfile.mkdtemp(prefix="429chain-nginx-"))
        self.log_path, self.error_path = self.directory / "access.log", self.directory / "error.log"
        temporary = "\n".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in
                              ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        blocks = "\n".join(site.block() for site in sites)
        self.config_path = self.directory / "nginx.conf"
        self.config_path.write_text(f"""daemon off;
master_process off;
pid {self.directory}/pid;
error_log {self.error_path} notice;
events {{ worker_connections 512; }}
http {{
log_format tests '{LOG}';
access_log {self.log_path} tests;
{temporary}
{blocks}
}}
""")
        self.process = subprocess.Popen([find(), "-p", str(self.directory), "-c", str(self.config_path), "-e",
                                         str(self.error_path)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._started, 20, f"nginx\n{self.errors()}")

    def _started(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"nginx ended\n{self.errors()}")
        return self.log_path.exists() and (self.directory / "pid").exists()

    def errors(self):
        return self.error_path.read_text(errors="replace") if self.error_path.exists() else ""

    def calls(self, site):
        """[(protocol, session was resumed, connection, nth request on it, status)] of one port, in order."""
        found = re.findall(rf"(?m)^{site.port} (\S+) (\S+) (\d+) (\d+) (\d+)$", self.log_path.read_text())
        return [(protocol, reused == "r", int(connection), int(nth), int(status))
                for protocol, reused, connection, nth, status in found]

    def stop(self):
        self.process.kill()
        self.process.wait()
