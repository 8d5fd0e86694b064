"""Configurations that are refused: whole, every error at once, with place, path and suggestion, and no secret shown."""
import json
import os
import re
import tempfile
import time
import unittest
from pathlib import Path

from support import yaml_text
from support.case import ChainCase, rows
from support.poll import until
from support.programs import Program, clean_environment, program

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


class Errors(ConfigCase):
    def test_every_error_is_said_at_once_with_its_place_path_and_suggestion(self):
        """CONTRACT 4: ends non-zero within 10 s and prints for every error FILE:LINE:COL, the path and, for near-misses, a suggestion."""
        text = """\
version: 1
providers:
  groq:
    kind: groqq
    credentials:
      - {name: main, env: GROQ_API_KEY}
  local:
    kind: openai
    base_urll: http://127.0.0.1:9/v1
    limits: {rpm: 0}
chains:
  coding:
    targets:
      - {provider: groq, model: m}
      - {provider: locl, modell: m}
      - {provider: local, model: ""}
    timeouts: {connect: 5}
  empty:
    targets: []
default_chain: codin
"""
        output = self.refuse(text, env={"GROQ_API_KEY": "x"})
        errors = self.places(output)
        for line, path, suggestion in ((4, "providers.groq.kind", "groq"), (9, "providers.local.base_urll", "base_url"),
                                       (10, "providers.local.limits.rpm", None), (15, "chains.coding.targets[1].provider", "local"),
                                       (15, "chains.coding.targets[1].modell", "model"), (16, "chains.coding.targets[2].model", None),
                                       (17, "chains.coding.timeouts.connect", None), (19, "chains.empty.targets", None),
                                       (20, "default_chain", "coding")):
            found = [rest for at, _, rest in errors if at == line and path in rest]
            self.assertTrue(found, f"line {line}, {path}:\n{output}")
            if suggestion:
                self.assertRegex(" ".join(found), "did you mean.*" + suggestion, output)

    def test_the_column_is_that_of_the_mistake(self):
        """CONTRACT 4: FILE:LINE:COL."""
        text = GOOD.replace("{provider: local, model: m}", "{provider: local, modell: m, model: m}")
        line = next(i for i, l in enumerate(text.splitlines(), 1) if "modell" in l)
        column = text.splitlines()[line - 1].index("modell") + 1
        self.assertIn((line, column), [(a, b) for a, b, _ in self.places(self.refuse(text))])

    def test_the_file_is_named_as_it_was_given(self):
        """CONTRACT 4: FILE is what an editor can open."""
        path = self.file("version: 2\n")
        control = Program("429chain-control", self.arguments(path), None, path.parent, "control")
        control.wait(10)
        self.assertIn(f"{path}:1:", control.output)

    @rows({
        "list": "[]\n", "string": "hello\n", "number": "42\n", "comment_only": "# nothing\n", "empty": "",
        "tab_indent": "version: 1\nproviders:\n\tlocal: {}\n", "unclosed": "version: 1\nchains: {a: [\n",
        "two_documents": GOOD + "---\n" + GOOD, "nul": GOOD.encode() + b"\x00", "nul_inside": GOOD.replace("coding", "cod\x00ing"),
        "invalid_utf8": GOOD.encode().replace(b"coding", b"cod\xffing"), "utf16": GOOD.encode("utf-16"),
        "binary": bytes(range(256)) * 20, "bad_anchor": "version: 1\nproviders: *nowhere\n", "merge_key": GOOD + "x: {<<: *a}\n",
        "unknown_top": GOOD + "chainz: {}\n", "tag": GOOD.replace("version: 1", "version: !!python/object 1"),
    })
    def test_what_is_no_configuration_is_refused(self, text):
        """CONTRACT 4, 41: other documents, two YAML documents, NUL, syntax errors: refused with their place."""
        self.refuse(text)

    def test_a_file_that_is_not_there_is_said(self):
        """CONTRACT 4: ends non-zero with the file's name."""
        control = Program("429chain-control", self.arguments("/nowhere/chains.yaml"))
        self.assertGreater(control.wait(10), 0)
        self.assertIn("/nowhere/chains.yaml", control.output)

    def test_a_directory_as_file_is_said(self):
        """CONTRACT 4: no crash, no hang."""
        control = Program("429chain-control", self.arguments(tempfile.mkdtemp()))
        self.assertGreater(control.wait(10), 0)

    @rows({
        "version_missing": ({"version": None}, r":1:\d+.*version"),
        "version_2": ({"version": 2}, "version"), "version_text": ({"version": "1"}, "version"),
        "version_float": ({"version": 1.5}, "version"),
    })
    def test_version_1_is_required(self, change, expected):
        """CONTRACT 41: `version: 1` is required; a missing key is reported at its parent's line."""
        config = good(**change)
        if config["version"] is None:
            del config["version"]
        self.assertRegex(self.refuse(config), expected)

    def test_a_missing_key_is_reported_at_its_parents_line(self):
        """CONTRACT 41: no base_url for `kind: openai`; targets missing; a target without a model."""
        text = "version: 1\nproviders:\n  local:\n    kind: openai\nchains:\n  coding:\n    max_attempts: 3\n  other:\n    targets:\n" \
               "      - provider: local\n"
        errors = self.places(self.refuse(text))
        for lines, word in (((3, 4), "base_url"), ((6, 7), "targets"), ((10,), "model")):
            self.assertTrue([e for e in errors if e[0] in lines and word in e[2]], (word, errors))

    @rows({
        "top": GOOD + "chains:\n  other: {targets: [{provider: local, model: m}]}\n",
        "provider": GOOD.replace("chains:\n", "  local: {kind: openai, base_url: \"http://127.0.0.1:8/v1\"}\nchains:\n"),
        "key": GOOD.replace("kind: openai", "kind: openai\n    kind: openai"),
        "flow": GOOD.replace("model: m}", "model: m, model: n}"),
        "quoted": GOOD.replace("kind: openai", "kind: openai\n    \"kind\": openai"),
    })
    def test_duplicate_keys_are_refused(self, text):
        """CONTRACT 14: duplicate YAML keys are refused."""
        self.assertRegex(self.refuse(text).lower(), "duplicate|twice|already")

    def test_duplicate_json_keys_are_refused(self):
        """CONTRACT 14: duplicate JSON keys are refused, with their place."""
        text = json.dumps(good(), indent=1)
        self.accept(text, ".json")
        twice = text.replace('"model": "m"', '"model": "m",\n "model": "n"')
        line = next(i for i, l in enumerate(twice.splitlines(), 1) if '"n"' in l)
        errors = self.places(self.refuse(twice, ".json"), ".json")
        self.assertIn(line, [at for at, _, _ in errors])

    def test_json_takes_surrogate_pairs_and_refuses_what_is_no_json(self):
        """CONTRACT 14: `.json` is parsed as JSON."""
        config = good()
        config["chains"]["coding"]["targets"][0]["model"] = "smile 😀"
        self.accept(json.dumps(config, ensure_ascii=True), ".json")
        for text in ("{", "{'version': 1}", "version: 1\n", json.dumps(config) + "{}", json.dumps(config)[:-1] + ",}", ""):
            self.refuse(text, ".json")

    @rows({
        "credential_names": good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": [
            {"name": "a", "env": "A"}, {"name": "a", "env": "A"}]}}),
        "client_key_names": good(auth={"client_keys": [{"name": "a", "env": "A"}, {"name": "a", "env": "A"}]}),
        "alias_and_chain": good(chains={"a": {"targets": [{"provider": "local", "model": "m"}]},
                                        "b": {"aliases": ["a"], "targets": [{"provider": "local", "model": "m"}]}}),
        "alias_twice": good(chains={"a": {"aliases": ["x"], "targets": [{"provider": "local", "model": "m"}]},
                                    "b": {"aliases": ["x"], "targets": [{"provider": "local", "model": "m"}]}}),
        "alias_twice_in_one": good(chains={"a": {"aliases": ["x", "x"], "targets": [{"provider": "local", "model": "m"}]}}),
    })
    def test_duplicate_names_are_refused(self, config):
        """DESIGN 3: duplicate names."""
        self.refuse(config, env={"A": "key"})

    @rows({
        "provider": (good(chains={"c": {"targets": [{"provider": "locla", "model": "m"}]}}), r"chains\.c\.targets\[0\]\.provider.*local"),
        "chain": (good(chains={"c": {"targets": [{"provider": "local", "model": "m"}, {"chain": "d"}]}}), r"chains\.c\.targets\[1\]"),
        "default_chain": (good(default_chain="codings"), r"default_chain.*coding"),
        "key_chain": (good(auth={"client_keys": [{"name": "a", "env": "A", "chains": ["codign"]}]}),
                      r"auth\.client_keys\[0\]\.chains\[0\].*coding"),
        "canonical": (good(chains={"c": {"targets": [{"model": "a-model-that-nobody-serves"}]}}), r"chains\.c\.targets\[0\]"),
        "kind": (good(providers={"local": {"kind": "openia", "base_url": "http://127.0.0.1:9/v1"}}), r"providers\.local\.kind.*openai"),
    })
    def test_unknown_references_are_refused(self, config, expected):
        """DESIGN 3: unknown references, with what was probably meant."""
        self.assertRegex(self.refuse(config, env={"A": "key"}), expected)

    @rows({
        "self": {"a": ["a"]}, "two": {"a": ["b"], "b": ["a"]}, "three": {"a": ["b"], "b": ["c"], "c": ["a"]},
        "beside_a_target": {"a": ["b"], "b": [None, "a"]},
        "too_deep": {"a": ["b"], "b": ["c"], "c": ["d"], "d": ["e"], "e": ["f"], "f": [None]},
    })
    def test_cycles_and_deep_chains_are_refused(self, shape):
        """CONTRACT 14: cycles are refused, at most 4 deep."""
        target = {"provider": "local", "model": "m"}
        self.refuse(good(chains={name: {"targets": [{"chain": t} if t else target for t in targets]}
                                 for name, targets in shape.items()}))

    def test_four_deep_is_fine(self):
        """CONTRACT 14: chains within chains up to 4 deep."""
        target = {"provider": "local", "model": "m"}
        self.accept(good(chains={"a": {"targets": [{"chain": "b"}]}, "b": {"targets": [{"chain": "c"}]},
                                 "c": {"targets": [{"chain": "d"}]}, "d": {"targets": [target]}}))

    @rows({"no_targets": [], "all_disabled": [{"provider": "local", "model": "m", "enabled": False}]})
    def test_an_empty_chain_is_refused(self, targets):
        """DESIGN 3, CONTRACT 3: empty chains, and chains with no usable target left."""
        self.assertIn("chains.c", self.refuse(good(chains={"c": {"targets": targets}})))

    @rows({name: (value,) for name, value in {
        "upper": "Coding", "dash_first": "-a", "dot_first": ".a", "underscore_first": "_a", "space": "a b", "slash": "a/b", "long": "a" * 64,
        "unicode": "žluť", "colon": "a:b", "newline": "a\nb", "empty": ""}.items()})
    def test_bad_names_are_refused(self, name):
        """CONTRACT 10: names of chains, providers, credentials: [a-z0-9][a-z0-9._-]{0,62}."""
        target = {"provider": "local", "model": "m"}
        self.refuse(good(chains={name: {"targets": [target]}}))
        self.refuse(good(providers={name: {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
                         chains={"c": {"targets": [{"provider": name, "model": "m"}]}}))
        self.refuse(good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1",
                                              "credentials": [{"name": name, "env": "A"}]}}), env={"A": "k"})

    def test_good_names_are_taken(self):
        """CONTRACT 10: the whole alphabet, up to 63 characters, and names that YAML reads as numbers."""
        target = {"provider": "local", "model": "m"}
        self.accept(good(chains={name: {"targets": [target]} for name in ("a", "0", "a.b_c-d", "x" * 63, "123", "null", "true", "1e3")}))

    @rows({name: (value,) for name, value in {
        "bare_number": 10, "zero_number": 0, "negative": "-5s", "unknown_unit": "5y", "no_unit": "5", "only_unit": "s", "empty": "",
        "space": "5 s", "words": "soon", "float_number": 1.5, "bool": True, "null": None, "list": ["5s"], "two_units": "1m30",
        "huge": "99999999999999999999h", "plus": "+5s", "hex": "0x5s"}.items()})
    def test_bad_durations_are_refused(self, value):
        """CONTRACT 11: a bare number, a negative, an unknown unit is refused."""
        config = good()
        config["chains"]["coding"]["timeouts"] = {"total": value}
        self.assertIn("chains.coding.timeouts", self.refuse(config))

    def test_good_durations_are_taken(self):
        """CONTRACT 11: durations 500ms 3s 10m 1h 0s."""
        config = good()
        config["chains"]["coding"].update(timeouts={"connect": "500ms", "first_token": "3s", "idle": "10m", "total": "1h"}, wait="0s")
        self.accept(config)

    @rows({name: (value,) for name, value in {
        "zero": 0, "negative": -1, "float": 1.5, "text": "10", "bool": True, "null": None, "huge": 10 ** 30, "list": [1]}.items()})
    def test_limits_are_positive_integers(self, value):
        """CONTRACT 11: limits are positive integers."""
        config = good()
        config["providers"]["local"]["limits"] = {"rpm": value}
        self.assertIn("providers.local.limits.rpm", self.refuse(config))

    @rows({"zero": 0, "negative": -1, "text": "3", "float": 2.5})
    def test_max_attempts_is_at_least_1(self, value):
        """CONTRACT 11: max_attempts >= 1."""
        config = good()
        config["chains"]["coding"]["max_attempts"] = value
        self.assertIn("chains.coding.max_attempts", self.refuse(config))

    @rows({name: (value,) for name, value in {
        "no_host": "http://", "no_host_path": "http:///v1", "only_port": "http://:80/v1", "port_65536": "http://127.0.0.1:65536/v1",
        "port_zero": "http://127.0.0.1:0/v1", "port_letters": "http://127.0.0.1:abc/v1", "ftp": "ftp://127.0.0.1/v1",
        "file": "file:///etc/passwd", "no_scheme": "127.0.0.1:8000/v1", "crlf": "http://127.0.0.1/v1\r\nx-a: b", "lf": "http://127.0.0.1/v1\n",
        "space": "http://127.0.0.1/v 1", "empty": "", "number": 8000, "unix": "unix:/tmp/x", "plain_elsewhere": "http://example.org/v1",
        "plain_lookalike": "http://127.0.0.1.example.org/v1", "plain_userinfo": "http://127.0.0.1@example.org/v1",
        "plain_localhost_lookalike": "http://localhost.example.org/v1", "plain_private": "http://192.168.1.10:8000/v1",
        "plain_any": "http://0.0.0.0:8000/v1"}.items()})
    def test_bad_base_urls_are_refused(self, value):
        """CONTRACT 9, 41: base_url without host, with a port over 65535, of another scheme, with CR/LF; http beyond loopback."""
        self.assertIn("providers.local.base_url", self.refuse(good(providers={"local": {"kind": "openai", "base_url": value}})))

    @rows({name: (value,) for name, value in {
        "https": {"base_url": "https://api.example.org/v1"}, "https_port": {"base_url": "https://api.example.org:8443/v1"},
        "localhost": {"base_url": "http://localhost:8000/v1"}, "ipv6": {"base_url": "http://[::1]:8000/v1"},
        "loopback_net": {"base_url": "http://127.1.2.3/v1"}, "no_path": {"base_url": "http://127.0.0.1:8000"},
        "allowed": {"base_url": "http://models.internal:8000/v1", "allow_http": True}}.items()})
    def test_good_base_urls_are_taken(self, value):
        """CONTRACT 9: https anywhere; http to loopback always, elsewhere with allow_http: true."""
        self.accept(good(providers={"local": {"kind": "openai", **value}}))

    @rows({name: (value,) for name, value in {
        "none": {"name": "a"}, "two": {"name": "a", "env": "A", "file": "/a"}, "two_proxy": {"name": "a", "env": "A", "proxy_env": "B"},
        "number": {"name": "a", "env": 7}, "empty": {"name": "a", "env": ""}, "no_name": {"env": "A"},
        "env_name": {"name": "a", "env": "A=B"}}.items()})
    def test_a_credential_has_exactly_one_source(self, credential):
        """CONTRACT 41: a credential with no or two sources is refused."""
        output = self.refuse(good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1",
                                                       "credentials": [credential]}}), env={"A": "k"})
        self.assertIn("providers.local.credentials[0]", output)

    @rows({name: (value,) for name, value in {
        "empty": "", "null": None, "number": 5, "list": ["m"], "spaces_only": "   "}.items()})
    def test_an_empty_model_is_refused(self, model):
        """CONTRACT 41: an empty model."""
        self.assertIn("chains.c.targets[0].model", self.refuse(good(chains={"c": {"targets": [{"provider": "local", "model": model}]}})))

    @rows({name: (value,) for name, value in {
        "cr": {"x-a": "b\rc"}, "lf": {"x-a": "b\nc"}, "name": {"x a": "b"}, "colon": {"x:a": "b"}, "nul": {"x-a": "a\0b"}, "empty": {"": "b"},
        "framing": {"content-length": "5"}, "te": {"Transfer-Encoding": "chunked"}, "host": {"Host": "x"}}.items()})
    def test_headers_that_would_break_http_are_refused(self, headers):
        """CONTRACT 41, DESIGN 3: what would let a configuration break a request."""
        config = good()
        config["providers"]["local"]["headers"] = headers
        self.assertIn("providers.local.headers", self.refuse(config))


