"""A client that goes away takes its upstream call with it, and what it held is given back."""
import unittest

from support import answers, checks
from support.answers import ROLE, chunk, delta, event
from support.case import ChainCase, SlotCase, rows
from support.poll import until
from support.raw_client import Client

CONTENT = event(delta(content="x"))


class Gone:
    """Starts an answer, then notes in `seen` whether its client went away in time."""

    def __init__(self, *pieces, head=True):
        self.pieces, self.head = pieces, head
        self.seen = []

    def __call__(self, exchange):
        if self.head:
            exchange.send(answers.stream_head())
        for piece in self.pieces:
            exchange.send(chunk(piece))
        self.seen.append(exchange.wait_gone(15))
        exchange.close()


class Cancels(SlotCase):
    SLOTS = 16

    def leave(self, gone, stream, how, wait_head):
        slot = self.slot(gone)
        connection = self.client.open_chat(slot.chain, stream=stream)
        slot.a.wait_calls(1)
        if wait_head:
            self.assertEqual(200, connection.head().status)
        getattr(connection, how)()
        until(lambda: gone.seen, 1.0, "the upstream connection to be closed within 1 s")
        self.assertEqual([True], gone.seen)
        self.assertEqual(0, slot.b.calls, "nobody waits for the second target")
        return slot

    @rows({"close": "close", "reset": "reset"})
    def test_a_client_gone_in_mid_stream_closes_the_upstream(self, how):
        """Client gone: upstream connection closed within 1 s."""
        self.leave(Gone(event(ROLE), CONTENT), True, how, True)

    @rows({"close": "close", "reset": "reset"})
    def test_a_client_gone_before_the_first_content_closes_the_upstream(self, how):
        """Also before anything was sent to it."""
        self.leave(Gone(event(ROLE)), True, how, False)
        self.leave(Gone(head=False), True, how, False)

    @rows({"close": "close", "reset": "reset"})
    def test_a_client_gone_from_a_plain_request_closes_the_upstream(self, how):
        """And for plain requests."""
        self.leave(Gone(head=False), False, how, False)

    def test_a_client_gone_while_the_provider_is_slow_to_read_its_request(self):
        """The next request is served as if nothing had been."""
        slot = self.leave(Gone(event(ROLE), CONTENT), True, "close", True)
        slot.a.answer = answers.usual()
        checks.whole_stream(self, self.client.chat(slot.chain, stream=True))
        checks.served_by(self, self.client.chat(slot.chain), slot.names[0], 1)

    def test_many_clients_gone_at_once_leave_nothing_open(self):
        """Each of them."""
        gone = Gone(event(ROLE), CONTENT)
        slot = self.slot(gone)
        connections = [self.client.open_chat(slot.chain, stream=True) for _ in range(60)]
        for connection in connections:
            self.assertEqual(200, connection.head().status)
        for number, connection in enumerate(connections):
            connection.reset() if number % 2 else connection.close()
        until(lambda: len(gone.seen) == 60, 3.0, "all upstream connections closed")
        self.assertEqual([True] * 60, gone.seen)
        until(lambda: "\nchain429_streams_open 0\n" in Client(self.fleet.proxy.admin).get("/metrics").body.decode(), 5.0, "no stream open")


class Settles(ChainCase):
    def test_an_aborted_request_gives_its_concurrency_back(self):
        """Settled with what was seen: a concurrency of 1 is free again after an abort."""
        gone = Gone(event(ROLE), CONTENT)
        upstream = self.upstream(gone)
        fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url, "limits": {"concurrency": 1}}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        for _ in range(3):
            connection = fleet.client.open_chat("c", stream=True)
            self.assertEqual(200, connection.head().status)
            checks.own_error(self, fleet.client.chat("c"), 429, "chain_exhausted")
            connection.close()
            upstream.script(answers.completion("free again"))
            until(lambda: fleet.client.chat("c").status == 200, 3.0, "the slot to be free", every=0.05)

    def test_an_aborted_request_still_counts(self):
        """What was written upstream is used: an abort does not give a request's rpm back."""
        gone = Gone(event(ROLE), CONTENT)
        upstream = self.upstream(gone)
        fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": upstream.base_url, "limits": {"rpm": 2}}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        for _ in range(2):
            connection = fleet.client.open_chat("c", stream=True)
            self.assertEqual(200, connection.head().status)
            connection.close()
        checks.own_error(self, fleet.client.chat("c"), 429, "chain_exhausted")
        self.assertEqual(2, upstream.calls)


if __name__ == "__main__":
    unittest.main()
