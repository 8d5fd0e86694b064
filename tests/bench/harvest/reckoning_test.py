"""The harvest's reckoning: exact windows, what the providers would have given, and which refusals were false."""
import base64
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harvest import load, plot, score, tiers  # noqa: E402
from harvest.optimum import Request, bound, optimum  # noqa: E402
from harvest.tiers import Tier  # noqa: E402
from harvest.windows import Book, Window  # noqa: E402

MIDNIGHT = 1_764_028_800  # UTC, 2025-11-25
BUCKET = {"kind": "bucket"}


def every(seconds, until, tokens=(10, 10), start=MIDNIGHT, max_output=None):
    return [Request(number, start + number * seconds, *tokens, max_output) for number in range(int(until / seconds))]


class Windows(unittest.TestCase):
    def test_a_sliding_use_counts_for_exactly_its_length(self):
        window = Window(10, 60)
        window.add(100, 3)
        window.add(130, 2)
        self.assertEqual([0, 3, 5, 5, 2, 0], [window.used_at(at) for at in (99.9, 100, 130, 159.9, 160, 190)])

    def test_a_fixed_minute_is_the_clocks(self):
        window = Window(10, 60, "fixed")
        window.add(119, 3)
        window.add(121, 2)
        self.assertEqual([3, 0, 2, 2, 0], [window.used_at(at) for at in (119.9, 120, 121, 179.9, 180)])
        self.assertEqual((60, 120), (window.start_of(119), window.end_of(119)))

    def test_a_fixed_day_is_that_of_its_zone(self):
        pacific = Window(10, 86400, "fixed", "America/Los_Angeles")
        self.assertEqual(MIDNIGHT - 16 * 3600, pacific.start_of(MIDNIGHT))
        self.assertEqual(MIDNIGHT + 8 * 3600, pacific.end_of(MIDNIGHT))
        pacific.add(MIDNIGHT, 4)
        self.assertEqual([4, 0], [pacific.used_at(MIDNIGHT + 8 * 3600 + late) for late in (-1, 0)])

    def test_a_bucket_is_paid_back_all_the_time_and_never_below_nothing(self):
        bucket = Window(60, 60, "bucket")
        bucket.add(100, 30)
        self.assertEqual([30, 20, 0], [bucket.used_at(at) for at in (100, 110, 140)])
        bucket.add(140, 5)
        bucket.add(141, -20)
        self.assertEqual(0, bucket.used_at(141))
        bucket.add(142, 7)
        self.assertEqual(7, bucket.used_at(142))

    def test_around_a_moment_counts_what_could_count_if_dates_were_a_little_wrong(self):
        sliding = Window(10, 60)
        sliding.add(100, 3)
        sliding.add(160.4, 4)
        self.assertEqual([3, 7, 4], [sliding.most_around(at, at, 0.25) for at in (159, 160.2, 160.3)])
        fixed = Window(10, 60, "fixed")
        fixed.add(116, 3)
        fixed.add(121, 4)
        # The period before counts until the margin is over, and what lies that near to the edge for longer.
        self.assertEqual([3, 7, 7], [fixed.most_around(at, at, 5) for at in (112, 124, 130)])
        self.assertEqual([7, 4], [fixed.most_around(at, at, 3) for at in (122, 130)])
        bucket = Window(60, 60, "bucket")
        bucket.add(MIDNIGHT + 100, 30)
        bucket.add(MIDNIGHT + 110, 5)
        self.assertAlmostEqual(21 + 5, bucket.most_around(MIDNIGHT + 110, MIDNIGHT + 110.5, 1))