class Secrets(ConfigCase):
    SECRET = "sk-live-0123456789abcdef"

    @rows({name: (value,) for name, value in {
        "unknown_key": [{"name": "a", "key": SECRET}], "value_key": [{"name": "a", "value": SECRET}], "bare": SECRET, "list": [SECRET],
        "as_map": {"main": SECRET}, "in_env": [{"name": "a", "env": {"x": SECRET}}], "env_itself": [{"name": "a", "env": SECRET}],
        "as_name": [{"name": SECRET.upper() + "/", "env": "A"}], "as_pool": [{"name": "a", "env": "A", "pool": SECRET + " /"}],
        "as_key": [{"name": "a", SECRET: "x"}], "beside": [{"name": "a", "env": "A", "apikey": SECRET}], "two": [{"name": "a", "env": SECRET,
                                                                                                              "file": SECRET}]}.items()})
    def test_a_value_under_a_credential_is_never_printed(self, credentials):
        """CONTRACT 4: a value under a credential is never printed."""
        config = good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": credentials}})
        for suffix in (".yaml", ".json"):
            output = self.refuse(config, suffix, env={"A": "k"})
            self.assertNotIn(self.SECRET.lower(), output.lower())
            self.assertNotIn(self.SECRET[8:], output)

    def test_nor_under_a_client_key(self):
        """CONTRACT 4, 43: client keys are secrets too."""
        for keys in ([{"name": "a", "key": self.SECRET}], [self.SECRET], self.SECRET):
            self.assertNotIn(self.SECRET, self.refuse(good(auth={"client_keys": keys})))

    def test_nor_in_a_syntax_error(self):
        """CONTRACT 4: a syntax error's excerpt shows no value."""
        text = GOOD.replace("    base_url", f"    credentials: [{{name: a, env: A, key: '{self.SECRET}]\n    base_url")
        self.assertNotIn(self.SECRET, self.refuse(text))
        self.assertNotIn(self.SECRET, self.refuse('{"version":1,"providers":{"a":{"credentials":[{"key":"%s",}]}}}' % self.SECRET, ".json"))

    def test_nor_a_key_with_a_line_break_from_the_environment(self):
        """CONTRACT 3, 43: a key that can't be a header is not used, nor shown."""
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
        self.assertLess(found[1], 256 * 1024, f"{found[1]} KiB")
        self.assertLess(time.monotonic() - started, 10)
        self.assertLess(len(text), 1 << 20, "the report itself is bounded")
        return text

    def test_alias_bombs_are_refused_quickly(self):
        """CONTRACT 41: alias bombs (quickly, bounded memory)."""
        lines = ["version: 1", "a0: &a0 [x,x,x,x,x,x,x,x,x]"]
        lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
        self.refuse_cheaply("\n".join(lines) + "\nproviders: *a11\nchains: *a11\n")
        maps = ["version: 1", "b0: &b0 {x: y}"]
        maps += [f"b{i}: &b{i} {{" + ", ".join(f"k{j}: *b{i - 1}" for j in range(9)) + "}" for i in range(1, 12)]
        self.refuse_cheaply("\n".join(maps) + "\nproviders: *b11\n")

    def test_self_references_are_refused(self):
        """CONTRACT 41: self-references."""
        self.refuse_cheaply("version: 1\nproviders: &a {x: *a}\nchains: {}\n")
        self.refuse_cheaply("version: 1\nproviders: {}\nchains: &c\n  d: &d\n    targets: [*c, *d]\n")
        self.refuse_cheaply("&a [*a]\n")

    def test_deep_nesting_is_refused(self):
        """CONTRACT 41: neither parser may be brought down by depth."""
        for depth in (2000, 200000):
            self.refuse_cheaply("version: 1\nproviders: " + "[" * depth + "]" * depth + "\n")
            self.refuse_cheaply('{"version":1,"providers":' + "[" * depth + "]" * depth + "}", ".json")
        self.refuse_cheaply("version: 1\nproviders:\n" + "".join(" " * i + "a:\n" for i in range(1, 3000)))

    def test_a_huge_file_is_refused(self):
        """CONTRACT 41: bounded memory."""
        self.refuse_cheaply("version: 1\n" + "# padding padding padding\n" * 4000000)

    def test_thousands_of_errors_are_reported_in_bounds(self):
        """CONTRACT 4: every error, but not without bound."""
        self.refuse_cheaply("version: 1\n" + "".join(f"wrong{i}: 1\n" for i in range(20000)))


