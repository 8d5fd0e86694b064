"""`429ctl up`: everything on one host, in one terminal."""
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import answers, yaml_text
from support.case import ChainCase
from support.poll import until
from support.programs import Program, clean_environment, program, run
from support.raw_client import Client

ADDRESSES = ("--listen", "--admin", "--grpc-listen", "--http-listen")


def descendants(pid):
    """Pids of all that were started below this one."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
                parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Up(ChainCase):
    def start(self, *flags, env=None, home=None):
        home = home or tempfile.mkdtemp()
        free = [word for flag in ADDRESSES if flag not in flags for word in (flag, "127.0.0.1:0")]
        up = Program("429ctl", ["up", *free, *flags], {"HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, **(env or {})}, label="up")
        self.addCleanup(up.kill)
        return up

    def ready(self, up):
        """(client, model) from what it prints."""
        found = up.wait_for(r"(?s)http://(127\.0\.0\.1:\d+)/v1.*?model\S*\s+\"?([a-z0-9._-]+)", 30)
        return Client(found.group(1)), found.group(2)

    def test_the_demo_answers_a_chat_request_at_the_printed_base_url(self):
        """Starts both planes and simulated providers, prints base URL, a curl line and an SDK snippet; it works at once."""
        up = self.start("--demo")
        client, model = self.ready(up)
        answer = client.chat(model)
        self.assertEqual(200, answer.status, repr(answer))
        self.assertTrue(answer.content)
        self.assertEqual(b"[DONE]", client.chat(model, stream=True).body.strip().split(b"data: ")[-1])
        self.assertIn("curl", up.output)
        self.assertRegex(up.output, r"(?i)openai")
        self.assertIn("API_KEY", up.output, "it says how to go real")

    def test_the_printed_curl_line_works_as_it_stands(self):
        """What is printed can be pasted."""
        up = self.start("--demo")
        self.ready(up)
        text = re.sub(r"\x1b\[[0-9;]*m", "", up.output)
        found = re.search(r"(?m)^\s*(curl (?:.*\\\n)*.*)$", text)
        self.assertIsNotNone(found, text)
        done = subprocess.run(["bash", "-c", found.group(1)], capture_output=True, text=True, timeout=20)
        self.assertIn('"choices"', done.stdout, done.stderr)

    def test_ctrl_c_stops_everything(self):
        """Stops everything on Ctrl-C, exit 0, nothing left behind."""
        for number in (signal.SIGINT, signal.SIGTERM):
            up = self.start("--demo")
            client, model = self.ready(up)
            children = descendants(up.pid)
            self.assertGreaterEqual(len(children), 3, "two planes and the simulator")
            os.kill(up.pid, number)
            self.assertEqual(0, up.wait(20))
            until(lambda children=children: not [pid for pid in children if alive(pid)], 5, "all children to be gone")
            with self.assertRaises(OSError):
                client.get("/health")

    def test_a_terminal_sends_ctrl_c_to_all_of_them(self):
        """Ctrl-C reaches the whole foreground group; it is still one orderly stop."""
        up = self.start("--demo")
        self.ready(up)
        children = descendants(up.pid)
        os.killpg(os.getpgid(up.pid), signal.SIGINT)
        self.assertEqual(0, up.wait(20))
        until(lambda: not [pid for pid in children if alive(pid)], 5, "all children to be gone")

    def test_killed_hard_it_leaves_nothing_running(self):
        """Kill -9 of `up` leaves no orphans that hold the ports."""
        up = self.start("--demo")
        self.ready(up)
        children = descendants(up.pid)
        os.kill(up.pid, signal.SIGKILL)
        up.process.wait()
        until(lambda: not [pid for pid in children if alive(pid)], 15, "all children to be gone")

    def test_when_one_of_them_dies_it_says_so_and_ends(self):
        """No half of a gateway is left running."""
        up = self.start("--demo")
        self.ready(up)
        children = descendants(up.pid)
        victim = next(pid for pid in children if "429chain-proxy" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(victim, signal.SIGKILL)
        self.assertGreater(up.wait(20), 0)
        self.assertIn("proxy", up.output)
        until(lambda: not [pid for pid in children if alive(pid)], 5, "all children to be gone")

    def own_config(self, upstream):
        path = Path(tempfile.mkdtemp()) / "mine.yaml"
        path.write_text(yaml_text.dump({"version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                                        "chains": {"my-chain": {"targets": [{"provider": "p", "model": "m"}]}}}))
        return path

    def test_logs_stand_under_their_programs_names_without_colours(self):
        """Prefixes logs; colours only on a terminal."""
        up = self.start("--demo")
        self.ready(up)
        up.wait_for(r"(?m)^control \| \S", 5.0)
        up.wait_for(r"(?m)^proxy   \| \S", 5.0)
        self.assertNotIn("\x1b", up.output)

    def test_whoever_dies_is_named_with_how_and_what_may_help(self):
        """Which program, exit code or signal, its last log lines, a hint."""
        for name in ("control", "proxy"):
            up = self.start("--demo")
            self.ready(up)
            victim = next(pid for pid in descendants(up.pid)
                          if f"429chain-{name}" in Path(f"/proc/{pid}/cmdline").read_text())
            os.kill(victim, signal.SIGKILL)
            self.assertGreater(up.wait(20), 0)
            self.assertRegex(up.stderr, rf"error: {name} has ended unasked: killed by signal 9 \(SIGKILL\)\nits last lines:\n    \S")
            self.assertIn("\nhint: ", up.stderr)

    def test_cooldowns_outlive_a_restart(self):
        """State is kept over restarts in the state folder, whether it was stopped or killed."""
        for number in (signal.SIGINT, signal.SIGKILL):
            upstream = self.upstream(answers.rate_limited({"retry-after": "3000"}))
            path, home = self.own_config(upstream), tempfile.mkdtemp()
            up = self.start("--config", path, home=home)
            client, _ = self.ready(up)
            self.assertEqual(429, client.chat("my-chain").status)
            self.assertEqual(1, upstream.calls)
            until(lambda up=up: self.closed_pools(up), 10, "the control plane to know of the cooldown")
            children = descendants(up.pid)
            os.kill(up.pid, number)
            up.wait(20)
            until(lambda children=children: not [pid for pid in children if alive(pid)], 15, "all children to be gone")
            self.assertTrue((Path(home) / "429chain" / "state.db").exists())
            up = self.start("--config", path, home=home)
            client, _ = self.ready(up)
            self.assertIn(f"{home}/429chain", up.stdout, "the banner says where the state is")
            answer = client.chat("my-chain")
            self.assertEqual(429, answer.status, repr(answer))
            self.assertGreater(int(answer.header("retry-after")), 2000)
            self.assertEqual(1, upstream.calls, "it was not called again")

    def closed_pools(self, up):
        control = re.search(r"--control (\S+) pools", up.stdout).group(1)
        code, out, _ = run("429ctl", ["--control", control, "-o", "json", "pools"])
        return code == 0 and "rate_limited" in out

    def test_a_chosen_state_folder(self):
        """`--state DIR` holds what is written."""
        state = Path(tempfile.mkdtemp()) / "state"
        up = self.start("--state", state, env={"GROQ_API_KEY": "gsk_0123456789abcdef"})
        self.ready(up)
        self.assertTrue((state / "429chain.yaml").exists())
        self.assertTrue((state / "state.db").exists())
        self.assertEqual(0o700, state.stat().st_mode & 0o777)

    def test_a_second_start_uses_what_the_first_has_written_and_names_new_keys(self):
        """Written once; keys that appear later are mentioned in one line."""
        home = tempfile.mkdtemp()
        up = self.start(home=home, env={"GROQ_API_KEY": "gsk_0123456789abcdef"})
        self.ready(up)
        self.assertRegex(up.stderr, r"(?m)^==> wrote .*429chain\.yaml for GROQ_API_KEY")
        os.kill(up.pid, signal.SIGTERM)
        self.assertEqual(0, up.wait(20))
        up = self.start(home=home, env={"GROQ_API_KEY": "gsk_0123456789abcdef", "CEREBRAS_API_KEY": "csk_0123456789abcdef"})
        self.ready(up)
        self.assertRegex(up.stderr, r"(?m)^==> using .*429chain\.yaml, written before$")
        self.assertRegex(up.stderr, r"(?m)^==> .*does not use CEREBRAS_API_KEY")
        self.assertRegex(up.stdout, r"Groq +3,000 +600,000 +2026-08-22", "the free tier per day, short")

    def test_it_works_without_standard_input(self):
        """Stdin closed, not at its end: no file takes its number."""
        home = tempfile.mkdtemp()
        flags = [word for flag in ADDRESSES for word in (flag, "127.0.0.1:0")]
        out = Path(home) / "out"
        with open(out, "wb") as file:
            up = subprocess.Popen(["bash", "-c", 'exec "$@" <&-', "up", program("429ctl"), "up", "--demo", *flags],
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                  env=clean_environment({"HOME": home, "XDG_STATE_HOME": home}), start_new_session=True)
        self.addCleanup(up.kill)
        found = until(lambda: re.search(r"Base URL http://(127\.0\.0\.1:\d+)/v1", out.read_text()), 30, "the banner")
        self.assertEqual(200, Client(found.group(1)).chat("demo").status)
        self.assertRegex(out.read_text(), r"(?m)^control \| \S", "its logs are still read")
        up.send_signal(signal.SIGTERM)
        self.assertEqual(0, up.wait(20), out.read_text())

    def test_it_ends_under_timeout(self):
        """`timeout N 429ctl up` leaves nothing behind."""
        home = tempfile.mkdtemp()
        flags = [word for flag in ADDRESSES for word in (flag, "127.0.0.1:0")]
        done = subprocess.run(["timeout", "--preserve-status", "-k", "20", "2", program("429ctl"), "up", "--demo", *flags],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=clean_environment({"HOME": home, "XDG_STATE_HOME": home}))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("==> stopping", done.stderr)

    def test_ctrl_c_twice_stops_at_once(self):
        """The first waits for what is open, the second does not."""
        upstream = self.upstream(answers.silent)
        up = self.start("--config", self.own_config(upstream))
        client, _ = self.ready(up)
        asking = client.open_chat("my-chain")
        self.addCleanup(asking.close)
        until(lambda: upstream.calls == 1, 10, "the request to be under way")
        children = descendants(up.pid)
        os.kill(up.pid, signal.SIGINT)
        up.wait_for("waiting for proxy to finish what is open", 20)
        self.assertTrue(up.running)
        os.kill(up.pid, signal.SIGINT)
        self.assertEqual(0, up.wait(10))
        self.assertFalse([pid for pid in children if alive(pid)])
        self.assertNotIn("does not stop", up.stderr)

    def test_a_configuration_of_ones_own(self):
        """`up --config FILE`."""
        upstream = self.upstream(answers.usual("mine"))
        up = self.start("--config", self.own_config(upstream))
        client, _ = self.ready(up)
        self.assertEqual("mine", client.chat("my-chain").content)

    def test_a_bad_configuration_is_said_before_anything_starts(self):
        """With file:line:col, and nothing left running."""
        path = Path(tempfile.mkdtemp()) / "bad.yaml"
        path.write_text("version: 1\nchainz: {}\n")
        up = self.start("--config", path)
        self.assertGreater(up.wait(15), 0)
        self.assertIn("bad.yaml:2:1", up.output)

    def test_a_port_in_use_is_said_with_the_flag_that_helps(self):
        """Everything is told so that a person can act."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            up = self.start("--demo", "--listen", address)
            self.assertGreater(up.wait(15), 0)
            self.assertIn(address, up.output)
            self.assertIn("--listen", up.output)

    def test_keys_in_the_environment_go_real(self):
        """With the keys found in the environment, else the demo; the key itself is nowhere printed."""
        up = self.start(env={"GROQ_API_KEY": "gsk_0123456789abcdef"})
        client, model = self.ready(up)
        listed = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
        self.assertIn(model, listed)
        self.assertNotIn("gsk_0123456789abcdef", up.output)
        self.assertNotIn("simulated", up.output)
        home = Path(up.directory)
        self.assertFalse([p for p in home.rglob("*") if p.is_file() and b"gsk_0123456789abcdef" in p.read_bytes()])


if __name__ == "__main__":
    unittest.main()
