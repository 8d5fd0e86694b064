"""A client's trace goes on to the provider with a parent of our own, and stands in the log."""
import re
import unittest

from support import answers, log_lines
from support.case import SlotCase, rows
from support.poll import until
from support.raw_client import Client, Connection

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"


class Traces(SlotCase):
    @classmethod
    def configure(cls, config):
        config["log"] = {"format": "json"}

    def call(self, slot, *headers):
        with Connection(self.fleet.proxy.api) as connection:
            connection.request("POST", "/v1/chat/completions", {"model": slot.chain, "messages": []}, headers)
            answer = connection.body(connection.head())
        self.assertEqual(200, answer.status)
        id = answer.header("x-request-id")
        line = until(lambda: log_lines.requests(self.fleet.proxy.program.stderr, request_id=id), 5.0)[0]
        return slot.a.requests[-1], line

    @rows({"sampled": "01", "not_sampled": "00"})
    def test_a_trace_goes_on_with_a_parent_of_our_own(self, flags):
        """Same trace, same decision about sampling, another parent."""
        request, line = self.call(self.slot(answers.completion()), ("traceparent", f"00-{TRACE}-{PARENT}-{flags}"))
        self.assertEqual(1, len(request.all("traceparent")))
        found = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-{flags}", request.header("traceparent"))
        self.assertTrue(found, request.header("traceparent"))
        self.assertNotIn(found.group(1), (PARENT, "0" * 16))
        self.assertEqual(TRACE, line["trace_id"])

    def test_tracestate_goes_with_it(self):
        """As it came, in all its fields."""
        request, _ = self.call(self.slot(answers.completion()), ("Traceparent", GIVEN), ("tracestate", "rojo=00f067,congo=t61"),
                               ("TraceState", "other=1"))
        self.assertEqual(["rojo=00f067,congo=t61", "other=1"], request.all("tracestate"))

    @rows({"short": f"00-{TRACE}-{PARENT}", "no_trace": f"00-{'0' * 32}-{PARENT}-01", "upper": GIVEN.upper(),
           "version_ff": "ff" + GIVEN[2:], "trailing": GIVEN + "-x", "empty": ""})
    def test_what_is_no_trace_is_dropped(self, value):
        """With its state. None is made up in its place."""
        request, line = self.call(self.slot(answers.completion()), ("traceparent", value), ("tracestate", "a=1"))
        self.assertEqual([], request.all("traceparent"))
        self.assertEqual([], request.all("tracestate"))
        self.assertNotIn("trace_id", line)

    def test_two_of_them_are_none(self):
        """Nobody knows which one holds."""
        request, line = self.call(self.slot(answers.completion()), ("traceparent", GIVEN), ("traceparent", GIVEN))
        self.assertEqual([], request.all("traceparent"))
        self.assertNotIn("trace_id", line)

    def test_without_a_trace_none_is_made_up(self):
        """The provider sees no traceparent at all."""
        request, line = self.call(self.slot(answers.completion()))
        self.assertIsNone(request.header("traceparent"))
        self.assertNotIn("trace_id", line)

    def test_each_attempt_is_a_parent_of_its_own(self):
        """Two targets, two spans of one trace."""
        slot = self.slot(answers.error(503), answers.completion())
        answer = Client(self.fleet.proxy.api, {"traceparent": GIVEN}).chat(slot.chain)
        self.assertEqual(200, answer.status)
        seen = [upstream.requests[-1].header("traceparent") for upstream in slot.upstreams]
        self.assertEqual([TRACE, TRACE], [one.split("-")[1] for one in seen])
        self.assertNotEqual(*(one.split("-")[2] for one in seen))


if __name__ == "__main__":
    unittest.main()
