"""A control plane that is shown one configuration: is it taken, and if not, what is said of it."""
import json
import re
import tempfile
import time
from pathlib import Path

from support import yaml_text
from support.case import ChainCase
from support.poll import until
from support.programs import Program

GOOD = """\
version: 1
providers:
  local:
    kind: openai
    base_url: http://127.0.0.1:9/v1
chains:
  coding:
    targets:
      - {provider: local, model: m}
"""


def good(**changes):
    """The good configuration as data, with changes."""
    config = {"version": 1, "providers": {"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
              "chains": {"coding": {"targets": [{"provider": "local", "model": "m"}]}}}
    config.update(changes)
    return config


class ConfigCase(ChainCase):
    def file(self, text, suffix=".yaml"):
        directory = Path(tempfile.mkdtemp(prefix="429chain-config-"))
        path = directory / f"chains{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def text(self, config, suffix=".yaml"):
        if isinstance(config, (str, bytes)):
            return config
        return json.dumps(config, indent=1) if suffix == ".json" else yaml_text.dump(config)

    def arguments(self, path):
        return ["--config", path, "--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]

    def refuse(self, config, suffix=".yaml", env=None):
        """Runs the control plane with it; it must end non-zero within 10 s. Its whole output."""
        path = self.file(self.text(config, suffix), suffix)
        control = Program("429chain-control", self.arguments(path), env, path.parent, "control")
        self.addCleanup(control.kill)
        started = time.monotonic()
        until(lambda: not control.running or "listening grpc" in control.output, 15, "an end")
        self.assertFalse(control.running, f"it was taken:\n{self.text(config, suffix)}\n{control.output}")
        self.assertNotEqual(0, control.process.returncode)
        self.assertGreater(control.process.returncode, 0, f"killed by a signal\n{control.output}")
        self.assertLess(time.monotonic() - started, 10)
        self.assertRegex(control.output, re.escape(path.name) + r":\d+:\d+", control.output)
        return control.output

    def accept(self, config, suffix=".yaml", env=None):
        path = self.file(self.text(config, suffix), suffix)
        control = Program("429chain-control", self.arguments(path), env, path.parent, "control")
        self.addCleanup(control.kill)
        control.wait_for("listening grpc", 15)
        control.kill()
        return control.output

    def places(self, output, suffix=".yaml"):
        """[(line, column, rest of the line)] of all errors."""
        return [(int(line), int(column), rest) for line, column, rest in
                re.findall(r"chains" + re.escape(suffix) + r":(\d+):(\d+):?\s*(.*)", output)]
