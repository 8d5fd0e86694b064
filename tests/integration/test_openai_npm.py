"""The official OpenAI SDK for Node (npm `openai`) against a real proxy: what most clients are made of."""
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import answers
from support.answers import event
from support.case import ChainCase, rows
from support.fleet import Fleet
from support.poll import until
from support.programs import ROOT
from support.raw_upstream import RawUpstream

SCRIPT = ROOT / "tests" / "e2e" / "openai"
KEY = "sk-client-0123456789"
CASES = """completion stream stream_with_usage stream_helper tool_calls streamed_tool_calls falls_through_unseen abort
    abort_before_the_answer authentication_error not_found_error rate_limit_error rate_limit_error_of_a_stream retry_after_is_obeyed
    bad_request_error bad_request_of_our_own internal_server_error error_in_mid_stream models many_at_once""".split()


def install():
    """The pinned package below the build directory; a reason where it can't be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "node and npm are not installed"
    build = os.environ.get("CHAIN429_BUILD")
    folder = Path(build or tempfile.mkdtemp()) / "e2e-openai"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "package-lock.json"
    if not ((folder / "installed").exists() and lock.exists() and filecmp.cmp(lock, SCRIPT / "package-lock.json", shallow=False)):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SCRIPT / name, folder / name)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, capture_output=True, text=True,
                              timeout=150)
        if done.returncode != 0:
            return None, f"npm ci failed: {done.stderr[-600:]}"
        (folder / "installed").touch()
    shutil.copy(SCRIPT / "run.mjs", folder / "run.mjs")
    return folder, None


def tool_answer(exchange):
    function = {"name": "weather", "arguments": "{\"city\":\"Žilina\"}"}
    if exchange.request.json().get("stream"):
        parts = [answers.delta(role="assistant", content=None),
                 answers.delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]),
                 *[answers.delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in ("{\"ci", "ty\":\"Ž", "ilina\"}")],
                 answers.delta(finish="tool_calls")]
        answers.stream(b"".join(map(event, parts)) + answers.DONE)(exchange)
    else:
        body = answers.completion_body(None)
        body["choices"][0]["message"]["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        body["choices"][0]["finish_reason"] = "tool_calls"
        answers.plain(200, body)(exchange)


class OpenAiSdk(ChainCase):
    @classmethod
    def setUpClass(cls):
        folder, reason = install()
        if folder is None:
            print(f"!!! the SDK is not tested: {reason}", file=sys.stderr)
            raise unittest.SkipTest(reason)
        content = event(answers.delta(content="x"))
        usage = b"".join(map(event, [*answers.stream_payloads("a"), answers.USAGE])) + answers.DONE
        broken = b"".join(event(answers.delta(content=c)) for c in "hal")
        cls.ups = {
            "good": RawUpstream(answers.usual("hello there")), "usage": RawUpstream(answers.stream(usage)), "tools": RawUpstream(tool_answer),
            "held": RawUpstream(answers.stream(pieces=[content], end=False, then="hold")), "silent": RawUpstream(answers.silent),
            "limited": RawUpstream(answers.rate_limited({"retry-after": "30"})),
            "limited-once": RawUpstream(answers.usual("hello there")).script(answers.rate_limited({"retry-after": "1"})),
            "refused": RawUpstream(answers.plain(400, {"error": {"message": "too hot", "type": "invalid_request_error",
                                                                 "param": "temperature", "code": None}})),
            "down": RawUpstream(answers.error(500)), "broken": RawUpstream(answers.stream(broken, end=False, then="close")),
            "full": RawUpstream(answers.error(503))}
        chains = {"plain": ["good"], "fallback": ["full", "good"],
                  **{n: [n] for n in ("usage", "tools", "held", "silent", "limited", "limited-once", "refused", "down", "broken")}}
        cls.fleet = Fleet({
            "version": 1, "auth": {"client_keys": [{"name": "sdk", "env": "CLIENT_KEY"}]},
            "providers": {n: {"kind": "openai", "base_url": u.base_url} for n, u in cls.ups.items()},
            "chains": {n: {"targets": [{"provider": p, "model": "m"} for p in ps]} for n, ps in chains.items()}},
            env={"CLIENT_KEY": KEY})
        cls.fleet.start()
        done = subprocess.run(["node", "run.mjs", f"http://{cls.fleet.proxy.api}/v1", KEY], cwd=folder, capture_output=True, text=True,
                              timeout=120)
        cls.results = {}
        for line in done.stdout.splitlines():
            result = json.loads(line)
            cls.results[result["name"]] = result
        cls.stderr = done.stderr

    @classmethod
    def tearDownClass(cls):
        if hasattr(cls, "fleet"):
            cls.fleet.stop()

    def all_fleets(self):
        return [self.fleet]

    @rows({name: (name,) for name in CASES})
    def test_sdk(self, name):
        """Completion, stream, tool calls, abort and error classes of npm `openai`."""
        result = self.results.get(name)
        self.assertIsNotNone(result, f"the script ended before {name}: {self.stderr[-2000:]}")
        self.assertTrue(result["ok"], result.get("error"))

    def test_the_script_has_no_case_that_is_not_listed_here(self):
        """Nothing passes unnoticed."""
        self.assertEqual(set(CASES), set(self.results))

    def test_the_aborts_reached_the_provider(self):
        """An aborted call's upstream connection is closed."""
        for name in ("held", "silent"):
            self.ups[name].wait_calls(1)
            until(lambda name=name: not self.ups[name]._connections, 2, f"{name} to be left")


if __name__ == "__main__":
    unittest.main()
