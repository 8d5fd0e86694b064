"""What both planes show to Prometheus: strictly in its format, and every counter moves when what it counts happens."""
import signal
import unittest

from support import answers, prometheus
from support.answers import ROLE, chunk, delta, event
from support.case import ChainCase
from support.poll import until
from support.raw_client import Client

GOOD = """\
# HELP a_total Things.
# TYPE a_total counter
a_total{x="1",y="a\\"b\\\\c\\n"} 3
a_total 4
# HELP h_seconds Times.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.1"} 1
h_seconds_bucket{le="+Inf"} 2
h_seconds_sum 1e-05
h_seconds_count 2
"""


class Reader(unittest.TestCase):
    """The reader that the other tests rely on refuses what it should."""

    def test_it_reads_what_is_right(self):
        metrics = prometheus.parse(GOOD)
        self.assertEqual(3, metrics.value("a_total", x="1"))
        self.assertEqual(7, metrics.sum("a_total"))
        self.assertIsNone(metrics.value("b_total"))

    def test_it_refuses_what_is_wrong(self):
        wrong = {"no help": GOOD.replace("# HELP a_total Things.\n", ""),
                 "no type": GOOD.replace("# TYPE a_total counter\n", ""),
                 "type first": GOOD.replace("# HELP a_total Things.\n# TYPE a_total counter\n",
                                            "# TYPE a_total counter\n# HELP a_total Things.\n"),
                 "twice": GOOD + GOOD, "a sample twice": GOOD.replace("a_total 4", 'a_total{x="1",y="a\\"b\\\\c\\n"} 3'),
                 "apart": GOOD + "a_total 5\n", "no end": GOOD[:-1], "bad value": GOOD.replace(" 4\n", " four\n"),
                 "falling": GOOD.replace('"+Inf"} 2', '"+Inf"} 0'), "count": GOOD.replace("_count 2", "_count 3"),
                 "no inf": GOOD.replace('h_seconds_bucket{le="+Inf"} 2\n', ""), "no sum": GOOD.replace("h_seconds_sum 1e-05\n", ""),
                 "no total": GOOD.replace("a_total", "a"), "unit": GOOD.replace("h_seconds", "h_ms"),
                 "escape": GOOD.replace("\\n\"", "\\t\""), "below zero": GOOD.replace("a_total 4", "a_total -4")}
        for name, text in wrong.items():
            with self.subTest(name), self.assertRaises(prometheus.Bad):
                prometheus.parse(text)


class MetricsCase(ChainCase):
    LIMITS = {}

    def setUp(self):
        self.first, self.second = self.upstream(name="first"), self.upstream(name="second")
        self.fleet = self.start_fleet({
            "version": 1,
            "providers": {"a": {"kind": "openai", "base_url": self.first.base_url, **self.LIMITS},
                          "b": {"kind": "openai", "base_url": self.second.base_url}},
            "chains": {"c": {"targets": [{"provider": "a", "model": "m"}, {"provider": "b", "model": "m"}]}}})

    def proxy(self):
        return prometheus.scrape(Client(self.fleet.proxy.admin))

    def control(self):
        return prometheus.scrape(Client(self.fleet.control.http))

    def moves(self, scrape, by, name, act=None, **labels):
        """`act` adds `by` to this counter."""
        before = scrape().sum(name, **labels)
        if act is not None:
            act()

        def moved():
            found = scrape().sum(name, **labels)
            self.assertEqual(before + by, found, f"{name}{labels}")
            return True
        until(moved, 5.0, f"{name}{labels} by {by}")