class Optimum(unittest.TestCase):
    def test_a_sliding_minute_gives_its_whole_limit_in_every_minute_begun(self):
        tier = Tier("a", "m", {"rpm": 30})
        given = optimum([tier], every(0.5, 600))["a"]
        self.assertEqual(300, len(given.answers))
        self.assertEqual(300 * 20, given.tokens)
        # A little longer than ten minutes: what the eleventh has room for.
        self.assertEqual(300 + 10, len(optimum([tier], every(0.5, 605))["a"].answers))

    def test_a_fixed_minute_that_the_run_only_touches_gives_as_much_as_is_asked_in_it(self):
        tier = Tier("a", "m", {"rpm": 30}, {"rpm": {"kind": "fixed"}})
        # From 50 s past the minute for 130 s: 10 s, 60 s, 60 s.
        self.assertEqual(20 + 30 + 30, len(optimum([tier], every(0.5, 130, start=MIDNIGHT + 50))["a"].answers))

    def test_a_bucket_gives_its_burst_and_then_its_flow(self):
        tier = Tier("a", "m", {"rpm": 6}, {"rpm": BUCKET})
        self.assertEqual(6 + 59, len(optimum([tier], every(0.5, 600))["a"].answers))

    def test_a_days_limit_binds_once(self):
        tier = Tier("a", "m", {"rpm": 20, "rpd": 50}, {"rpd": {"kind": "fixed"}})
        self.assertEqual(50, len(optimum([tier], every(1, 600))["a"].answers))
        # Over midnight there is another one.
        self.assertEqual(100, len(optimum([tier], every(1, 600, start=MIDNIGHT - 300))["a"].answers))

    def test_outputs_are_charged_at_the_end_or_up_front(self):
        on_use = Tier("a", "m", {"tpm": 100})
        # 10 tokens of each prompt, and 40 when its answer ends after 0.3 s: the third no longer fits.
        self.assertEqual(2, len(optimum([on_use], every(1, 30, (10, 40)))["a"].answers))
        up_front = Tier("a", "m", {"tpm": 100}, {"tpm": BUCKET}, charge="up_front", default_max_tokens=95)
        self.assertEqual(0, len(optimum([up_front], every(1, 5, (10, 5)))["a"].answers))
        # 60 have to be free, 15 stay: beside four of these, with what has flowed back, 60 are not.
        self.assertEqual(4, len(optimum([up_front], every(1, 5, (10, 5), max_output=50))["a"].answers))

    def test_sizes_count_where_tokens_are_limited_and_are_luck_elsewhere(self):
        by_number = optimum([Tier("a", "m", {"rpm": 2, "tpm": 1000})], every(1, 10))["a"]
        self.assertFalse(by_number.token_limited)
        self.assertEqual(2 * 35, by_number.tokens_for(4, 140))
        self.assertEqual(2 * 20, by_number.tokens_for(0, 0))
        by_tokens = optimum([Tier("a", "m", {"rpm": 5, "tpm": 50})], every(1, 10))["a"]
        self.assertTrue(by_tokens.token_limited)
        self.assertEqual(3 * 20, by_tokens.tokens_for(1, 1000))

    def test_each_request_goes_to_the_first_that_takes_it(self):
        chain = [Tier("a", "m", {"rpm": 2}), Tier("b", "m", {"rpm": 3})]
        given = optimum(chain, every(1, 10))
        self.assertEqual([0, 1], [at - MIDNIGHT for at in given["a"].answers])
        self.assertEqual([2, 3, 4], [at - MIDNIGHT for at in given["b"].answers])
        self.assertEqual(5, bound(chain, every(1, 10)))
        self.assertEqual(4, bound(chain, every(1, 4)))


def entry(at, number, verdict="ok", limit=None):
    body = base64.b64encode(f'{{"content":"#{number} of the harvest."}}'.encode()).decode()
    return {"time": at, "at": at - MIDNIGHT, "finished_at": at - MIDNIGHT + 0.2, "verdict": verdict, "limit": limit,
            "wait": None, "prompt_tokens": 10, "completion_tokens": 10, "body": body}


