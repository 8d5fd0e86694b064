"""A client that does not read stops the reading upstream, and costs little memory meanwhile."""
import os
import threading
import unittest

from support import answers, checks
from support.answers import DONE, STOP, chunk, delta, event
from support.case import SlotCase
from support.poll import until
from support.programs import instrumented

PIECE = event(delta(content="p" * 4000))
PIECES = 16000  # 64 MB and more: far beyond what kernels buffer


class Backpressure(SlotCase):
    SLOTS = 7
    # AddressSanitizer keeps what was freed, to notice later uses; here that would look like memory in use.
    ENV = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1"}

    def flood(self, pieces):
        """An answer that counts what was taken from it."""
        state = {"taken": 0, "done": False}

        def answer(exchange):
            exchange.send(answers.stream_head())
            for _ in range(pieces):
                if not exchange.send(chunk(PIECE)):
                    return
                state["taken"] += len(PIECE)
            exchange.send(chunk(event(STOP) + DONE) + answers.END)
            state["done"] = True
        return answer, state

    def stalled(self, states):
        """Waits until no provider gets rid of anything more."""
        last = [None, 0]

        def still():
            now = [s["taken"] for s in states]
            last[1] = last[1] + 1 if now == last[0] else 0
            last[0] = now
            return last[1] >= 15
        until(still, 30, "the providers to be stopped", every=0.05)

    def test_a_client_that_does_not_read_stops_the_provider(self):
        """A client that does not read stops the reading upstream; then everything comes, byte for byte."""
        answer, state = self.flood(PIECES)
        slot = self.slot(answer)
        with self.client.open_chat(slot.chain, stream=True, receive_buffer=65536, timeout=60) as connection:
            slot.a.wait_calls(1)
            self.stalled([state])
            self.assertFalse(state["done"])
            # Four kernel buffers of at most 6 MiB lie between.
            self.assertLess(state["taken"], 28 << 20)
            reply = connection.answer()
        got = checks.whole_stream(self, reply)
        self.assertEqual(PIECES + 1, len(got))
        self.assertEqual({PIECE[6:-2]}, set(got[:-1]))

    def test_idle_connections_do_not_keep_the_memory_of_their_bodies(self):
        """A kept connection that has carried a large request costs no more than another."""
        if instrumented():
            self.skipTest("a sanitizer keeps what was freed")
        count, large = 30, "x" * (4 << 20)
        slot = self.slot()
        for _ in range(2):  # what one request takes for a while is the process's from then on
            checks.served_by(self, self.client.chat(slot.chain, user=large), slot.names[0])
        slot.a.forget()
        before = self.fleet.proxy.program.rss_kib()
        connections = []
        for _ in range(count):
            connection = self.client.open_chat(slot.chain, user=large, timeout=60)
            self.addCleanup(connection.close)
            self.assertEqual(200, connection.answer().status)
            connections.append(connection)
            slot.a.forget()
        until(lambda: self.fleet.proxy.program.rss_kib() < before + count * 128, 10, "the memory to be given back")
        for connection in connections:
            connection.request("POST", "/v1/chat/completions", {"model": slot.chain, "messages": []})
            self.assertEqual(200, connection.answer().status)

    def test_stalled_clients_cost_little_memory(self):
        """The proxy holds at most 256 KiB per stream beyond one event."""
        count = 40
        floods = [self.flood(PIECES) for _ in range(count)]
        turn = iter(floods)
        lock = threading.Lock()

        def answer(exchange):
            with lock:
                own = next(turn)[0]
            own(exchange)
        slot = self.slot(answer)
        before = self.fleet.proxy.program.rss_kib()
        connections = [self.client.open_chat(slot.chain, stream=True, receive_buffer=65536) for _ in range(count)]
        try:
            slot.a.wait_calls(count)
            self.stalled([state for _, state in floods])
            grown = self.fleet.proxy.program.rss_kib() - before
            # 256 KiB and one event each, and as much again for connections and the allocator.
            self.assertLess(grown, count * 600, f"{grown} KiB for {count} stalled streams")
        finally:
            for connection in connections:
                connection.reset()

    def test_others_are_not_held_up_by_a_stalled_client(self):
        """Never another client disturbed."""
        answer, state = self.flood(PIECES)
        slow, quick = self.slot(answer), self.slot()
        with self.client.open_chat(slow.chain, stream=True, receive_buffer=65536):
            slow.a.wait_calls(1)
            self.stalled([state])
            for _ in range(20):
                checks.whole_stream(self, self.client.chat(quick.chain, stream=True))

    def test_a_stalled_client_that_leaves_frees_the_provider(self):
        """Also a client that went away while the proxy could not write to it."""
        answer, state = self.flood(PIECES)
        slot = self.slot(answer)
        connection = self.client.open_chat(slot.chain, stream=True, receive_buffer=65536)
        slot.a.wait_calls(1)
        self.stalled([state])
        connection.reset()
        until(lambda: not slot.a._connections, 3.0, "the upstream connection to be closed")

    def test_a_provider_that_does_not_read_stops_the_clients_upload_or_fails(self):
        """A provider that does not take the request runs into `total`, not into memory."""
        # The raw upstream reads all; this one never reads.
        import socket
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": f"http://127.0.0.1:{port}/v1"}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}],
                             "timeouts": {"connect": "1s", "first_token": "1s", "idle": "1s", "total": "2s"}}}})
        body = {"model": "c", "messages": [{"role": "user", "content": "z" * (6 << 20)}]}
        answer = fleet.client.post("/v1/chat/completions", body)
        checks.own_error(self, answer, 504, "chain_exhausted")
        self.assertLess(answer.seconds, 8)


if __name__ == "__main__":
    unittest.main()
