"""Connections to providers: how many, kept how long, what becomes of a dead one, and of a request that is answered early."""
import json
import re
import socket
import struct
import threading
import unittest

from support import answers, checks, trail
from support.case import ChainCase, TIMEOUTS
from support.poll import until
from support.prometheus import metric

LARGE = "x" * (6 << 20)  # more than the sockets' buffers take


class HeadServer:
    """A provider that acts as soon as a request's head has come: `act(sock, head and what came with it, connection, nth)`.
    The connection ends when it returns False."""

    def __init__(self, act):
        self.act = act
        self.opened = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            threading.Thread(target=self._serve, args=(sock, self.opened), daemon=True).start()

    def _serve(self, sock, number):
        nth = 0
        with sock:
            try:
                while True:
                    buffer = b""
                    while b"\r\n\r\n" not in buffer:
                        data = sock.recv(4096)
                        if not data:
                            return
                        buffer += data
                    if not self.act(sock, buffer, number, nth):
                        return
                    nth += 1
            except OSError:
                pass

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_body(sock, buffer):
    head, body = buffer.split(b"\r\n\r\n", 1)
    need = int(re.search(rb"(?i)content-length: (\d+)", head).group(1)) - len(body)
    while need > 0:
        need -= len(sock.recv(min(need, 1 << 20)))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def whole(status=200, body=None):
    data = json.dumps(body or answers.completion_body("hello")).encode()
    return answers.head(status, {"content-type": "application/json", "content-length": len(data)}) + data


class ConnectionCase(ChainCase):
    def fleet_to(self, *base_urls, timeouts=TIMEOUTS, **options):
        providers = {name: {"kind": "openai", "base_url": url} for name, url in zip("abc", base_urls)}
        config = {"version": 1, "providers": providers,
                  "chains": {"c": {"targets": [{"provider": name, "model": "m"} for name in providers],
                                   "timeouts": timeouts}}}
        return self.start_fleet(config, **options)

    def server(self, act):
        server = HeadServer(act)
        self.addCleanup(server.stop)
        return server


class Dead(ConnectionCase):
    def answer_then_reset(self, sock, buffer, connection, nth):
        """The first request of the first connection is answered; its second one finds it dead."""
        if connection == 1 and nth == 1:
            reset(sock)
            return False
        read_body(sock, buffer)
        sock.sendall(whole())
        return True

    def test_a_connection_that_dies_unanswered_is_tried_once_anew(self):
        """A kept-alive connection that turns out dead before any byte of an answer: a new one, the same attempt."""
        server = self.server(self.answer_then_reset)
        fleet = self.fleet_to(server.base_url)
        for _ in range(2):
            checks.served_by(self, fleet.client.chat("c"), "a/m", attempts=1)
        self.assertEqual(2, server.opened)
        self.assertEqual(1, metric(fleet.proxy, "chain429_upstream_retries_total"))

    def test_so_is_one_that_dies_while_the_body_is_written(self):
        """A request that was written in part is written anew, whole."""
        server = self.server(self.answer_then_reset)
        fleet = self.fleet_to(server.base_url)
        checks.served_by(self, fleet.client.chat("c"), "a/m", attempts=1)
        checks.served_by(self, fleet.client.chat("c", user=LARGE), "a/m", attempts=1)
        self.assertEqual(2, server.opened)
        self.assertEqual(1, metric(fleet.proxy, "chain429_upstream_retries_total"))

    def test_but_not_a_new_one_nor_twice(self):
        """A new connection that dies is a failure of the target."""
        def act(sock, buffer, connection, nth):
            if nth == 0 and connection == 1:
                read_body(sock, buffer)
                sock.sendall(whole())
                return True
            reset(sock)
            return False
        server = self.server(act)
        other = self.upstream()
        fleet = self.fleet_to(server.base_url, other.base_url)
        checks.served_by(self, fleet.client.chat("c"), "a/m", attempts=1)
        answer = fleet.client.chat("c")
        checks.served_by(self, answer, "b/m", attempts=2)
        self.assertEqual(("a/m", "broken"), trail.outcomes(answer)[0])
        self.assertEqual(2, server.opened)

    def test_nor_one_that_dies_within_its_answer(self):
        """Once a byte of an answer has come the provider may have done its work."""
        def act(sock, buffer, connection, nth):
            read_body(sock, buffer)
            sock.sendall(whole() if nth == 0 else b"HTTP/1.1 2")
            return nth == 0
        server = self.server(act)
        other = self.upstream()
        fleet = self.fleet_to(server.base_url, other.base_url)
        fleet.client.chat("c")
        answer = fleet.client.chat("c")
        checks.served_by(self, answer, "b/m", attempts=2)
        self.assertEqual(0, metric(fleet.proxy, "chain429_upstream_retries_total"))


