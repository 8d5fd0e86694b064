"""Where logs go and what they hold: files, their rotation, levels and formats at run time, bodies."""
import json
import signal
import unittest
from pathlib import Path

from support import answers, log_lines
from support.answers import ROLE, delta, event
from support.case import ChainCase
from support.poll import until
from support.raw_client import Client

PROVIDER_KEY = "provider-key-0123456789abcdef"


class LogCase(ChainCase):
    def start(self, log, answer=None, **options):
        self.provider = self.upstream(answer)
        return self.start_fleet(self.config(log), env={"PROVIDER": PROVIDER_KEY}, **options)

    def config(self, log):
        return {"version": 1,
                "providers": {"p": {"kind": "openai", "base_url": self.provider.base_url,
                                    "credentials": [{"name": "main", "env": "PROVIDER"}]}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}, "log": log}

    def reload(self, fleet, log):
        """The new configuration is known at the proxy when this returns."""
        fleet.write(self.config(log))
        fleet.reload()

        def applied():
            dumped = Client(fleet.proxy.admin).get("/config_dump").json()["log"]
            return all(dumped.get(key) == value for key, value in log.items())
        until(applied, 10.0, f"{log} at the proxy\n{fleet.logs()}")

    def text_of(self, path, *wanted):
        """The file's text once it holds all these."""
        def look():
            text = Path(path).read_text()
            return text if all(one in text for one in wanted) else None
        return until(look, 10.0, f"{wanted} in {path}")


class Files(LogCase):
    def test_both_planes_write_to_one_file_and_its_lines_stay_whole(self):
        """Two proxies and the control plane on one host; each line says whose it is."""
        fleet = self.start({"format": "json", "file": "all.log"}, proxies=2)
        ids = [fleet.client_of(n % 2).chat("c").header("x-request-id") for n in range(40)]
        text = self.text_of(fleet.directory / "all.log", *ids, '"program":"control"')
        lines = log_lines.of_json(text[:text.rfind("\n") + 1])
        self.assertEqual({"proxy", "control"}, {line["program"] for line in lines})
        self.assertEqual(40, sum(line["message"] == "request" for line in lines))
        self.assertNotIn(ids[0], fleet.proxy.program.stderr)

    def test_a_path_may_name_program_and_node(self):
        """Then each has its own file."""
        fleet = self.start({"file": "{program}-{node}.log"}, proxies=0)
        proxy = fleet.add_proxy("node-7").wait_ready()
        answer = Client(proxy.api).chat("c")
        self.text_of(fleet.directory / "proxy-node-7.log", answer.header("x-request-id"))
        self.text_of(fleet.directory / "control-control.log", "configuration taken")

    def test_a_full_file_is_set_aside_and_the_newest_are_kept(self):
        """log, log.1, …: no more than are to be kept, no line lost between those."""
        big = "x" * 60_000
        fleet = self.start({"format": "json", "file": "{program}.log", "rotate_mb": 1, "keep": 2, "bodies": "all"})
        ids = [fleet.client.chat("c", messages=[{"role": "user", "content": big}]).header("x-request-id")
               for _ in range(70)]
        current = fleet.directory / "proxy.log"
        self.text_of(current, ids[-1])
        files = [current, fleet.directory / "proxy.log.1", fleet.directory / "proxy.log.2"]
        self.assertEqual({path.name for path in files}, {path.name for path in fleet.directory.glob("proxy.log*")})
        kept = []
        for path in reversed(files):
            kept += [line["request_id"] for line in log_lines.of_json(path.read_text()) if line["message"] == "request"]
            self.assertLess(path.stat().st_size, (1 << 20) + 200_000)
        self.assertEqual(ids[-len(kept):], kept)
        self.assertGreater(len(kept), 30)

    def test_sighup_opens_a_file_anew_that_was_moved_away(self):
        """As logrotate does."""
        fleet = self.start({"file": "{program}.log"})
        path = fleet.directory / "proxy.log"
        self.text_of(path, fleet.client.chat("c").header("x-request-id"))
        path.rename(fleet.directory / "old")
        fleet.proxy.program.signal(signal.SIGHUP)
        until(path.exists, 5.0, "the file anew")
        answer = fleet.client.chat("c")
        self.assertNotIn(answer.header("x-request-id"), (fleet.directory / "old").read_text())
        self.text_of(path, answer.header("x-request-id"))
        self.assertTrue(fleet.proxy.program.running)

    def test_a_file_that_cannot_be_written_stops_nobody(self):
        """The log stays on stderr, and says why."""
        fleet = self.start({"file": "/nowhere/at/all.log"})
        answer = fleet.client.chat("c")
        self.assertEqual(200, answer.status)
        for program in (fleet.control.program, fleet.proxy.program):
            until(lambda: "log file cannot be opened" in program.stderr and "/nowhere/at/all.log" in program.stderr, 5.0)
        until(lambda: answer.header("x-request-id") in fleet.proxy.program.stderr, 5.0)

    def test_dev_full_stops_nobody(self):
        """A disk that is full."""
        fleet = self.start({"file": "/dev/full"})
        answer = fleet.client.chat("c")
        self.assertEqual(200, answer.status)
        until(lambda: "cannot be written" in fleet.proxy.program.stderr, 5.0)
        until(lambda: answer.header("x-request-id") in fleet.proxy.program.stderr, 5.0)


