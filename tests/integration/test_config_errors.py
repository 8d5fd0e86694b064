"""Configurations that are refused as a whole: every error at once, each with place, path and suggestion."""
import json
import tempfile
import unittest

from support.case import rows
from support.config_case import GOOD, ConfigCase, good
from support.poll import until
from support.programs import Program


class Errors(ConfigCase):
    def test_every_error_is_said_at_once_with_its_place_path_and_suggestion(self):
        """Ends non-zero within 10 s and prints for every error FILE:LINE:COL, the path and, for near-misses, a suggestion."""
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
        """FILE:LINE:COL."""
        text = GOOD.replace("{provider: local, model: m}", "{provider: local, modell: m, model: m}")
        line = next(i for i, l in enumerate(text.splitlines(), 1) if "modell" in l)
        column = text.splitlines()[line - 1].index("modell") + 1
        self.assertIn((line, column), [(a, b) for a, b, _ in self.places(self.refuse(text))])

    def test_the_file_is_named_as_it_was_given(self):
        """FILE is what an editor can open."""
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
        """Other documents, two YAML documents, NUL, syntax errors: refused with their place."""
        self.refuse(text)

    def test_a_file_that_is_not_there_is_said(self):
        """Ends non-zero with the file's name."""
        control = Program("429chain-control", self.arguments("/nowhere/chains.yaml"))
        self.assertGreater(control.wait(10), 0)
        self.assertIn("/nowhere/chains.yaml", control.output)

    def test_a_directory_as_file_is_said(self):
        """No crash, no hang."""
        control = Program("429chain-control", self.arguments(tempfile.mkdtemp()))
        self.assertGreater(control.wait(10), 0)

    @rows({
        "version_missing": ({"version": None}, r":1:\d+.*version"),
        "version_2": ({"version": 2}, "version"), "version_text": ({"version": "1"}, "version"),
        "version_float": ({"version": 1.5}, "version"),
    })
    def test_version_1_is_required(self, change, expected):
        """`version: 1` is required; a missing key is reported at its parent's line."""
        config = good(**change)
        if config["version"] is None:
            del config["version"]
        self.assertRegex(self.refuse(config), expected)

    def test_a_missing_key_is_reported_at_its_parents_line(self):
        """No base_url for `kind: openai`; targets missing; a target without a model."""
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
        """Duplicate YAML keys are refused."""
        self.assertRegex(self.refuse(text).lower(), "duplicate|twice|already")

    def test_duplicate_json_keys_are_refused(self):
        """Duplicate JSON keys are refused, with their place."""
        text = json.dumps(good(), indent=1)
        self.accept(text, ".json")
        twice = text.replace('"model": "m"', '"model": "m",\n "model": "n"')
        line = next(i for i, l in enumerate(twice.splitlines(), 1) if '"n"' in l)
        errors = self.places(self.refuse(twice, ".json"), ".json")
        self.assertIn(line, [at for at, _, _ in errors])

    def test_json_takes_surrogate_pairs_and_refuses_what_is_no_json(self):
        """`.json` is parsed as JSON."""
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
        """Duplicate names."""
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
        """Unknown references, with what was probably meant."""
        self.assertRegex(self.refuse(config, env={"A": "key"}), expected)

    @rows({
        "self": {"a": ["a"]}, "two": {"a": ["b"], "b": ["a"]}, "three": {"a": ["b"], "b": ["c"], "c": ["a"]},
        "beside_a_target": {"a": ["b"], "b": [None, "a"]},
        "too_deep": {"a": ["b"], "b": ["c"], "c": ["d"], "d": ["e"], "e": ["f"], "f": [None]},
    })
    def test_cycles_and_deep_chains_are_refused(self, shape):
        """Cycles are refused, at most 4 deep."""
        target = {"provider": "local", "model": "m"}
        self.refuse(good(chains={name: {"targets": [{"chain": t} if t else target for t in targets]}
                                 for name, targets in shape.items()}))

    def test_four_deep_is_fine(self):
        """Chains within chains up to 4 deep."""
        target = {"provider": "local", "model": "m"}
        self.accept(good(chains={"a": {"targets": [{"chain": "b"}]}, "b": {"targets": [{"chain": "c"}]},
                                 "c": {"targets": [{"chain": "d"}]}, "d": {"targets": [target]}}))

    @rows({"no_targets": [], "all_disabled": [{"provider": "local", "model": "m", "enabled": False}]})
    def test_an_empty_chain_is_refused(self, targets):
        """Empty chains, and chains with no usable target left."""
        self.assertIn("chains.c", self.refuse(good(chains={"c": {"targets": targets}})))


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
        """A key whose feature is not built yet is refused as such, never as unknown, and never ignored."""
        path = self.file(self.whole())
        control = Program("429chain-control", self.arguments(path), {"GROQ_API_KEY": "k", "CHAIN429_API_KEY": "c"}, path.parent, "control")
        self.addCleanup(control.kill)
        until(lambda: not control.running or "listening grpc" in control.output, 10, "a decision")
        if not control.running:
            for line, _, rest in self.places(control.output):
                self.assertIn("not supported yet", rest, f"line {line}: {self.whole().splitlines()[line - 1]}\n{control.output}")

    @rows({"fastest": "routing: fastest", "spread": "routing: spread", "continue": "on_stream_break: continue", "cache": "cache: {ttl: 10m}"})
    def test_what_is_not_built_yet_is_refused_not_ignored(self, line):
        """"Not supported yet", at its place."""
        text = GOOD.replace("  coding:\n", f"  coding:\n    {line}\n")
        path = self.file(text)
        control = Program("429chain-control", self.arguments(path), None, path.parent, "control")
        self.addCleanup(control.kill)
        until(lambda: not control.running or "listening grpc" in control.output, 10, "a decision")
        if not control.running:
            self.assertRegex(control.output, r"chains\.yaml:8:\d+.*not supported yet")


if __name__ == "__main__":
    unittest.main()