class EarlyAnswers(ConnectionCase):
    def test_an_answer_before_the_body_was_read_counts(self):
        """A provider may refuse by the head alone, and close: its own word reaches the client."""
        def act(sock, buffer, connection, nth):
            sock.sendall(whole(413, {"error": {"message": "too long for us", "type": "x", "param": None, "code": None}}))
            return False  # closed with the body unread: a reset
        server = self.server(act)
        fleet = self.fleet_to(server.base_url)
        answer = fleet.client.chat("c", user=LARGE)
        self.assertEqual(413, answer.status)
        self.assertEqual("too long for us", answer.error["message"])
        self.assertEqual("1", answer.header("x-429chain-attempts"))


class Limits(ConnectionCase):
    def held(self):
        """An upstream that answers when it is told to."""
        go = threading.Event()
        self.addCleanup(go.set)

        def answer(exchange):
            go.wait(20)
            answers.usual()(exchange)
        return self.upstream(answer), go

    def chats(self, fleet, count):
        got = []
        threads = [threading.Thread(target=lambda: got.append(fleet.client.chat("c"))) for _ in range(count)]
        for thread in threads:
            thread.start()
        return got, threads

    def test_further_attempts_wait_for_a_connection(self):
        """Two connections, five requests: three wait in order, are counted, and use what comes free."""
        upstream, go = self.held()
        fleet = self.fleet_to(upstream.base_url, timeouts={**TIMEOUTS, "connect": "10s"},
                              proxy_flags=["--max-upstream-connections", "2"])
        got, threads = self.chats(fleet, 5)
        until(lambda: metric(fleet.proxy, "chain429_upstream_waiting") == 3)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 2)
        self.assertEqual(2, upstream.opened)
        go.set()
        for thread in threads:
            thread.join()
        self.assertEqual([200] * 5, [answer.status for answer in got])
        self.assertEqual(2, upstream.opened)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="idle") == 2)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 0)
        until(lambda: metric(fleet.proxy, "chain429_upstream_waiting") == 0)
        self.assertEqual(2, metric(fleet.proxy, "chain429_upstream_connects_total"))

    def test_no_longer_than_connecting_may_take(self):
        """Then the next target, with the reason in the attempt."""
        upstream, go = self.held()
        fleet = self.fleet_to(upstream.base_url, timeouts={**TIMEOUTS, "connect": "200ms"}, env={
            "CHAIN429_MAX_UPSTREAM_CONNECTIONS": "1"})
        got, threads = self.chats(fleet, 1)
        upstream.wait_calls(1)
        error = checks.own_error(self, fleet.client.chat("c"), 504, "chain_exhausted")
        self.assertEqual("timeout", error["attempts"][0]["outcome"])
        self.assertIn("all 1 connections to this provider were in use", error["attempts"][0]["message"])
        self.assertEqual(1, metric(fleet.proxy, "chain429_upstream_connect_failures_total", reason="limit"))
        go.set()
        threads[0].join()
        self.assertEqual(200, got[0].status)

    def test_a_client_that_leaves_frees_its_place(self):
        """One that holds a connection, and one that waits for it."""
        upstream, go = self.held()
        fleet = self.fleet_to(upstream.base_url, timeouts={**TIMEOUTS, "connect": "10s"},
                              proxy_flags=["--max-upstream-connections", "1"])
        holds = fleet.client.open_chat("c")
        upstream.wait_calls(1)
        waits = fleet.client.open_chat("c")
        until(lambda: metric(fleet.proxy, "chain429_upstream_waiting") == 1)
        waits.close()
        until(lambda: metric(fleet.proxy, "chain429_upstream_waiting") == 0)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 1)
        last, threads = self.chats(fleet, 1)
        until(lambda: metric(fleet.proxy, "chain429_upstream_waiting") == 1)
        holds.close()
        upstream.wait_calls(2)
        go.set()
        threads[0].join()
        self.assertEqual(200, last[0].status)


class Gauges(ConnectionCase):
    def test_open_connections_are_counted_right(self):
        """After streams, failures, retries and clients that left: nothing busy, and as many idle as there are."""
        upstream = self.upstream()
        fleet = self.fleet_to(upstream.base_url)
        for stream in (False, True) * 3:
            fleet.client.chat("c", stream=stream)
            # A client may have its answer before its provider's connection is back.
            until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="idle") == 1)
        upstream.answer = answers.error(500)
        fleet.client.chat("c")
        upstream.answer = answers.silent
        with fleet.client.open_chat("c"):
            upstream.wait_calls(8)
            until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 1)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 0)
        upstream.answer = answers.close
        fleet.client.chat("c")
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="busy") == 0)
        until(lambda: metric(fleet.proxy, "chain429_upstream_connections", state="idle") == 0)
        self.assertEqual(0, metric(fleet.proxy, "chain429_upstream_connect_failures_total", reason="tcp"))


if __name__ == "__main__":
    unittest.main()