class AtRunTime(LogCase):
    def test_a_reload_switches_everything_without_a_restart(self):
        """Level, format and file, on both planes."""
        fleet = self.start({"level": "info", "format": "text"})
        fleet.client.chat("c")
        until(lambda: " proxy: request " in fleet.proxy.program.stderr, 5.0)
        pid = fleet.proxy.program.pid
        self.reload(fleet, {"level": "warning", "format": "json", "file": "later.log"})
        quiet = fleet.client.chat("c").header("x-request-id")
        self.provider.answer = answers.error(500)
        loud = fleet.client.chat("c").header("x-request-id")
        text = self.text_of(fleet.directory / "later.log", loud)
        self.assertNotIn(quiet, text)
        self.assertEqual("warning", log_lines.requests(text, request_id=loud)[0]["level"])
        self.assertNotIn(loud, fleet.proxy.program.stderr)
        self.reload(fleet, {"level": "info", "file": None})
        back = fleet.client.chat("c").header("x-request-id")
        until(lambda: f"request_id={back}" in fleet.proxy.program.stderr, 5.0)
        self.assertEqual(pid, fleet.proxy.program.pid)
        self.assertTrue(fleet.proxy.program.running)

    def test_flags_win_over_the_configuration(self):
        """What somebody said on the command line, or in the environment, holds."""
        fleet = self.start({"level": "debug", "format": "text"}, proxy_flags=["--log-format", "json"])
        id = fleet.client.chat("c").header("x-request-id")
        line = until(lambda: log_lines.requests(fleet.proxy.program.stderr, request_id=id), 5.0)
        self.assertEqual("info", line[0]["level"])
        state = Client(fleet.proxy.admin).get("/log").json()
        self.assertEqual(("debug", "configuration", "json"), (state["level"], state["level_from"], state["format"]))

    def test_the_environment_is_a_flag_too(self):
        """CHAIN429_LOG_LEVEL."""
        self.provider = self.upstream()
        fleet = self.start_fleet(self.config({"level": "debug"}), env={"PROVIDER": PROVIDER_KEY, "CHAIN429_LOG_LEVEL": "error"})
        self.assertEqual("flag", Client(fleet.proxy.admin).get("/log").json()["level_from"])
        fleet.client.chat("c")
        # Where it listens is said at any level, and nothing else.
        self.assertRegex(fleet.proxy.program.stderr, r"^\S+ info proxy: listening api=\S+ admin=\S+\n$")

    def test_the_level_is_set_by_request(self):
        """On both planes, until it is given back."""
        fleet = self.start({"level": "warning"})
        for address, path in ((fleet.proxy.admin, "/log"), (fleet.control.http, "/api/v1/log")):
            client = Client(address)
            self.assertEqual(("warning", "configuration"), tuple(client.get(path).json()[k] for k in ("level", "level_from")))
            answer = client.request("PUT", f"{path}?level=debug")
            self.assertEqual((200, "debug", "request"), (answer.status, answer.json()["level"], answer.json()["level_from"]))
            self.assertEqual(400, client.request("PUT", f"{path}?level=loud").status)
            self.assertEqual(400, client.request("PUT", path).status)
            self.assertEqual("debug", client.get(path).json()["level"])
        id = fleet.client.chat("c").header("x-request-id")
        until(lambda: id in fleet.proxy.program.stderr, 5.0)
        answer = Client(fleet.proxy.admin).request("PUT", "/log?level=default")
        self.assertEqual("warning", answer.json()["level"])

    def test_other_sites_may_not_set_it(self):
        """A web page that somebody on this host visits could."""
        fleet = self.start({"level": "warning"})
        for address, path in ((fleet.proxy.admin, "/log"), (fleet.control.http, "/api/v1/log")):
            answer = Client(address, {"origin": "https://evil.example"}).request("PUT", f"{path}?level=debug")
            self.assertEqual(403, answer.status)
            self.assertEqual("warning", Client(address).get(path).json()["level"])
        self.assertEqual(404, fleet.client.get("/log").status)


