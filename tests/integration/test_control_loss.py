"""The control plane dies, stops, comes back: clients notice nothing, limits hold, and what was learnt is not forgotten."""
import signal
import tempfile
import time
import unittest
from pathlib import Path

from support import answers, checks, yaml_text
from support.case import ChainCase, TIMEOUTS
from support.fleet import Control, Proxy
from support.load import Load
from support.poll import stays, until
from support.programs import Program, run
from support.raw_client import Client
from support.sim import Sim


class ControlLoss(ChainCase):
    def fleet_under_load(self, rate=20, rpm=600, **more):
        sim = Sim({"name": "first", "limits": {"rpm": rpm}, "answer": {"latency": "uniform:5ms:40ms"}},
                  {"name": "second", "answer": {"latency": "uniform:5ms:40ms"}})
        self.addCleanup(sim.stop)
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"first": {"kind": "openai", "base_url": sim["first"].base_url, "limits": {"rpm": rpm}, **more},
                          "second": {"kind": "openai", "base_url": sim["second"].base_url}},
            "chains": {"c": {"targets": [{"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}}}, proxies=3)
        load = Load([p.api for p in fleet.proxies], "c", rate, stream=lambda n: n % 3 == 0)
        self.addCleanup(load.stop)
        load.start()
        until(lambda: len(load.outcomes) > 2 * rate, 20, "the load to run")
        return sim, fleet, load

    def attached(self, fleet, number):
        """True once the control plane says that so many proxies are attached."""
        code, out, err = run("429ctl", ["--control", fleet.control.grpc, "proxies", "--output", "json"])
        return code == 0 and out.count('"attached": true') + out.count('"attached":true') >= number

    def nobody_noticed(self, load, sim):
        load.stop()
        self.assertEqual([], load.failures())
        self.assertLess(load.slowest(), 3, sorted(load.outcomes, key=lambda o: -(o.seconds or 0))[:3])
        refused = [entry for entry in sim["first"].log() if entry["status"] == 429]
        self.assertEqual([], refused, "no provider limit was overrun")

    def test_killed_and_restarted_under_load(self):
        """Killed with kill -9 under load: 0 client errors, nothing held up by more than 3 s; back: re-attached within 15 s."""
        sim, fleet, load = self.fleet_under_load()
        fleet.control.program.kill()
        count = len(load.outcomes)
        until(lambda: len(load.outcomes) > count + 160, 30, "8 s of load without a control plane")
        for proxy in fleet.proxies:
            self.assertEqual(200, proxy.ready(), "ready while the control plane is away")
        back = time.monotonic()
        fleet.control.start()
        until(lambda: self.attached(fleet, 3), 15, "all proxies to re-attach", every=0.2)
        self.assertLess(time.monotonic() - back, 15)
        count = len(load.outcomes)
        until(lambda: len(load.outcomes) > count + 60, 20, "some more load")
        self.nobody_noticed(load, sim)

    def test_stopped_for_ten_seconds_under_load(self):
        """Stopped for 10 s (SIGSTOP: connections stay, nobody answers): 0 client errors, nothing held up by more than 3 s."""
        sim, fleet, load = self.fleet_under_load()
        fleet.control.program.signal(signal.SIGSTOP)
        count = len(load.outcomes)
        try:
            until(lambda: len(load.outcomes) > count + 200, 40, "10 s of load with a stopped control plane")
        finally:
            fleet.control.program.signal(signal.SIGCONT)
        until(lambda: self.attached(fleet, 3), 15, "all proxies to be attached again", every=0.2)
        count = len(load.outcomes)
        until(lambda: len(load.outcomes) > count + 60, 20, "some more load")
        self.nobody_noticed(load, sim)

    def test_restarted_politely_under_load(self):
        """Restarted under load; SIGTERM to the control plane: exit 0 within 5 s."""
        sim, fleet, load = self.fleet_under_load()
        for _ in range(2):
            fleet.control.program.signal(signal.SIGTERM)
            self.assertEqual(0, fleet.control.program.wait(5))
            fleet.control.start()
            until(lambda: self.attached(fleet, 3), 15, "all proxies to re-attach", every=0.2)
        self.nobody_noticed(load, sim)

    def test_a_tight_limit_holds_while_it_is_away_and_after_its_restart(self):
        """On the last safe share no provider limit is overrun, and a restarted control plane is told what was used."""
        sim, fleet, load = self.fleet_under_load(rate=8, rpm=30)
        fleet.control.program.kill()
        count = len(load.outcomes)
        until(lambda: len(load.outcomes) > count + 64, 30, "8 s of load without a control plane")
        fleet.control.start()
        until(lambda: self.attached(fleet, 3), 15, "all proxies to re-attach", every=0.2)
        count = len(load.outcomes)
        until(lambda: len(load.outcomes) > count + 160, 40, "20 s of load with the new one")
        self.nobody_noticed(load, sim)
        self.assertLessEqual(len(sim["first"].log()), 30 + 30)


class Cooldowns(ChainCase):
    def closed_fleet(self, proxies=1):
        a, b = self.upstream(answers.usual(), "a"), self.upstream(answers.usual(), "b")
        fleet = self.start_fleet({
            "version": 1,
            "providers": {n: {"kind": "openai", "base_url": u.base_url} for n, u in (("a", a), ("b", b))},
            "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}], "timeouts": TIMEOUTS}}},
            proxies=proxies)
        a.script(answers.rate_limited({"retry-after": "30"}))
        checks.served_by(self, fleet.client.chat("c"), "b/m", 2)
        return fleet, a, b

    def test_cooldowns_learnt_before_a_crash_are_obeyed_after_it(self):
        """Cooldowns learnt before a crash of the control plane are obeyed after its restart, by new proxies too."""
        fleet, a, _ = self.closed_fleet(proxies=2)
        until(lambda: fleet.client_of(1).chat("c").header("x-429chain-attempts") == "1", 3, "the other proxy to know")
        known = a.calls
        fleet.control.program.kill()
        checks.served_by(self, fleet.client.chat("c"), "b/m", 1)
        fleet.control.start()
        # One that has never seen the 429 learns it from the restarted control plane.
        fleet.add_proxy("newcomer").wait_ready()
        until(lambda: fleet.client_of(2).chat("c").header("x-429chain-attempts") == "1", 10, "the newcomer to know")
        self.assertLessEqual(a.calls, known + 1, "at most a call before the others had re-reported")
        calls = a.calls
        for number in range(9):
            checks.served_by(self, fleet.client_of(number % 3).chat("c"), "b/m", 1)
        self.assertEqual(calls, a.calls)

    def test_what_one_proxy_learns_while_the_control_plane_is_away_is_told_later(self):
        """Proxies re-report when they re-attach."""
        a, b = self.upstream(answers.usual(), "a"), self.upstream(answers.usual(), "b")
        fleet = self.start_fleet({
            "version": 1,
            "providers": {n: {"kind": "openai", "base_url": u.base_url} for n, u in (("a", a), ("b", b))},
            "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}}, proxies=2)
        fleet.control.program.kill()
        a.script(answers.rate_limited({"retry-after": "60"}))
        until(lambda: fleet.client_of(0).chat("c").header("x-429chain-target") == "b/m", 10, "the 429 to be met")
        calls = a.calls
        checks.served_by(self, fleet.client_of(1).chat("c"), "a/m", 1)
        self.assertEqual(calls + 1, a.calls)
        fleet.control.start()
        until(lambda: fleet.client_of(1).chat("c").header("x-429chain-target") == "b/m", 15, "the other proxy to be told", every=0.1)

    def test_used_quota_is_not_forgotten_over_a_restart(self):
        """Restart of the control plane: proxies re-report what they sent."""
        a, b = self.upstream(), self.upstream()
        fleet = self.start_fleet({
            "version": 1,
            "providers": {"a": {"kind": "openai", "base_url": a.base_url, "limits": {"rpm": 4}},
                          "b": {"kind": "openai", "base_url": b.base_url}},
            "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}}, proxies=2)
        for number in range(6):
            self.assertEqual(200, fleet.client_of(number % 2).chat("c").status)
        self.assertEqual(4, a.calls)
        fleet.control.program.kill()
        fleet.control.start()
        for number in range(40):
            self.assertEqual(200, fleet.client_of(number % 2).chat("c").status)
        stays(lambda: a.calls == 4, 1, "nothing beyond the limit")


class Readiness(ChainCase):
    def config(self, upstream):
        return {"version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
                "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}

    def test_ready_means_that_a_snapshot_is_applied(self):
        """/ready: not 200 before the first snapshot, 200 after, stays 200 while the control plane is away; /live always."""
        upstream = self.upstream()
        fleet = self.start_fleet(self.config(upstream))
        fleet.control.program.kill()
        self.assertEqual(200, fleet.proxy.ready())
        late = fleet.add_proxy("late")
        stays(lambda: late.ready() not in (200, None), 1, "not ready without a snapshot")
        self.assertEqual(200, Client(late.admin).get("/live").status)
        answer = late.client.chat("c")
        checks.own_error(self, answer, 503)
        fleet.control.start()
        late.wait_ready(15)
        checks.served_by(self, late.client.chat("c"), "p/m", 1)
        fleet.control.program.kill()
        stays(lambda: late.ready() == 200 and fleet.proxy.ready() == 200, 2, "ready while the control plane is away")
        checks.served_by(self, late.client.chat("c"), "p/m", 1)

    def test_a_proxy_that_started_first_attaches_when_the_control_plane_comes(self):
        """The order of starting does not matter; several addresses may be given."""
        upstream = self.upstream()
        fleet = self.start_fleet(self.config(upstream), proxies=0)
        grpc = fleet.control.grpc
        fleet.control.program.kill()
        proxy = Program("429chain-proxy", ["--control", f"127.0.0.1:1,{grpc}", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                                           "--node", "early"], directory=fleet.directory, label="early")
        self.addCleanup(proxy.kill)
        found = proxy.wait_for(r"listening api=\"?(\S+:\d+) admin=")
        fleet.control.start()
        until(lambda: Client(found.group(1)).chat("c").status == 200, 15, "an answer", every=0.1)

    def test_an_empty_control_plane_makes_a_proxy_that_knows_no_model(self):
        """`--config` is optional; what comes later is taken."""
        directory = Path(tempfile.mkdtemp())
        control = Control(None, directory).start()
        self.addCleanup(control.program.kill)
        proxy = Proxy(control.grpc, directory).start()
        self.addCleanup(proxy.program.kill)
        until(lambda: proxy.client.chat("c").status in (404, 503), 10, "no model")
        upstream = self.upstream()
        (directory / "c.yaml").write_text(yaml_text.dump(self.config(upstream)))
        code, out, err = run("429ctl", ["--control", control.grpc, "apply", "-f", directory / "c.yaml"])
        self.assertEqual(0, code, out + err)
        until(lambda: proxy.client.chat("c").status == 200, 5, "the applied configuration")
        self.assertEqual(200, proxy.ready())


if __name__ == "__main__":
    unittest.main()
