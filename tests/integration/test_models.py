"""GET /v1/models, and what a request's `model` means."""
import unittest
import urllib.parse

from support import answers, checks
from support.case import ChainCase
from support.fleet import Fleet
from support.raw_upstream import RawUpstream


class Models(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.groq, cls.other, cls.local = (RawUpstream(answers.usual(n), name=n) for n in ("groq", "other", "local"))
        cls.fleet = Fleet({
            "version": 1,
            "providers": {
                "groq": {"kind": "openai", "base_url": cls.groq.base_url,
                         "models": {"openai/gpt-oss-120b": {"canonical": "gpt-oss-120b"}, "tiny": {"canonical": "tiny-1b", "context": 2048}}},
                "other": {"kind": "openai", "base_url": cls.other.base_url, "models": {"oss-120b": {"canonical": "gpt-oss-120b"}}},
                "local": {"kind": "openai", "base_url": cls.local.base_url}},
            "chains": {
                "coding": {"aliases": ["gpt-4o", "gpt-4o-mini"], "targets": [{"provider": "groq", "model": "openai/gpt-oss-120b"}]},
                "fallback": {"targets": [{"provider": "local", "model": "my-model"}]},
                "groq": {"targets": [{"provider": "local", "model": "chain-named-like-a-provider"}]},
                "any": {"targets": [{"model": "gpt-oss-120b"}]},
                "tight": {"targets": [{"provider": "other", "model": "oss-120b", "limits": {"rpm": 1000}}]}}})
        cls.fleet.start()

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()

    def all_fleets(self):
        return [self.fleet]

    def setUp(self):
        self.client = self.fleet.client

    def test_models_lists_chains_and_aliases(self):
        """GET /v1/models in OpenAI's shape: chains and their aliases."""
        answer = self.client.get("/v1/models")
        self.assertEqual((200, "application/json"), (answer.status, answer.header("content-type").split(";")[0]))
        listed = answer.json()
        self.assertEqual("list", listed["object"])
        for model in listed["data"]:
            self.assertEqual("model", model["object"])
            self.assertIsInstance(model["id"], str)
            self.assertIsInstance(model["created"], int)
            self.assertIsInstance(model["owned_by"], str)
        ids = [model["id"] for model in listed["data"]]
        self.assertEqual(len(ids), len(set(ids)), ids)
        for name in ("coding", "gpt-4o", "gpt-4o-mini", "fallback", "groq", "any"):
            self.assertIn(name, ids)

    def test_a_single_model_is_found_or_404(self):
        """GET /v1/models/{id}, ids with slashes too."""
        for name in ("coding", "gpt-4o", "fallback"):
            answer = self.client.get(f"/v1/models/{name}")
            self.assertEqual((200, name, "model"), (answer.status, answer.json()["id"], answer.json()["object"]))
        for name in ("nothing", "coding/x", "cod%69ng2", "%00", "%zz", "..", ""):
            self.assertIn(self.client.get(f"/v1/models/{name}").status, (404, 400) if name else (404, 200), name)
        checks.own_error(self, self.client.get("/v1/models/nothing"), 404, "model_not_found")
        self.assertEqual(200, self.client.get("/v1/models/" + urllib.parse.quote("gpt-4o", safe="")).status)

    def test_a_chains_name_or_alias_comes_first(self):
        """A request's `model` is first a chain's name or alias."""
        for name in ("coding", "gpt-4o", "gpt-4o-mini"):
            answer = self.client.chat(name)
            checks.served_by(self, answer, "groq/openai/gpt-oss-120b", 1)
            self.assertEqual("coding", answer.header("x-429chain-chain"))
            self.assertEqual("openai/gpt-oss-120b", self.groq.last().json()["model"])
        checks.served_by(self, self.client.chat("groq"), "local/chain-named-like-a-provider", 1)

    def test_provider_slash_model_is_split_at_the_first_slash(self):
        """`provider/model` is split at the first `/`; for `kind: openai` any model string is taken."""
        for model in ("my-model", "a/b/c", "x:free", "@cf/meta/llama", "Model With Spaces", "日本", "a//b", "-"):
            answer = self.client.chat(f"local/{model}")
            self.assertEqual(200, answer.status, repr(answer))
            self.assertEqual(model, self.local.last().json()["model"])
            self.assertEqual("1", answer.header("x-429chain-attempts"))
        self.assertEqual("local/my-model", self.client.chat("local/my-model").header("x-429chain-target"))

    def test_a_canonical_name_is_any_provider_that_serves_it_in_file_order(self):
        """A canonical model name: any configured provider that serves it, in file order."""
        checks.served_by(self, self.client.chat("gpt-oss-120b"), "groq/openai/gpt-oss-120b", 1)
        self.groq.script(answers.error(500))
        checks.served_by(self, self.client.chat("gpt-oss-120b"), "other/oss-120b", 2)
        checks.served_by(self, self.client.chat("tiny-1b"), "groq/tiny", 1)

    def test_a_target_without_a_provider_is_every_provider_that_serves_it(self):
        """{model: NAME} in a chain: every configured provider that serves this canonical model, in file order."""
        self.groq.script(answers.error(500))
        answer = self.client.chat("any")
        checks.served_by(self, answer, "other/oss-120b", 2)
        self.assertEqual("any", answer.header("x-429chain-chain"))

    def test_it_lists_canonical_names_and_targets_with_what_they_take(self):
        """Every name that a request may use: canonical names and provider/model beside chains and aliases."""
        listed = {model["id"]: model for model in self.client.get("/v1/models").json()["data"]}
        for name in ("gpt-oss-120b", "tiny-1b", "groq/openai/gpt-oss-120b", "groq/tiny", "other/oss-120b", "local/my-model"):
            self.assertIn(name, listed)
        self.assertEqual("groq", listed["groq/tiny"]["owned_by"])
        self.assertEqual(2048, listed["groq/tiny"]["context_length"])
        self.assertEqual(2048, listed["tiny-1b"]["context_length"])
        for name in ("groq/openai/gpt-oss-120b", "groq%2Fopenai%2Fgpt-oss-120b"):
            self.assertEqual("groq/openai/gpt-oss-120b", self.client.get(f"/v1/models/{name}").json()["id"])

    def test_head_is_get_without_the_body(self):
        """HEAD: the same head, no body."""
        for path, status in (("/v1/models", 200), ("/v1/models/coding", 200), ("/v1/models/nothing", 404)):
            with self.client.connect() as connection:
                connection.request("HEAD", path)
                head = connection.answer("HEAD")
                connection.request("GET", path)
                whole = connection.answer("GET")
            self.assertEqual((status, b""), (head.status, head.body))
            self.assertEqual(str(len(whole.body)), head.header("content-length"))

    def test_a_line_with_limits_of_its_own_is_not_walked_twice(self):
        """A canonical name calls each account once, whatever chains say of it."""
        for upstream in (self.groq, self.other):
            upstream.script(answers.error(500))
        answer = self.client.chat("gpt-oss-120b")
        self.assertEqual((502, "2"), (answer.status, answer.header("x-429chain-attempts")), repr(answer))

    def test_names_are_exact(self):
        """No prefix, case or trimming games."""
        for name in ("Coding", "codin", "coding ", " coding", "coding\n", "unknown/model", "/coding", "coding/", "groq/", "/", "local"):
            checks.own_error(self, self.client.chat(name), (404, 400))


class DefaultChain(ChainCase):
    def test_an_unknown_model_goes_to_the_default_chain(self):
        """`default_chain`: for an unknown model; none: 404."""
        upstream = self.upstream()
        fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url}},
            "chains": {"coding": {"targets": [{"provider": "p", "model": "m"}]}}, "default_chain": "coding"})
        for name in ("gpt-99", "unknown/model", "claude"):
            answer = fleet.client.chat(name)
            checks.served_by(self, answer, "p/m", 1)
            self.assertEqual("coding", answer.header("x-429chain-chain"))
        # What is known keeps its meaning.
        checks.served_by(self, fleet.client.chat("p/other"), "p/other", 1)
        checks.own_error(self, fleet.client.chat(""), 400)


if __name__ == "__main__":
    unittest.main()
