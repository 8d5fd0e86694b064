"""?explain=1: the walk as it would go now, without calling anybody."""
import unittest

from support import answers, checks
from support.case import ChainCase
from support.poll import until

PATH = "/v1/chat/completions?explain=1"


class Explain(ChainCase):
    def setUp(self):
        self.a, self.b = self.upstream(name="a"), self.upstream(name="b")
        self.fleet = self.start_fleet({
            "version": 1,
            "auth": {"client_keys": [{"name": "all", "env": "ALL"}, {"name": "some", "env": "SOME", "chains": ["c"]}]},
            "providers": {"a": {"kind": "openai", "base_url": self.a.base_url, "models": {"m": {"canonical": "shared", "context": 4096}}},
                          "b": {"kind": "openai", "base_url": self.b.base_url, "limits": {"rpm": 2}}},
            "chains": {"c": {"aliases": ["gpt-4o"], "targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "n"}]}},
            "default_chain": "c"}, env={"ALL": "sk-all-123456", "SOME": "sk-some-123456"})

    def ask(self, model, path=PATH, key="sk-all-123456", **fields):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        return self.fleet.client.post(path, body, headers={"Authorization": f"Bearer {key}"})

    def explained(self, model="c", **fields):
        answer = self.ask(model, **fields)
        self.assertEqual((200, "application/json"), (answer.status, answer.header("content-type")), repr(answer))
        return answer.json()

    def words(self, told):
        return [(target["target"], target["would"]) for target in told["targets"]]

    def test_it_tells_the_walk_and_calls_nobody(self):
        """Every target in order with what would become of it, and the first that would be called."""
        told = self.explained(stream=True)
        self.assertEqual(("429chain.explanation", "c", "chain", "a/m"),
                         tuple(told[name] for name in ("object", "chain", "resolved_by", "first")))
        self.assertEqual([("a/m", "attempt"), ("b/n", "attempt")], self.words(told))
        self.assertEqual([True, True], [target["needs_permit"] for target in told["targets"]], "the first, as nobody has called it yet")
        self.assertEqual(4096, told["targets"][0]["context_length"])
        self.assertIsNone(told["retry_after_s"])
        self.assertEqual((0, 0), (self.a.calls, self.b.calls))

    def test_it_takes_nothing_of_a_limit(self):
        """No permit is taken and nothing is counted."""
        for _ in range(20):
            self.explained()
        self.a.answer = answers.error(500)
        self.assertEqual([200, 200, 429], [self.ask("c", "/v1/chat/completions").status for _ in range(3)])
        self.assertEqual(2, self.b.calls)

    def test_it_knows_of_cooldowns_and_used_up_limits(self):
        """What would be skipped, and when it opens."""
        self.a.answer = answers.rate_limited({"retry-after": "50"})
        for _ in range(2):
            self.assertEqual(200, self.ask("c", "/v1/chat/completions").status)
        until(lambda: self.words(self.explained()) == [("a/m", "skipped_cooldown"), ("b/n", "skipped_quota")], 5, "both to be skipped")
        told = self.explained()
        self.assertIsNone(told["first"])
        self.assertTrue(40 <= told["targets"][0]["opens_in_s"] <= 50, told)
        self.assertTrue(1 <= told["retry_after_s"] <= 50, told)

    def test_it_says_how_the_model_was_found(self):
        """chain, alias, provider/model, canonical or default_chain."""
        for model, how in (("c", "chain"), ("gpt-4o", "alias"), ("a/other", "provider/model"), ("shared", "canonical"), ("gpt-99", "default_chain")):
            self.assertEqual(how, self.explained(model)["resolved_by"], model)

    def test_whoever_may_not_call_may_not_ask(self):
        """The same authentication and the same checks as for a request."""
        checks.own_error(self, self.ask("c", key="wrong"), 401, "invalid_api_key")
        checks.own_error(self, self.ask("a/m", key="sk-some-123456"), 403, "model_not_allowed")
        checks.own_error(self, self.fleet.client.post(PATH, b"{", headers={"Authorization": "Bearer sk-all-123456"}), 400)
        checks.own_error(self, self.ask(7), 400)
        checks.own_error(self, self.fleet.client.get(PATH), 405)

    def test_another_query_is_an_ordinary_request(self):
        """Only explain=1 explains."""
        checks.served_by(self, self.ask("c", "/v1/chat/completions?api-version=1&explain=0"), "a/m", 1)


if __name__ == "__main__":
    unittest.main()
