"""Streams that break after their first content: one error event, no [DONE], a proper end, and nothing made up."""
import unittest

from support import answers, checks, sse
from support.answers import DONE, END, ROLE, STOP, chunk, delta, event
from support.case import SlotCase, TIMEOUTS, rows

A, B = delta(content="a"), delta(content="b")
GOOD = event(ROLE) + event(A) + event(B)
SENT = [ROLE.encode(), A.encode(), B.encode()]


class Breaks(SlotCase):
    SLOTS = 40
    CHAIN = {"timeouts": {**TIMEOUTS, "idle": "700ms"}}

    @rows({
        "closed": answers.stream(GOOD, end=False, then="close"),
        "reset": answers.stream(GOOD, end=False, then="reset"),
        "ended_without_finish": answers.stream(GOOD),
        "closed_unframed": answers.raw(answers.head(200, {"content-type": "text/event-stream"}) + GOOD, "close"),
        "shorter_than_its_length": answers.raw(answers.head(200, {"content-type": "text/event-stream",
                                                                  "content-length": len(GOOD) + 100}) + GOOD, "close"),
        "stalled": answers.stream(GOOD, end=False, then="hold"),
        "bad_chunk": answers.raw(answers.stream_head() + chunk(GOOD) + b"no size\r\n", "keep"),
        "inside_a_chunk": answers.raw(answers.stream_head() + chunk(GOOD) + b"ff\r\ndata: half", "close"),
        "half_event": answers.stream(GOOD + b'data: {"choices":[{"delta":{"content":"never"}}]}', end=False, then="close"),
        "half_event_ended": answers.stream(GOOD + b'data: {"choices":[{"delta":{"content":"never"}}]}\n'),
        "half_event_reset": answers.stream(pieces=[GOOD, b'data: {"choices":[{"del'], end=False, then="reset"),
        "half_event_stalled": answers.stream(GOOD + b'data: {"choices":[{"del', end=False, then="hold"),
        "half_done": answers.stream(GOOD + b"data: [DO", end=False, then="close"),
        "after_a_comment": answers.stream(GOOD + b": hi\n\n", end=False, then="close"),
    })
    def test_a_break_after_content_ends_with_one_error_event(self, broken):
        """One `data:` event with an error object, code stream_broken, no [DONE], a properly ended body; half events dropped."""
        slot = self.slot(broken)
        with self.client.connect() as connection:
            connection.request("POST", "/v1/chat/completions", {"model": slot.chain, "messages": [], "stream": True})
            answer = connection.answer()
            payloads, error = checks.broken_stream(self, answer)
            self.assertEqual(SENT, payloads)
            self.assertEqual("stream_broken", error["code"])
            self.assertNotIn(b"never", answer.body)
            self.assertNotIn(b'"stop"', answer.body)
            # The body ended, so the connection is good for the next request, unless the proxy said otherwise.
            if (answer.header("connection") or "").lower() != "close":
                connection.request("GET", "/health")
                self.assertEqual(200, connection.answer("GET").status)
        self.assertEqual(0, slot.b.calls, "after the first content nobody else is asked")

    @rows({
        "object": event('{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}'),
        "object_then_done": event('{"error":{"message":"overloaded","type":"server_error"}}') + DONE,
        "event_error": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        "openrouter": event('{"id":"g","error":{"code":502,"message":"Provider disconnected"},'
                            '"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}'),
    })
    def test_a_providers_error_after_content_is_the_end(self, last):
        """An error in mid-stream ends it with an error event and no [DONE]."""
        slot = self.slot(answers.stream(GOOD + last))
        payloads, _ = checks.broken_stream(self, self.client.chat(slot.chain, stream=True))
        self.assertEqual(SENT, payloads)
        self.assertEqual(0, slot.b.calls)

    def test_a_break_right_after_the_first_content(self):
        """Also when content and break come in one read."""
        slot = self.slot(answers.stream(event(A), end=False, then="reset"))
        answer = self.client.chat(slot.chain, stream=True)
        if answer.header("x-429chain-target") == slot.names[1]:
            checks.whole_stream(self, answer)  # the reset overtook the content, which nobody has seen
        else:
            self.assertEqual([A.encode()], checks.broken_stream(self, answer)[0])

    def test_a_break_in_one_of_several_choices(self):
        """With n > 1 one choice's finish_reason is not the end of the others."""
        both = ['{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}',
                '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
                '{"choices":[{"index":1,"delta":{"content":"c"}}]}', '{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}']
        slot = self.slot(answers.stream(b"".join(map(event, both)) + DONE))
        answer = self.client.chat(slot.chain, stream=True, n=2)
        self.assertEqual([p.encode() for p in both], checks.whole_stream(self, answer))

    def test_content_after_the_finish_reason_still_passes(self):
        """Usage and what else follows a finish_reason is kept, up to [DONE]."""
        more = '{"choices":[],"x_extra":{"a":1}}'
        slot = self.slot(answers.stream(event(A) + event(STOP) + event(more) + DONE))
        got = checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        self.assertEqual([A.encode(), STOP.encode(), more.encode()], got)

    def test_nothing_after_done_reaches_the_client(self):
        """[DONE] is the end."""
        slot = self.slot(answers.stream(event(A) + event(STOP) + DONE + event(B)))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([A.encode(), STOP.encode()], checks.whole_stream(self, answer))

    def test_no_error_is_made_of_a_word_in_the_content(self):
        """An answer may talk about errors and [DONE]."""
        talk = [delta(content='{"error":{"message":"x"}}'), delta(content="data: [DONE]\n\n"), delta(content="event: error"),
                '{"choices":[{"index":0,"delta":{"content":"x"}}],"error":null}', STOP]
        slot = self.slot(answers.stream(b"".join(map(event, talk)) + DONE))
        answer = self.client.chat(slot.chain, stream=True)
        self.assertEqual([p.encode() for p in talk] + [b"[DONE]"], sse.payloads(answer.body))

    def test_a_provider_that_broke_is_used_again_on_a_new_connection(self):
        """The broken connection is not."""
        slot = self.slot(answers.usual())
        slot.a.script(answers.raw(answers.stream_head() + chunk(GOOD) + b"no size\r\n" + END))
        checks.broken_stream(self, self.client.chat(slot.chain, stream=True))
        checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        last = slot.a.requests if slot.a.calls > 1 else slot.b.requests
        self.assertNotEqual(slot.a.requests[0], last[-1])
        self.assertTrue(slot.a.calls == 1 or last[-1].connection != slot.a.requests[0].connection)


if __name__ == "__main__":
    unittest.main()
