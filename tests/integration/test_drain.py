"""How the programs end: nobody's request is lost."""
import signal
import time
import unittest

from support import answers, checks
from support.answers import DONE, END, STOP, chunk, delta, event
from support.case import ChainCase
from support.load import Load
from support.poll import until
from support.programs import run
from support.raw_client import Client, Connection


class Drain(ChainCase):
    def setUp(self):
        self.go = []
        self.up = self.upstream(self.held)
        self.fleet = self.start_fleet({
            "version": 1, "providers": {"p": {"kind": "openai", "base_url": self.up.base_url}},
            "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}})
        self.proxy = self.fleet.proxy

    def held(self, exchange):
        """A stream whose end waits for the test; a plain answer likewise."""
        stream = exchange.request.json().get("stream")
        if stream:
            exchange.send(answers.stream_head() + chunk(event(delta(content="x"))))
        until(lambda: self.go or exchange.gone, 60, "the test to go on")
        if stream:
            exchange.send(chunk(event(STOP) + DONE) + END)
        else:
            answers.completion("late")(exchange)

    def refuses(self):
        """New connections are refused."""
        try:
            Connection(self.proxy.api, timeout=2).close()
            return False
        except OSError:
            return True

    def not_ready(self):
        try:
            return Client(self.proxy.admin, timeout=5).get("/ready").status == 503
        except OSError:
            return True

    def test_sigterm_finishes_what_is_open_and_exits_0(self):
        """SIGTERM: /ready falls at once, new connections end, open requests are finished, exit 0 within 5 s of the last."""
        stream = self.fleet.client.open_chat("c", stream=True)
        reply = stream.head()
        plain = self.fleet.client.open_chat("c")
        self.up.wait_calls(2)
        self.proxy.program.signal(signal.SIGTERM)
        until(self.not_ready, 1, "/ready to fall")
        self.assertTrue(self.proxy.program.running)
        until(self.refuses, 15, "new connections to be refused")
        self.assertTrue(self.proxy.program.running, "open requests are waited for")
        self.go.append(1)
        self.assertEqual(2, len(checks.whole_stream(self, stream.body(reply))))
        self.assertEqual("late", plain.answer().content)
        self.assertEqual(0, self.proxy.program.wait(5))

    def test_sigterm_without_open_requests_ends_soon(self):
        """An idle proxy ends after its drain delay, idle kept connections do not hold it."""
        idle = Connection(self.proxy.api)
        idle.request("GET", "/health")
        self.assertEqual(200, idle.answer("GET").status)
        silent = Connection(self.proxy.api)
        self.proxy.program.signal(signal.SIGTERM)
        self.assertEqual(0, self.proxy.program.wait(15))
        self.assertTrue(idle.closed_by_peer())
        silent.close()

    def test_sigint_is_as_good(self):
        """Ctrl-C in a terminal."""
        self.proxy.program.signal(signal.SIGINT)
        self.assertEqual(0, self.proxy.program.wait(15))

    def test_post_drain_ends_the_proxy_as_sigterm_does(self):
        """POST /drain: takes no new work, finishes what is open, exits 0 within 5 s of the last."""
        stream = self.fleet.client.open_chat("c", stream=True)
        reply = stream.head()
        answer = Client(self.proxy.admin).post("/drain", b"")
        self.assertEqual((202, True), (answer.status, answer.json()["draining"]))
        self.assertIn("exit", answer.json()["message"])
        until(self.refuses, 15, "new connections to be refused")
        self.assertTrue(self.proxy.program.running, "open requests are waited for")
        self.go.append(1)
        self.assertEqual(2, len(checks.whole_stream(self, stream.body(reply))))
        self.assertEqual(0, self.proxy.program.wait(5))

    def test_connections_are_taken_for_the_drain_delay(self):
        """No new connection is accepted once /ready has fallen for the drain delay; until then they are, and answered."""
        second = self.fleet.add_proxy("patient", flags=["--drain-delay", "3s"]).wait_ready()
        self.up.answer = answers.usual()
        second.program.signal(signal.SIGTERM)
        until(lambda: second.ready() == 503, 2, "/ready to fall")

        def closes():
            answer = second.client.chat("c")
            self.assertEqual(200, answer.status)
            return (answer.header("connection") or "").lower() == "close"
        until(closes, 2, "the worker to hear of it")
        self.assertEqual(0, second.program.wait(10))

    def test_the_grace_is_the_end_of_what_does_not_end(self):
        """Grace, settable: what is still open then is cut off, and the exit is 0 all the same."""
        second = self.fleet.add_proxy("hasty", flags=["--drain-grace", "500ms"]).wait_ready()
        stream = second.client.open_chat("c", stream=True)
        stream.head()
        second.program.signal(signal.SIGTERM)
        self.assertEqual(0, second.program.wait(8))
        self.assertIn("the grace is over", second.program.output)
        stream.close()

    def test_whoever_asks_twice_does_not_wait(self):
        """A second signal while requests are open ends the proxy at once, with an exit code that says so."""
        stream = self.fleet.client.open_chat("c", stream=True)
        stream.head()
        self.proxy.program.signal(signal.SIGTERM)
        until(self.not_ready, 2, "/ready to fall")
        self.proxy.program.signal(signal.SIGINT)
        self.assertEqual(130, self.proxy.program.wait(3))
        stream.close()

    def test_post_drain_lets_ready_fall_and_finishes_what_is_open(self):
        """POST /drain: /ready is not 200 as soon as draining; open requests are finished."""
        stream = self.fleet.client.open_chat("c", stream=True)
        reply = stream.head()
        answer = Client(self.proxy.admin).post("/drain", b"")
        self.assertIn(answer.status, (200, 202, 204))
        until(self.not_ready, 1, "/ready to fall")
        self.go.append(1)
        self.assertEqual(2, len(checks.whole_stream(self, stream.body(reply))))

    def test_kept_connections_are_told_to_close_while_draining(self):
        """A client on a kept connection is told to go elsewhere, with an answer, not a cut."""
        self.up.answer = answers.usual()
        with Connection(self.proxy.api) as connection:
            connection.request("GET", "/health")
            self.assertEqual(200, connection.answer("GET").status)
            self.proxy.program.signal(signal.SIGTERM)
            until(self.not_ready, 1, "/ready to fall")
            try:
                connection.request("POST", "/v1/chat/completions", {"model": "c", "messages": []})
                answer = connection.answer()
                self.assertEqual((200, "close"), (answer.status, (answer.header("connection") or "").lower()), repr(answer))
            except ConnectionError:
                self.assertEqual(b"", connection.buffer)  # closed while idle is what a kept connection must expect
            except AssertionError:
                if not connection.at_end or connection.buffer:
                    raise  # anything else is not

    def test_a_rolling_restart_under_load_costs_nobody_an_answer(self):
        """With a second proxy, clients that look at /ready lose nothing."""
        self.up.answer = answers.usual()
        self.fleet.add_proxy("second").wait_ready()
        addresses = [proxy.api for proxy in self.fleet.proxies]
        load = Load(addresses, "c", 40, stream=lambda n: n % 2 == 0)
        self.addCleanup(load.stop)
        load.start()
        until(lambda: len(load.outcomes) > 40, 10, "the load to run")
        load.addresses[:] = addresses[1:]
        self.proxy.program.signal(signal.SIGTERM)
        self.assertEqual(0, self.proxy.program.wait(15))
        load.stop()
        self.assertEqual([], load.failures())

    def test_the_control_plane_ends_within_5_s(self):
        """SIGTERM to the control plane: exit 0 within 5 s, with proxies attached and requests open."""
        stream = self.fleet.client.open_chat("c", stream=True)
        reply = stream.head()
        started = time.monotonic()
        self.fleet.control.program.signal(signal.SIGTERM)
        self.assertEqual(0, self.fleet.control.program.wait(5))
        self.assertLess(time.monotonic() - started, 5)
        self.go.append(1)
        checks.whole_stream(self, stream.body(reply))

    def test_a_proxy_that_leaves_is_not_listed_as_attached(self):
        """Goodbye: a proxy that leaves on purpose gives back what it holds."""

        def attached():
            code, out, _ = run("429ctl", ["--control", self.fleet.control.grpc, "proxies", "--output", "json"])
            return out.replace(" ", "").count('"attached":true') if code == 0 else None
        until(lambda: attached() == 1, 5, "the proxy to be listed", every=0.1)
        self.proxy.program.signal(signal.SIGTERM)
        self.assertEqual(0, self.proxy.program.wait(15))
        until(lambda: attached() == 0, 5, "the proxy to be gone", every=0.1)


if __name__ == "__main__":
    unittest.main()