class LaterFeatures(ConfigCase):
    WHOLE = """\
version: 1
auth:
  client_keys: [{name: app, env: CHAIN429_API_KEY, chains: [coding]}]
providers:
  groq:
    kind: groq
    credentials:
      - {name: main, env: GROQ_API_KEY}
      - {name: team2, file: KEYFILE, pool: other-org}
      - {name: own, proxy_env: GROQ_KEY}
  local:
    kind: openai
    base_url: http://127.0.0.1:8000/v1
    headers: {x-team: a}
    limits: {rpm: 60, rpd: 5000, tpm: 100000, tpd: 2000000, concurrency: 4}
    windows: {rpd: {kind: fixed, anchor: "00:00", zone: America/Los_Angeles}}
    tokens: p95
    when_disconnected: share
    models: {my-model: {limits: {rpm: 10}, context: 32768, canonical: gpt-oss-120b}}
    enabled: true
chains:
  coding:
    aliases: [gpt-4o, gpt-4o-mini]
    targets:
      - {provider: groq, model: openai/gpt-oss-120b}
      - {provider: local, model: gpt-oss-120b, tier: 1, enabled: true}
      - {model: gpt-oss-120b}
      - {chain: fallback}
    routing: ordered
    max_attempts: 8
    timeouts: {connect: 3s, first_token: 60s, idle: 60s, total: 10m, keepalive: 10s}
    wait: 0s
    on_stream_break: error
    cache: {ttl: 0s}
  fallback:
    targets: [{provider: local, model: my-model}]
default_chain: coding
nodes: [{match: "team-a/*", chains: [coding]}]
prices: {groq/openai/gpt-oss-120b: {input_per_mtok: 0.15, output_per_mtok: 0.60}}
webhooks: []
log: {level: info, format: json, file: null, rotate_mb: 100, keep: 5, bodies: "off"}
"""

    def whole(self):
        key_file = self.file("key\n", ".key")
        return self.WHOLE.replace("KEYFILE", str(key_file))

    def test_every_key_of_the_schema_is_known(self):
        """DESIGN 3: a key whose feature is not built yet is refused as such, never as unknown, and never ignored."""
        path = self.file(self.whole())
        control = Program("429chain-control", self.arguments(path), {"GROQ_API_KEY": "k", "CHAIN429_API_KEY": "c"}, path.parent, "control")
        self.addCleanup(control.kill)
        until(lambda: not control.running or "listening grpc" in control.output, 10, "a decision")
        if not control.running:
            for line, _, rest in self.places(control.output):
                self.assertIn("not supported yet", rest, f"line {line}: {self.whole().splitlines()[line - 1]}\n{control.output}")

    @rows({"fastest": "routing: fastest", "spread": "routing: spread", "continue": "on_stream_break: continue", "cache": "cache: {ttl: 10m}"})
    def test_what_is_not_built_yet_is_refused_not_ignored(self, line):
        """DESIGN 3: "not supported yet", at its place."""
        text = GOOD.replace("  coding:\n", f"  coding:\n    {line}\n")
        path = self.file(text)
        control = Program("429chain-control", self.arguments(path), None, path.parent, "control")
        self.addCleanup(control.kill)
        until(lambda: not control.running or "listening grpc" in control.output, 10, "a decision")
        if not control.running:
            self.assertRegex(control.output, r"chains\.yaml:8:\d+.*not supported yet")