class ProxyMetrics(MetricsCase):
    def test_a_good_request_moves_what_it_should(self):
        """Its class, its chain, its target, its tokens and its times."""
        before = self.proxy()
        self.assertEqual(200, self.fleet.client.chat("c").status)
        until(lambda: self.proxy().sum("chain429_chain_requests_total") == 1, 5.0)
        until(lambda: self.proxy().sum("chain429_attempts_total") == 1, 5.0)
        after = self.proxy()
        for name, labels, by in (("chain429_requests_total", {"status": "2xx"}, 1),
                                 ("chain429_chain_requests_total", {"chain": "c", "status": "2xx"}, 1),
                                 ("chain429_attempts_total", {"target": "a/m", "outcome": "ok"}, 1),
                                 ("chain429_tokens_total", {"target": "a/m", "kind": "prompt"}, 3),
                                 ("chain429_tokens_total", {"target": "a/m", "kind": "completion"}, 2),
                                 ("chain429_first_content_seconds_count", {}, 1),
                                 ("chain429_target_first_content_seconds_count", {"target": "a/m"}, 1),
                                 ("chain429_request_duration_seconds_count", {}, 1),
                                 ("chain429_upstream_connects_total", {}, 1),
                                 ("chain429_permits_total", {"kind": "asked"}, 1)):  # nobody has called it before
            with self.subTest(name):
                self.assertEqual(by, after.sum(name, **labels) - before.sum(name, **labels))

    def test_a_model_called_directly_has_no_chain_of_its_own(self):
        """Names that clients make up are no labels."""
        self.moves(self.proxy, 1, "chain429_chain_requests_total", lambda: self.fleet.client.chat("a/made-up"), chain="-")

    def test_a_429_and_what_it_saves(self):
        """Counted when it comes; afterwards the calls that were not made."""
        self.first.answer = answers.rate_limited({"retry-after": "60"})
        self.moves(self.proxy, 1, "chain429_provider_429s_total", lambda: self.fleet.client.chat("c"), target="a/m")
        self.moves(self.proxy, 1, "chain429_calls_avoided_total", lambda: self.fleet.client.chat("c"), target="a/m")
        closed = until(lambda: self.proxy().all("chain429_pool_closed_seconds", reason="rate_limited"), 5.0)
        self.assertTrue(50 < closed[0] <= 60, closed)

    def test_streams_open_and_broken(self):
        """The gauge rises and falls."""
        def going(exchange):
            exchange.send(answers.stream_head())
            exchange.send(chunk(event(ROLE) + event(delta(content="x"))))
            exchange.wait_gone(15)
            exchange.close()
        self.first.answer = going
        connection = self.fleet.client.open_chat("c", stream=True)
        connection.head()
        self.assertEqual(1, self.proxy().value("chain429_streams_open"))
        self.assertEqual(1, self.proxy().value("chain429_requests_open"))
        self.moves(self.proxy, 1, "chain429_clients_gone_total", connection.close)
        until(lambda: self.proxy().value("chain429_streams_open") == 0, 5.0)
        self.first.answer = answers.stream(event(ROLE) + event(delta(content="x")), end=False, then="reset")
        self.moves(self.proxy, 1, "chain429_streams_broken_total", lambda: self.fleet.client.chat("c", stream=True))

    def test_a_client_that_leaves_before_its_answer(self):
        """It has no status."""
        self.first.answer = answers.silent
        connection = self.fleet.client.open_chat("c")
        self.first.wait_calls(1)
        self.moves(self.proxy, 1, "chain429_requests_total", connection.close, status="none")

    def test_the_first_content_of_a_stream_is_not_its_end(self):
        """The time stops at the first content, however long the rest takes."""
        pieces = [event(ROLE), event(delta(content="a")), event(delta(content="b")), event(delta(content="c")), answers.DONE]
        self.first.answer = answers.stream(pieces=pieces, pause=0.4)
        self.fleet.client.chat("c", stream=True)
        after = until(lambda: (lambda m: m if m.value("chain429_request_duration_seconds_count") == 1 else None)(self.proxy()), 5.0)
        first, whole = (after.value(f"chain429_{name}_seconds_sum") for name in ("first_content", "request_duration"))
        self.assertGreater(whole - first, 0.8)

    def test_what_is_known_of_the_process_and_the_link(self):
        """Memory, time, files; version, snapshot, control plane."""
        metrics = self.proxy()
        self.assertGreater(metrics.value("process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(metrics.value("process_cpu_seconds_total"), 0)
        self.assertGreater(metrics.value("process_start_time_seconds"), 1.6e9)
        self.assertGreater(metrics.value("process_open_fds"), 3)
        self.assertEqual(1, metrics.value("chain429_control_attached"))
        self.assertGreater(metrics.value("chain429_snapshot_version"), 0)
        self.assertGreaterEqual(metrics.value("chain429_snapshot_age_seconds"), 0)
        self.assertEqual(1, metrics.sum("chain429_build_info"))
        self.assertEqual(0, metrics.value("chain429_log_lines_dropped_total"))
        self.moves(self.proxy, 1, "chain429_log_lines_total", lambda: self.fleet.client.chat("c"))

    def test_names_of_any_kind_do_not_break_the_format(self):
        """A model's name may hold quotes and backslashes."""
        self.moves(self.proxy, 1, "chain429_attempts_total", lambda: self.fleet.client.chat('a/x"y\\z\n{}'),
                   target='a/x\\"y\\\\z\\n{}')


class LimitedMetrics(MetricsCase):
    LIMITS = {"limits": {"rpm": 2, "concurrency": 2}}

    def test_permits_asked_for_and_denied(self):
        """And how long their answers took."""
        self.moves(self.proxy, 1, "chain429_permits_total", lambda: self.fleet.client.chat("c"), kind="asked")
        self.assertEqual(1, self.proxy().value("chain429_acquire_seconds_count"))
        self.fleet.client.chat("c")
        self.moves(self.proxy, 1, "chain429_calls_avoided_total", lambda: self.fleet.client.chat("c"), target="a/m",
                   outcome="skipped_quota")

    def test_the_control_plane_shows_what_pools_have_left(self):
        """Limit and remainder by pool, unit and window."""
        self.fleet.client.chat("c")
        until(lambda: self.control().value("chain429_control_attempts_settled_total") == 1, 5.0)
        metrics = self.control()
        self.assertEqual(2, metrics.value("chain429_control_pool_limit", unit="requests", window="1m"))
        self.assertEqual(1, metrics.value("chain429_control_pool_remaining", unit="requests", window="1m"))
        self.assertEqual(2, metrics.value("chain429_control_pool_remaining", unit="concurrency", window="none"))
        self.assertEqual(1, metrics.value("chain429_control_permits_granted_total"))
        self.assertGreater(metrics.value("chain429_control_permit_latency_seconds_count"), 0)

    def test_permits_that_no_answer_came_for(self):
        """A control plane that stands still: the proxy goes on by itself, and counts it."""
        self.fleet.client.chat("c")
        self.fleet.control.program.signal(signal.SIGSTOP)
        try:
            self.moves(self.proxy, 1, "chain429_permits_timed_out_total",
                       lambda: self.assertEqual(200, self.fleet.client.chat("c").status))
            until(lambda: self.proxy().value("chain429_control_attached") == 0, 15.0)
        finally:
            self.fleet.control.program.signal(signal.SIGCONT)


class ControlMetrics(MetricsCase):
    def test_snapshots_proxies_and_configurations(self):
        """Sent, acknowledged; attached; taken and refused."""
        def settled():
            found = self.control()
            sent, known = (found.value(f"chain429_control_snapshots_{what}_total") for what in ("sent", "acknowledged"))
            return found if sent == known >= 1 else None
        metrics = until(settled, 10.0, "the snapshot to be acknowledged")
        self.assertEqual(1, metrics.value("chain429_control_proxies"))
        self.assertEqual(1, metrics.value("chain429_control_proxies_attached_total"))
        self.assertGreater(metrics.value("chain429_control_config_last_success_timestamp_seconds"), 1.6e9)
        self.assertGreater(metrics.value("chain429_control_epoch"), 0)
        for name in ("process_resident_memory_bytes", "process_start_time_seconds", "chain429_control_uptime_seconds"):
            self.assertGreater(metrics.value(name), 0)
        good = self.fleet.config_path.read_text()
        self.fleet.write(good + "oops: 1\n")
        self.moves(self.control, 1, "chain429_control_config_refusals_total", self.fleet.reload)
        self.assertEqual(1, self.control().value("chain429_control_config_last_reload_failed"))
        self.fleet.write(good + "default_chain: c\n")
        self.moves(self.control, 1, "chain429_control_snapshots_acknowledged_total", self.fleet.reload)

    def test_a_closed_pool_and_its_seconds(self):
        """And a line of the log for it, and for its opening."""
        self.first.answer = answers.rate_limited({"retry-after": "2"})
        self.fleet.client.chat("c")
        left = until(lambda: self.control().all("chain429_control_pool_closed_seconds", reason="rate_limited"), 5.0)
        self.assertTrue(0 < left[0] <= 2, left)
        self.assertEqual(1, self.control().value("chain429_control_closures_total"))
        log = self.fleet.control.program
        log.wait_for(r"info control: pool closed pool=\S+ reason=rate_limited seconds=[0-9.]+", 5.0)
        self.first.answer = answers.usual()

        def opened():
            self.fleet.client.chat("c")
            return "pool reopened" in log.stderr
        until(opened, 10.0, every=0.1)

    def test_the_log_says_who_comes_and_goes(self):
        """With their names, as fields."""
        log = self.fleet.control.program
        log.wait_for(r"this control plane grants permits epoch=\d+ store=\S+ pools_remembered=0", 5.0)
        log.wait_for(r"proxy attached node=node-0 boot_id=[0-9a-f]{32} proxies=1", 5.0)
        self.fleet.proxy.program.terminate()
        log.wait_for(r"proxy says goodbye node=node-0", 5.0)
        log.wait_for(r"proxy detached node=node-0 boot_id=[0-9a-f]{32} proxies=0", 5.0)


if __name__ == "__main__":
    unittest.main()
