"""A changed configuration while everything runs."""
import os
import unittest

from support import answers, checks
from support.answers import DONE, END, STOP, chunk, delta, event
from support.case import ChainCase
from support.poll import stays, until
from support.programs import run


class Reload(ChainCase):
    def setUp(self):
        self.a, self.b = self.upstream(answers.usual("from a")), self.upstream(answers.usual("from b"))
        self.fleet = self.start_fleet(self.config("a"))

    def config(self, provider, **more):
        return {"version": 1,
                "providers": {"a": {"kind": "openai", "base_url": self.a.base_url}, "b": {"kind": "openai", "base_url": self.b.base_url}},
                "chains": {"c": {"targets": [{"provider": provider, "model": "m"}]}}, **more}

    def target(self):
        return self.fleet.client.chat("c").header("x-429chain-target")

    def test_a_file_written_in_place_is_taken_within_5_s(self):
        """A changed file (written in place) is taken within 5 s."""
        self.fleet.write(self.config("b"))
        until(lambda: self.target() == "b/m", 5, "the changed file")

    def test_a_file_renamed_over_is_taken_within_5_s(self):
        """A changed file (renamed over) is taken within 5 s, twice in a row too."""
        for provider in "bab":
            self.fleet.write(self.config(provider), rename=True)
            until(lambda provider=provider: self.target() == f"{provider}/m", 5, "the changed file")

    def test_a_link_that_points_elsewhere_is_a_changed_file(self):
        """How Kubernetes changes a mounted ConfigMap: a symbolic link is renamed over."""
        directory = self.fleet.directory
        for name in ("one", "two"):
            (directory / name).mkdir()
        real = self.fleet.config_path
        (directory / "one" / "c.yaml").write_text(real.read_text())
        os.symlink("one", directory / "..data")
        os.symlink("..data/c.yaml", directory / "link.yaml")
        self.fleet.control.program.terminate()
        self.fleet.control.config_path = directory / "link.yaml"
        self.fleet.control.start()
        until(lambda: self.target() == "a/m", 20, "the fleet to be back")
        self.fleet.config_path = directory / "two" / "c.yaml"
        self.fleet.write(self.config("b"))
        os.symlink("two", directory / "..next")
        os.rename(directory / "..next", directory / "..data")
        until(lambda: self.target() == "b/m", 5, "the changed link")

    def test_sighup_takes_it_at_once(self):
        """SIGHUP at once."""
        for provider in "baba":
            self.fleet.write(self.config(provider))
            self.fleet.reload()
            until(lambda provider=provider: self.target() == f"{provider}/m", 2, "the changed file")

    def test_a_bad_file_leaves_the_old_configuration_serving_and_is_said(self):
        """A bad one leaves the old configuration serving and its file:line in log, 429ctl and metrics."""
        self.fleet.write("version: 1\nproviders:\n  a:\n    kindd: openai\n")
        self.fleet.reload()
        self.fleet.control.program.wait_for(r"chains\.yaml:4:\d+", 5)
        stays(lambda: self.target() == "a/m", 1, "the old configuration serves")
        code, out, err = run("429ctl", ["--control", self.fleet.control.grpc, "status"])
        self.assertRegex(out + err, r"chains\.yaml:4")
        metrics = self.fleet.control.client.get("/metrics").body.decode()
        self.assertRegex(metrics, r'(?m)^chain429_control_config_refusal_info\{at="\S*chains\.yaml:4:\d+"\} 1$')
        self.assertIn("chain429_control_config_last_reload_failed 1", metrics)
        self.assertEqual(200, self.fleet.proxy.ready())
        # A restarted proxy gets the good one too.
        self.fleet.add_proxy("late").wait_ready()
        checks.served_by(self, self.fleet.client_of(1).chat("c"), "a/m", 1)
        # And the next good one is taken.
        self.fleet.write(self.config("b"))
        until(lambda: self.target() == "b/m", 5, "the repaired file")
        code, out, err = run("429ctl", ["--control", self.fleet.control.grpc, "status"])
        self.assertEqual(0, code, err)
        self.assertNotIn("chains.yaml:4", out)

    def test_a_file_that_vanishes_changes_nothing(self):
        """Between two versions a file may be away for a moment."""
        text = self.fleet.config_path.read_text()
        self.fleet.config_path.unlink()
        self.fleet.reload()
        stays(lambda: self.target() == "a/m", 2, "the old configuration serves")
        self.assertTrue(self.fleet.control.program.running)
        self.fleet.config_path.write_text(text.replace("provider: \"a\"", "provider: \"b\""))
        until(lambda: self.target() == "b/m", 5, "the file that came back")

    def test_a_half_written_file_is_not_served(self):
        """Whatever moment of the writing is seen."""
        text = self.fleet.config_path.read_text()
        for cut in range(0, len(text), 37):
            self.fleet.config_path.write_text(text[:cut])
            self.fleet.reload()
            self.assertEqual("a/m", self.target())
        self.assertTrue(self.fleet.control.program.running)

    def test_a_stream_in_progress_is_finished_by_its_old_configuration(self):
        """A snapshot is pinned per request."""
        def slow(exchange):
            exchange.send(answers.stream_head() + chunk(event(delta(content="x"))))
            until(lambda: go, 15, "the reload")
            exchange.send(chunk(event(STOP) + DONE) + END)
        go = []
        self.a.answer = slow
        with self.fleet.client.open_chat("c", stream=True) as connection:
            reply = connection.head()
            self.a.answer = answers.usual("from a")
            self.fleet.write(self.config("b"))
            self.fleet.reload()
            until(lambda: self.target() == "b/m", 5, "the changed file")
            go.append(1)
            connection.body(reply)
        self.assertEqual(2, len(checks.whole_stream(self, reply)))
        self.assertEqual("a/m", reply.header("x-429chain-target"))

    def test_chains_and_providers_come_and_go(self):
        """What was removed is unknown, what was added is known."""
        config = self.config("a")
        config["chains"] = {"d": config["chains"]["c"]}
        del config["providers"]["b"]
        self.fleet.write(config)
        self.fleet.reload()
        until(lambda: self.fleet.client.chat("d").status == 200, 5, "the new chain")
        checks.own_error(self, self.fleet.client.chat("c"), 404, "model_not_found")
        checks.own_error(self, self.fleet.client.chat("b/m"), 404, "model_not_found")

    def test_a_changed_base_url_is_used(self):
        """Connections to the old address are not used for the new one."""
        self.target()
        config = self.config("a")
        config["providers"]["a"]["base_url"] = self.b.base_url
        before = self.b.calls
        self.fleet.write(config)
        self.fleet.reload()
        until(lambda: self.fleet.client.chat("c").content == "from b", 5, "the new address")
        self.assertGreater(self.b.calls, before)

    def test_reloads_under_load_cost_nobody_an_error(self):
        """What runs goes on running."""
        import threading
        statuses, stop = [], []

        def client():
            while not stop:
                statuses.append(self.fleet.client.chat("c").status)
        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(20):
                self.fleet.write(self.config("ab"[turn % 2], default_chain="c"))
                self.fleet.reload()
                until(lambda turn=turn: self.target() == f"{'ab'[turn % 2]}/m", 5, "the reload")
        finally:
            stop.append(1)
            for thread in threads:
                thread.join(10)
        self.assertEqual({200}, set(statuses))

    def test_every_proxy_gets_it_and_acknowledges(self):
        """Snapshots are versioned and acknowledged."""
        self.fleet.add_proxy("second").wait_ready()
        self.fleet.write(self.config("b"))
        self.fleet.reload()
        for number in (0, 1):
            until(lambda number=number: self.fleet.client_of(number).chat("c").header("x-429chain-target") == "b/m", 5, "the new one")


if __name__ == "__main__":
    unittest.main()