class Bodies(LogCase):
    def line(self, fleet, answer):
        id = answer.header("x-request-id")
        return until(lambda: log_lines.requests(fleet.proxy.program.stderr, request_id=id), 5.0)[0]

    def test_off_is_the_default(self):
        """No prompt stands in a log unless somebody asks for it."""
        fleet = self.start({"format": "json"})
        line = self.line(fleet, fleet.client.chat("c", messages=[{"role": "user", "content": "my secret thought"}]))
        self.assertNotIn("request_body", line)
        self.assertNotIn("my secret thought", fleet.proxy.program.stderr)

    def test_errors_only(self):
        """Those that went well stay out."""
        fleet = self.start({"format": "json", "bodies": "errors"})
        good = fleet.client.chat("c", messages=[{"role": "user", "content": "good thought"}])
        self.assertNotIn("request_body", self.line(fleet, good))
        self.provider.answer = answers.error(400, f"the key {PROVIDER_KEY} is fine", "invalid_request_error")
        bad = fleet.client.chat("c", messages=[{"role": "user", "content": "bad thought"}])
        line = self.line(fleet, bad)
        self.assertIn("bad thought", line["request_body"])
        self.assertEqual(bad.body.decode(), line["response_body"])
        self.assertNotIn("good thought", fleet.proxy.program.stderr)
        self.assertNotIn(PROVIDER_KEY, fleet.proxy.program.stderr)

    def test_all_with_streams_as_they_were_sent(self):
        """In one field, whatever pieces they came in."""
        fleet = self.start({"format": "json", "bodies": "all"})
        self.provider.answer = answers.stream(pieces=[event(ROLE), event(delta(content=PROVIDER_KEY)), event(answers.STOP),
                                                      answers.DONE])
        answer = fleet.client.chat("c", stream=True)
        line = self.line(fleet, answer)
        self.assertEqual(answer.body.decode().replace(PROVIDER_KEY, "[redacted]"), line["response_body"])
        self.assertIs(True, json.loads(line["request_body"])["stream"])

    def test_what_is_long_is_cut_and_says_so(self):
        """At 64 KiB."""
        fleet = self.start({"format": "json", "bodies": "all"}, answers.completion("y" * 100_000))
        line = self.line(fleet, fleet.client.chat("c", messages=[{"role": "user", "content": "x" * 100_000}]))
        for key in ("request_body", "response_body"):
            self.assertEqual(64 * 1024, len(line[key]))
            self.assertIs(True, line[f"{key}_cut"])
        self.assertGreater(line["bytes_in"], 100_000)


if __name__ == "__main__":
    unittest.main()
