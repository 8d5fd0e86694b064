"""Configurations that would show a secret or exhaust the reader: neither happens."""
import os
import time
import unittest

from support import yaml_text
from support.case import rows
from support.config_case import GOOD, ConfigCase, good
from support.poll import until
from support.programs import Program, clean_environment, instrumented, program


class Secrets(ConfigCase):
    SECRET = "sk-live-0123456789abcdef"

    @rows({name: (value,) for name, value in {
        "unknown_key": [{"name": "a", "key": SECRET}], "value_key": [{"name": "a", "value": SECRET}], "bare": SECRET, "list": [SECRET],
        "as_map": {"main": SECRET}, "in_env": [{"name": "a", "env": {"x": SECRET}}], "env_itself": [{"name": "a", "env": SECRET}],
        "as_name": [{"name": SECRET.upper() + "/", "env": "A"}], "as_pool": [{"name": "a", "env": "A", "pool": SECRET + " /"}],
        "as_key": [{"name": "a", SECRET: "x"}], "beside": [{"name": "a", "env": "A", "apikey": SECRET}], "two": [{"name": "a", "env": SECRET,
                                                                                                              "file": SECRET}]}.items()})
    def test_a_value_under_a_credential_is_never_printed(self, credentials):
        """A value under a credential is never printed."""
        config = good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": credentials}})
        for suffix in (".yaml", ".json"):
            output = self.refuse(config, suffix, env={"A": "k"})
            self.assertNotIn(self.SECRET.lower(), output.lower())
            self.assertNotIn(self.SECRET[8:], output)

    def test_nor_under_a_client_key(self):
        """Client keys are secrets too."""
        for keys in ([{"name": "a", "key": self.SECRET}], [self.SECRET], self.SECRET):
            self.assertNotIn(self.SECRET, self.refuse(good(auth={"client_keys": keys})))

    def test_nor_in_a_syntax_error(self):
        """A syntax error's excerpt shows no value."""
        text = GOOD.replace("    base_url", f"    credentials: [{{name: a, env: A, key: '{self.SECRET}]\n    base_url")
        self.assertNotIn(self.SECRET, self.refuse(text))
        self.assertNotIn(self.SECRET, self.refuse('{"version":1,"providers":{"a":{"credentials":[{"key":"%s",}]}}}' % self.SECRET, ".json"))

    def test_nor_a_key_with_a_line_break_from_the_environment(self):
        """A key that can't be a header is not used, nor shown."""
        config = good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": [
            {"name": "a", "env": "A"}]}})
        path = self.file(yaml_text.dump(config))
        control = Program("429chain-control", self.arguments(path), {"A": self.SECRET + "\r\nx-evil: 1"}, path.parent, "control")
        self.addCleanup(control.kill)
        until(lambda: not control.running or "listening grpc" in control.output, 10, "a decision")
        self.assertNotIn(self.SECRET, control.output)


class Bombs(ConfigCase):
    def refuse_cheaply(self, text, suffix=".yaml"):
        """Refused quickly, in bounded memory."""
        path = self.file(text, suffix)
        started = time.monotonic()
        out = os.open(path.parent / "out", os.O_WRONLY | os.O_CREAT)
        pid = os.posix_spawn(program("429chain-control"), ["429chain-control", *map(str, self.arguments(path))],
                             clean_environment(), file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
        os.close(out)
        found = []

        def ended():
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                found.extend((status, usage.ru_maxrss))
            return done
        try:
            until(ended, 10, "a refusal")
        finally:
            if not found:
                os.kill(pid, 9)
                os.wait4(pid, 0)
        text = (path.parent / "out").read_text(errors="replace")
        self.assertTrue(os.WIFEXITED(found[0]) and os.WEXITSTATUS(found[0]) > 0, text[-2000:])
        if not instrumented():
            self.assertLess(found[1], 256 * 1024, f"{found[1]} KiB")
        self.assertLess(time.monotonic() - started, 10)
        self.assertLess(len(text), 1 << 20, "the report itself is bounded")
        return text

    def test_alias_bombs_are_refused_quickly(self):
        """Alias bombs (quickly, bounded memory)."""
        lines = ["version: 1", "a0: &a0 [x,x,x,x,x,x,x,x,x]"]
        lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
        self.refuse_cheaply("\n".join(lines) + "\nproviders: *a11\nchains: *a11\n")
        maps = ["version: 1", "b0: &b0 {x: y}"]
        maps += [f"b{i}: &b{i} {{" + ", ".join(f"k{j}: *b{i - 1}" for j in range(9)) + "}" for i in range(1, 12)]
        self.refuse_cheaply("\n".join(maps) + "\nproviders: *b11\n")

    def test_self_references_are_refused(self):
        """Self-references."""
        self.refuse_cheaply("version: 1\nproviders: &a {x: *a}\nchains: {}\n")
        self.refuse_cheaply("version: 1\nproviders: {}\nchains: &c\n  d: &d\n    targets: [*c, *d]\n")
        self.refuse_cheaply("&a [*a]\n")

    def test_deep_nesting_is_refused(self):
        """Neither parser may be brought down by depth."""
        for depth in (2000, 200000):
            self.refuse_cheaply("version: 1\nproviders: " + "[" * depth + "]" * depth + "\n")
            self.refuse_cheaply('{"version":1,"providers":' + "[" * depth + "]" * depth + "}", ".json")
        self.refuse_cheaply("version: 1\nproviders:\n" + "".join(" " * i + "a:\n" for i in range(1, 3000)))

    def test_a_huge_file_is_refused(self):
        """Bounded memory."""
        self.refuse_cheaply("version: 1\n" + "# padding padding padding\n" * 4000000)

    def test_thousands_of_errors_are_reported_in_bounds(self):
        """Every error, but not without bound."""
        self.refuse_cheaply("version: 1\n" + "".join(f"wrong{i}: 1\n" for i in range(20000)))


if __name__ == "__main__":
    unittest.main()