class Usable(ConfigCase):
    def config(self, *credentials):
        return good(providers={"local": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "credentials": list(credentials)},
                               "spare": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
                    chains={"c": {"targets": [{"provider": "local", "model": "m"}]},
                            "d": {"targets": [{"provider": "spare", "model": "m"}]}})

    def test_a_chain_with_no_usable_target_left_is_refused(self):
        """CONTRACT 3: a variable that is not set disables the credential; a chain with no usable target left is refused."""
        output = self.refuse(self.config({"name": "a", "env": "NOT_SET_ANYWHERE"}))
        self.assertIn("NOT_SET_ANYWHERE", output)
        self.assertIn("chains.c", output)
        self.assertNotIn("chains.d", output)

    def test_a_variable_that_is_not_set_is_a_warning_where_others_are_left(self):
        """CONTRACT 3: the credential is disabled with a warning naming it."""
        output = self.accept(self.config({"name": "a", "env": "NOT_SET_ANYWHERE"}, {"name": "b", "env": "SET"}), env={"SET": "key"})
        self.assertIn("NOT_SET_ANYWHERE", output)

    def test_a_key_file_that_is_missing_or_empty_disables_its_credential(self):
        """CONTRACT 3: `file:` likewise."""
        empty = self.file("\n", ".key")
        for path in ("/nowhere/key", str(empty)):
            self.assertIn(path, self.refuse(self.config({"name": "a", "file": path})))


