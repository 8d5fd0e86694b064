"""Proxies that meet a provider of unknown limits at the same moment: a few requests find out for all, and the rest waits for them."""
import threading
import unittest

from support.case import ChainCase
from support.fleet import Fleet
from support.sim import Sim

PROXIES, CLIENTS, RPM = 5, 12, 20


class FirstContact(ChainCase):
    def all_fleets(self):
        return [self.fleet]

    def burst(self, provider, **chat):
        """Every client of every proxy at once; says what the first provider's log has as (used, refused)."""
        sim = Sim({"name": "first", "limits": {"rpm": RPM}, **provider}, {"name": "second"})
        self.addCleanup(sim.stop)
        self.fleet = Fleet({
            "version": 1,
            "providers": {name: {"kind": "openai", "base_url": sim[name].base_url} for name in ("first", "second")},
            "chains": {"c": {"targets": [{"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}}},
            proxies=PROXIES)
        self.fleet.start()
        self.addCleanup(self.fleet.stop)
        statuses, together = [], threading.Barrier(PROXIES * CLIENTS)

        def one(number):
            client = self.fleet.client_of(number % PROXIES)
            together.wait()
            statuses.append(client.chat("c", **chat).status)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(PROXIES * CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([200] * (PROXIES * CLIENTS), statuses)
        log = sim["first"].log()
        return tuple(sum(entry["status"] == status for entry in log) for status in (200, 429))

    def test_a_limit_that_headers_state_is_used_in_full(self):
        """As soon as one answer has come."""
        self.assertEqual((RPM, 0), self.burst({"style": "openai", "answer": {"latency": "200ms"}}))

    def test_a_stream_tells_it_with_its_beginning(self):
        """Not with its end, which is seconds away."""
        used, refused = self.burst({"style": "openai", "answer": {"ttft": "100ms", "chunk_delay": "300ms", "chunks": 15}}, stream=True)
        self.assertEqual((RPM, 0), (used, refused))

    def test_without_headers_each_proxy_is_refused_once_at_most(self):
        """Nobody says anything but no."""
        used, refused = self.burst({"answer": {"latency": "50ms"}})
        self.assertEqual(RPM, used)
        self.assertLessEqual(refused, PROXIES)


if __name__ == "__main__":
    unittest.main()