class Score(unittest.TestCase):
    TIER = Tier("a", "m", {"rpm": 2})

    def scored(self, asked_at, outcomes, log):
        body = b"x" * 40
        asked = [load.Asked(number, after, body, False) for number, after in enumerate(asked_at)]
        return score.score([self.TIER], asked, outcomes, {"a": log}, MIDNIGHT)

    def answered(self, number, after):
        return load.Outcome(number, MIDNIGHT + after, MIDNIGHT + after + 0.25, 200)

    def refused(self, number, after):
        return load.Outcome(number, MIDNIGHT + after, MIDNIGHT + after + 0.01, 429, "chain_exhausted", error="")

    def test_all_that_is_counted(self):
        result = self.scored(
            [0, 1, 2, 30], [self.answered(0, 0), self.answered(1, 1), self.refused(2, 2), self.refused(3, 30)],
            [entry(MIDNIGHT, 0), entry(MIDNIGHT + 1, 1), entry(MIDNIGHT + 2, 2, "rate_limited", "rpm")])
        self.assertEqual((2, 2, 0), (result["answers"], result["exhausted"], result["failed"]))
        self.assertEqual((100.0, 100.0), (result["harvest_answers"], result["harvest_tokens"]))
        self.assertAlmostEqual(1000 / 3, result["waste"])
        self.assertEqual([(2, "rpm")], [(found["number"], found["limit"]) for found in result["refusals"]])
        self.assertAlmostEqual(50, result["added_ms"]["p50"], places=3)
        self.assertEqual(0, result["false_exhaustions"])
        self.assertEqual(["waste 333.3, not <= 1"], score.missed(result))

    def test_a_refusal_with_room_all_around_it_is_false_and_one_at_the_edge_is_not(self):
        log = [entry(MIDNIGHT, 0), entry(MIDNIGHT + 1, 1)]
        outcomes = [self.answered(0, 0), self.answered(1, 1)]
        self.assertEqual(0, self.scored([0, 1, 60.1], [*outcomes, self.refused(2, 60.1)], log)["false_exhaustions"])
        result = self.scored([0, 1, 60.4], [*outcomes, self.refused(2, 60.4)], log)
        self.assertEqual([(2, "a")], [(f["number"], f["tier"]) for f in result["false_exhaustions_at"]])
        # Somebody took the place in the same moment.
        late = [*log, entry(MIDNIGHT + 60.5, 3), entry(MIDNIGHT + 60.55, 4)]
        self.assertEqual(0, self.scored([0, 1, 60.4], [*outcomes, self.refused(2, 60.4)], late)["false_exhaustions"])

    def test_room_for_tokens_is_room_for_what_can_be_known_of_the_output(self):
        tier = Tier("a", "m", {"tpm": 100})
        requests = {"a": [Request(0, MIDNIGHT, 10, 5), Request(1, MIDNIGHT, 10, 5, 20)], "usual": 50}
        book = Book(tier)
        book.add(MIDNIGHT, 1, 60)
        refused = [self.refused(0, 1), self.refused(1, 1)]
        found = score.false_exhaustions([tier], {"a": book}, refused, requests)
        self.assertEqual([1], [outcome.number for outcome, _ in found], "50 more do not fit beside 60, 20 do")

    def test_a_picture_has_every_pass_and_provider(self):
        result = self.scored([0], [self.answered(0, 0)], [entry(MIDNIGHT, 0)])
        picture = plot.svg({"ours": result, "theirs": result}, 60)
        self.assertEqual(2, picture.count("theirs 1 (100.0 %)"))
        self.assertTrue(picture.endswith("</svg>\n"))


class Demand(unittest.TestCase):
    def test_it_is_the_same_for_every_pass_and_has_sizes_of_a_heavy_tail(self):
        asked = load.demand(5, 600, 1)
        self.assertEqual(asked, load.demand(5, 600, 1))
        self.assertNotEqual(asked, load.demand(5, 600, 2))
        self.assertAlmostEqual(3000, len(asked), delta=250)
        sizes = sorted(one.as_request(0, "m").prompt for one in asked)
        self.assertGreater(sizes[len(sizes) * 99 // 100], 4 * sizes[len(sizes) // 2])

    def test_days_can_be_scaled_and_minutes_stay(self):
        scaled = tiers.TIERS[0].scaled(100)
        self.assertEqual({"rpm": 30, "rpd": 10, "tpm": 8000, "tpd": 2000}, scaled.limits)
        config = tiers.gateway_config([scaled, tiers.TIERS[5]], {"groq": "http://a/v1", "nvidia": "http://b/v1"}, 100)
        self.assertEqual({"rpd": 10, "tpd": 2000}, config["providers"]["groq"]["limits"])
        self.assertNotIn("limits", config["providers"]["nvidia"])
        declared = tiers.gateway_config([tiers.TIERS[1]], {"cerebras": "http://a/v1"}, declared=True)
        self.assertEqual({"rpm": 5, "rpd": 2400, "tpm": 30_000, "tpd": 1_000_000}, declared["providers"]["cerebras"]["limits"])


if __name__ == "__main__":
    unittest.main()