class CommandLine(ConfigCase):
    def test_without_a_configuration_it_starts_empty(self):
        """DESIGN 2: `--config` is optional for the control plane."""
        control = Program("429chain-control", ["--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        self.addCleanup(control.kill)
        control.wait_for("listening grpc")

    def test_store_is_accepted(self):
        """CONTRACT 1: --store sqlite:PATH is accepted from the first day."""
        path = self.file(GOOD)
        control = Program("429chain-control", [*self.arguments(path), "--store", f"sqlite:{path.parent}/state.db"], None, path.parent)
        self.addCleanup(control.kill)
        control.wait_for("listening grpc")

    @rows({"control": ("429chain-control",), "proxy": ("429chain-proxy",), "ctl": ("429ctl",)})
    def test_unknown_flags_are_refused_and_help_is_given(self, name):
        """DESIGN 2: the command lines that others rely on."""
        wrong = Program(name, ["--no-such-flag"])
        self.assertGreater(wrong.wait(10), 0)
        helped = Program(name, ["--help"])
        self.assertEqual(0, helped.wait(10))
        self.assertGreater(len(helped.output), 100)

    @rows({"no_port": "127.0.0.1", "bad_port": "127.0.0.1:99999", "letters": "127.0.0.1:http", "empty": "", "host_only_colon": ":"})
    def test_bad_addresses_are_refused(self, address):
        """CONTRACT 1: explicit ADDR:PORT."""
        path = self.file(GOOD)
        control = Program("429chain-control", ["--config", path, "--grpc-listen", address, "--http-listen", "127.0.0.1:0"], None, path.parent)
        self.assertGreater(control.wait(10), 0)
        proxy = Program("429chain-proxy", ["--control", "127.0.0.1:1", "--listen", address, "--admin", "127.0.0.1:0"], None, path.parent)
        self.assertGreater(proxy.wait(10), 0)

    def test_a_port_in_use_is_said_at_once(self):
        """CONTRACT 1: ends non-zero and names the address."""
        import socket
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            path = self.file(GOOD)
            for arguments in (["--grpc-listen", address, "--http-listen", "127.0.0.1:0"],
                              ["--grpc-listen", "127.0.0.1:0", "--http-listen", address]):
                control = Program("429chain-control", ["--config", path, *arguments], None, path.parent)
                self.addCleanup(control.kill)
                self.assertGreater(control.wait(10), 0)
                self.assertIn(address, control.output)

    def test_flags_may_come_from_the_environment(self):
        """DESIGN 2: every flag is also an environment variable."""
        path = self.file(GOOD)
        control = Program("429chain-control", [], {"CHAIN429_CONFIG": str(path), "CHAIN429_GRPC_LISTEN": "127.0.0.1:0",
                                                   "CHAIN429_HTTP_LISTEN": "127.0.0.1:0"}, path.parent)
        self.addCleanup(control.kill)
        grpc = control.wait_for(r"listening grpc=\"?(127\.0\.0\.1:\d+)").group(1)
        proxy = Program("429chain-proxy", [], {"CHAIN429_CONTROL": grpc, "CHAIN429_LISTEN": "127.0.0.1:0", "CHAIN429_ADMIN": "127.0.0.1:0",
                                               "CHAIN429_NODE": "from-env"}, path.parent)
        self.addCleanup(proxy.kill)
        proxy.wait_for(r"listening api=")


if __name__ == "__main__":
    unittest.main()
