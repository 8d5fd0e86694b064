"""Assertions about the gateway's own answers that many tests share."""
import re

from support import sse, trail

CHAIN_HEADERS = ("x-429chain-chain", "x-429chain-target", "x-429chain-attempts", "x-429chain-trail")


def own_error(test, answer, status, code=None):
    """An error of the gateway's own, in OpenAI's shape."""
    statuses = status if isinstance(status, (tuple, set)) else (status,)
    test.assertIn(answer.status, statuses, repr(answer))
    test.assertEqual("application/json", (answer.header("content-type") or "").split(";")[0], repr(answer))
    error = answer.json()["error"]
    for key in ("message", "type", "param", "code"):
        test.assertIn(key, error, repr(answer))
    test.assertIsInstance(error["message"], str)
    test.assertTrue(error["message"])
    test.assertIsInstance(error["type"], str)
    test.assertTrue(answer.header("x-request-id"), repr(answer))
    if code is not None:
        test.assertEqual(code, error["code"], repr(answer))
    return error


def served_by(test, answer, target, attempts=None):
    """A good answer that came from this target."""
    test.assertEqual(200, answer.status, repr(answer))
    test.assertEqual(target, answer.header("x-429chain-target"), repr(answer))
    if attempts is not None:
        test.assertEqual(str(attempts), answer.header("x-429chain-attempts"), repr(answer))


def fell_through(test, answer, slot, outcome=None, status=None):
    """The first target failed with `outcome`, the second served, and the client saw nothing of it."""
    served_by(test, answer, slot.names[1], attempts=2)
    items = trail.parse(answer.header("x-429chain-trail"))
    test.assertEqual(slot.names, [item["target"] for item in items], repr(answer))
    test.assertEqual("ok", items[1]["outcome"], repr(answer))
    if outcome:
        outcomes = outcome if isinstance(outcome, (tuple, set)) else (outcome,)
        test.assertIn(items[0]["outcome"], outcomes, repr(answer))
    if status:
        test.assertEqual(str(status), items[0]["status"], repr(answer))


def whole_stream(test, answer):
    """The payloads of a stream that ended well; `[DONE]` is checked and left out."""
    test.assertEqual(200, answer.status, repr(answer))
    test.assertTrue(answer.complete)
    test.assertEqual("text/event-stream", (answer.header("content-type") or "").split(";")[0], repr(answer))
    events, rest = sse.parse(answer.body)
    test.assertEqual(b"", rest, "bytes after the last event")
    test.assertTrue(events, repr(answer))
    test.assertEqual(b"[DONE]", events[-1].data, repr(answer))
    test.assertEqual(1, sum(event.data == b"[DONE]" for event in events), repr(answer))
    return [event.data for event in events[:-1]]


def broken_stream(test, answer):
    """The payloads before the error event of a stream that broke after its first content."""
    test.assertEqual(200, answer.status, repr(answer))
    test.assertTrue(answer.complete, "the body did not end properly")
    events, rest = sse.parse(answer.body)
    test.assertEqual(b"", rest, "bytes after the last event")
    test.assertNotIn(b"[DONE]", [event.data for event in events], repr(answer))
    errors = [event for event in events if re.search(rb'"error"\s*:\s*\{', event.data)]
    test.assertEqual(1, len(errors), repr(answer))
    test.assertIs(events[-1], errors[0], repr(answer))
    error = errors[0].json()["error"]
    for key in ("message", "type", "param", "code"):
        test.assertIn(key, error)
    return [event.data for event in events[:-1]], error
