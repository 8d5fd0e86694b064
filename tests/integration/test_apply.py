"""429ctl apply beside a configuration file: which of the two serves."""
import unittest

from support.case import ChainCase
from support.poll import stays, until
from support.programs import run


class Apply(ChainCase):
    def setUp(self):
        self.a, self.b = self.upstream(name="a"), self.upstream(name="b")
        self.fleet = self.start_fleet(self.config("a"))

    def config(self, provider, **more):
        return {"version": 1,
                "providers": {"a": {"kind": "openai", "base_url": self.a.base_url}, "b": {"kind": "openai", "base_url": self.b.base_url}},
                "chains": {"c": {"targets": [{"provider": provider, "model": "m"}]}}, **more}

    def target(self):
        return self.fleet.client.chat("c").header("x-429chain-target")

    def apply(self, text, *flags):
        path = self.fleet.directory / "applied.yaml"
        path.write_text(text)
        return run("429ctl", ["--control", self.fleet.control.grpc, "apply", "-f", str(path), *flags])

    def applied(self, provider, *flags):
        text = self.fleet.config_path.read_text().replace('provider: "a"', f'provider: "{provider}"')
        code, _, err = self.apply(text, *flags)
        self.assertEqual(0, code, err)
        until(lambda: self.target() == f"{provider}/m", 5, "the applied one")

    def status(self):
        code, out, err = run("429ctl", ["--control", self.fleet.control.grpc, "status"])
        self.assertEqual(0, code, err)
        return out + err

    def test_what_was_applied_serves_until_the_file_changes(self):
        """File and API are two ways to the same state: the later change counts."""
        self.applied("b")
        self.fleet.reload()
        stays(lambda: self.target() == "b/m", 2, "the applied one serves: the file has not changed")
        self.fleet.write(self.config("a", default_chain="c"))
        until(lambda: self.target() == "a/m", 5, "the changed file")
        self.fleet.control.program.wait_for("replaces the configuration that was applied", 5)

    def test_after_a_restart_the_file_rules(self):
        """What is on disk is what starts."""
        self.applied("b")
        self.fleet.control.program.terminate()
        self.fleet.control.start()
        until(lambda: self.target() == "a/m", 20, "the file's configuration")

    def test_a_refused_one_changes_nothing_and_is_no_failed_reload(self):
        """Refused whole; nothing on disk is wrong."""
        code, _, err = self.apply("version: 1\nchainz: {}\n")
        self.assertEqual(1, code)
        self.assertRegex(err, r"applied\.yaml:2:1")
        self.assertEqual("a/m", self.target())
        self.assertNotIn("applied.yaml:2", self.status())
        metrics = self.fleet.control.client.get("/metrics").body.decode()
        self.assertIn("chain429_control_config_last_reload_failed 0", metrics)
        self.assertIn("chain429_control_config_apply_refusals_total 1", metrics)

    def test_a_comment_stands_in_the_log(self):
        """Why a configuration was changed."""
        self.applied("b", "--comment", "second account")
        self.fleet.control.program.wait_for('comment="second account"', 5)


class Secrets(ChainCase):
    def test_a_rotated_key_is_taken_while_the_file_is_refused(self):
        """What serves goes on serving, with the keys that hold now."""
        upstream = self.upstream()
        fleet = self.start_fleet({"version": 1, "providers": {}, "chains": {}}, proxies=0)
        key = fleet.directory / "key"
        key.write_text("sk-before\n")
        fleet.write({"version": 1,
                     "providers": {"p": {"kind": "openai", "base_url": upstream.base_url, "credentials": [{"name": "k", "file": str(key)}]}},
                     "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        fleet.add_proxy("node")

        def used():
            fleet.client.chat("c")
            return upstream.last().header("authorization") if upstream.calls else None
        until(lambda: used() == "Bearer sk-before", 20, "the first key")
        fleet.write("version: 1\nchainz: {}\n")
        fleet.control.program.wait_for(r"chains\.yaml:2:1", 5)
        key.write_text("sk-after\n")
        until(lambda: used() == "Bearer sk-after", 5, "the rotated key")


if __name__ == "__main__":
    unittest.main()
